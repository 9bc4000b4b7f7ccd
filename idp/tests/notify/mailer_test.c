#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "net/net.h"
#include "notify/mailer.h"
#include "tests/help.h"
#include "tests/smtp_peer.h"

static struct world {
    struct arena *arena;
    char *folder, *log;
    struct smtp_peer *peer;
    struct net *net;
    struct mailer *mailer;
    struct letter letter;
    char server[64];
} w;

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.arena = arena_new(), .folder = help_temp_folder()};
    w.log = arena_printf(w.arena, "%s/log", w.folder);
    log_set_fd(open(w.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    w.peer = smtp_peer_start(&(struct smtp_peer_wish){.certificate = NULL});
    (void)snprintf(w.server, sizeof(w.server), "smtp://127.0.0.1:%d", smtp_peer_port(w.peer));
    const struct mailer_settings settings = {.server = w.server,
                                             .user = "idp",
                                             .password = "correct horse",
                                             .from = "noreply@idp.example",
                                             .from_name = "认证"};
    w.letter = (struct letter){.to = "office@company.example",
                               .subject = "news",
                               .body = "text\n",
                               .id = "row-1",
                               .at = 1714975385};
    return net_new(NULL, &w.net) != IDP_OK || mailer_new(w.net, &settings, &w.mailer) != IDP_OK;
}

static int tear_down(void **state)
{
    (void)state;
    mailer_free(w.mailer);
    net_free(w.net);
    smtp_peer_stop(w.peer);
    log_set_fd(STDERR_FILENO);
    help_remove_folder(w.folder);
    free(w.folder);
    arena_free(w.arena);
    return 0;
}

static enum idp_err send_it(void)
{
    return mailer_send(w.mailer, w.arena, &w.letter);
}

static void expect_logged(const char *text)
{
    char *log = help_read_file(w.log, NULL);
    assert_non_null(log);
    if (strstr(log, text) == NULL)
        fail_msg("%s: %s", text, log);
    assert_null(strstr(log, "company.example"));
    assert_null(strstr(log, "correct horse"));
    free(log);
}

static void letter_is_sent_in_the_name_of_the_settings(void **state)
{
    (void)state;
    assert_int_equal(send_it(), IDP_OK);
    const char *message = smtp_peer_message(w.peer, 0);
    assert_non_null(message);
    assert_non_null(strstr(message, " <noreply@idp.example>\r\n"));
    assert_non_null(strstr(message, "\r\nTo: office@company.example\r\n"));
    assert_non_null(strstr(message, "\r\nMessage-ID: <row-1@idp.example>\r\n"));
}

static void refusals_are_told_apart_and_logged_without_the_address(void **state)
{
    (void)state;
    smtp_peer_says(w.peer, "RCPT", "450 4.2.0 greylisted office@company.example");
    assert_int_equal(send_it(), IDP_LIMITED);
    expect_logged("\"id\":\"row-1\",\"why\":\"the server refuses it for now\",\"code\":450");
    smtp_peer_says(w.peer, "RCPT", "550 5.1.1 office@company.example unknown");
    assert_int_equal(send_it(), IDP_DENIED);
    expect_logged("\"why\":\"the server refuses it for good\",\"code\":550");
    smtp_peer_says(w.peer, "AUTH", "535 5.7.8 wrong");
    assert_int_equal(send_it(), IDP_UNAVAILABLE);
    expect_logged("\"why\":\"the server does not answer, or not as it should\"");
}

static void address_that_is_none_is_never_taken(void **state)
{
    (void)state;
    w.letter.to = "a@b.c> SIZE=1\r\nRCPT TO:<x@y.z";
    assert_int_equal(send_it(), IDP_DENIED);
    assert_int_equal(smtp_peer_connections(w.peer), 0);
    expect_logged("\"why\":\"the address, or the text, is not one that mail can carry\"");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(letter_is_sent_in_the_name_of_the_settings),
        TEST(refusals_are_told_apart_and_logged_without_the_address),
        TEST(address_that_is_none_is_never_taken),
    };
    return cmocka_run_group_tests_name("notify/mailer", tests, NULL, NULL);
}
