#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "config_mail.h"

static struct config config;

static int set_up(void **state)
{
    (void)state;
    config = (struct config){.mail_server = "smtp://mail.example:587",
                             .mail_from = "noreply@idp.example",
                             .mail_starttls = true};
    return 0;
}

static void expect_problem(const char *problem)
{
    const char *got = config_mail_problem(&config);
    if (got == NULL || problem == NULL)
        assert_ptr_equal(got, problem);
    else
        assert_string_equal(got, problem);
}

static void server_and_sender_are_enough(void **state)
{
    (void)state;
    expect_problem(NULL);
    config.mail_server = "smtps://mail.example";
    config.mail_name = "统一认证平台";
    config.mail_user = "idp";
    config.mail_password_file = "mail.password";
    config.mail_ca_file = "ca.pem";
    expect_problem(NULL);
}

static void no_mail_at_all_is_fine(void **state)
{
    (void)state;
    config = (struct config){.mail_starttls = true};
    expect_problem(NULL);
}

static void nothing_of_mail_is_set_without_a_server(void **state)
{
    (void)state;
    static const size_t texts[] = {
        offsetof(struct config, mail_from),    offsetof(struct config, mail_name),
        offsetof(struct config, mail_user),    offsetof(struct config, mail_password_file),
        offsetof(struct config, mail_ca_file),
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        config = (struct config){.mail_starttls = true};
        *(const char **)(void *)((char *)&config + texts[i]) = "x";
        expect_problem("mail.server: is missing");
    }
}

static void server_is_a_host_and_a_port(void **state)
{
    (void)state;
    static const char *const bad[] = {"mail.example",
                                      "http://mail.example",
                                      "smtp://",
                                      "smtp://mail.example/path",
                                      "smtp://user:secret@mail.example",
                                      "smtp://mail.example?x",
                                      "smtp://mail.example#x",
                                      "smtp://mail example"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        config.mail_server = bad[i];
        expect_problem("mail.server: expected smtp://host[:port] or smtps://host[:port]");
    }
}

static void tls_may_be_missing_on_this_machine_only(void **state)
{
    (void)state;
    static const char *const here[] = {"smtp://127.0.0.1:25", "smtp://127.1.2.3",
                                       "smtp://[::1]:25",     "smtp://localhost",
                                       "smtp://localhost:25", "smtps://mail.example"};
    static const char *const away[] = {"smtp://mail.example", "smtp://localhost.example",
                                       "smtp://10.0.0.1", "smtp://[::2]"};
    config.mail_starttls = false;
    for (size_t i = 0; i < sizeof(here) / sizeof(*here); i++) {
        config.mail_server = here[i];
        expect_problem(NULL);
    }
    for (size_t i = 0; i < sizeof(away) / sizeof(*away); i++) {
        config.mail_server = away[i];
        expect_problem("mail.starttls: may be false for a server on this machine only");
    }
}

static void sender_is_an_address(void **state)
{
    (void)state;
    static const char *const bad[] = {NULL, "noreply", "a@b", "A <a@b.c>", "a@b.c\r\nBcc: d@e.f"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        config.mail_from = bad[i];
        expect_problem("mail.from: expected a mail address");
    }
}

static void name_is_one_line(void **state)
{
    (void)state;
    config.mail_name = "a\r\nBcc: b@c.d";
    expect_problem("mail.name: expected one line");
}

static void user_and_password_come_together(void **state)
{
    (void)state;
    config.mail_user = "idp";
    expect_problem("mail.user, mail.password_file: expected both or none");
    config.mail_user = NULL;
    config.mail_password_file = "file";
    expect_problem("mail.user, mail.password_file: expected both or none");
}

#define TEST(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(server_and_sender_are_enough),
        TEST(no_mail_at_all_is_fine),
        TEST(nothing_of_mail_is_set_without_a_server),
        TEST(server_is_a_host_and_a_port),
        TEST(tls_may_be_missing_on_this_machine_only),
        TEST(sender_is_an_address),
        TEST(name_is_one_line),
        TEST(user_and_password_come_together),
    };
    return cmocka_run_group_tests_name("top/config_mail", tests, NULL, NULL);
}
