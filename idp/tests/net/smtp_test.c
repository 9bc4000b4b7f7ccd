#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>

#include "base/lane.h"
#include "base/log.h"
#include "net/resolve.h"
#include "net/smtp.h"
#include "tests/help.h"
#include "tests/smtp_peer.h"
#include "tests/wire_tls.h"

enum { LONG_MS = 10000, SHORT_MS = 300 };

static struct world {
    char *folder, *certificate, *key, *other;
    struct smtp_peer *peer;
    struct net *net;
    struct net_mail mail;
    char server[64];
    const char *address; /* what the name server says of every name */
    int code;
} w;

static enum idp_err lie(void *context, const char *host, unsigned deadline_ms,
                        struct net_addresses *out)
{
    (void)context, (void)host, (void)deadline_ms;
    struct sockaddr_in in = {.sin_family = AF_INET};
    memset(out, 0, sizeof(*out));
    assert_int_equal(inet_pton(AF_INET, w.address, &in.sin_addr), 1);
    memcpy(&out->list[out->count++], &in, sizeof(in));
    return IDP_OK;
}

static const char message[] = "Subject: news\r\n\r\nfirst\r\n.hidden\r\n..\r\nlast\r\n";

/* A peer, and a mail for it by its name; scheme smtp without TLS to begin with. */
static void begin(const struct smtp_peer_wish *wish, const char *scheme)
{
    w.peer = smtp_peer_start(wish);
    (void)snprintf(w.server, sizeof(w.server), "%s://mail.example:%d", scheme,
                   smtp_peer_port(w.peer));
    w.mail = (struct net_mail){
        .server = w.server,
        .from = "noreply@idp.example",
        .to = "office@company.example",
        .plain = wish->certificate == NULL,
        .ca_file = w.certificate,
        .message = message,
        .message_len = sizeof(message) - 1,
        .deadline_ms = LONG_MS,
    };
}

static void begin_plain(void)
{
    begin(&(struct smtp_peer_wish){.certificate = NULL}, "smtp");
}

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.folder = help_temp_folder(), .address = "127.0.0.1"};
    for (int i = 0; i < 2; i++)
        tls_make_pair(&(struct tls_wish){.folder = w.folder,
                                         .name = i == 0 ? "mail.example" : "other.example",
                                         .from_now = -60,
                                         .until = 3600});
    w.certificate = tls_file(w.folder, "mail.example", "crt");
    w.key = tls_file(w.folder, "mail.example", "key");
    w.other = tls_file(w.folder, "other.example", "crt");
    if (net_new(NULL, &w.net) != IDP_OK)
        return 1;
    net_set_resolver(w.net, (struct net_resolver){.resolve = lie});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lane_set_may_wait(true);
    if (w.peer != NULL)
        smtp_peer_stop(w.peer);
    net_free(w.net);
    help_remove_folder(w.folder);
    free(w.folder);
    free(w.certificate);
    free(w.key);
    free(w.other);
    return 0;
}

static enum idp_err send_it(void)
{
    return net_mail_send(w.net, &w.mail, &w.code);
}

static void expect_heard(const char *line, bool heard)
{
    char *all = smtp_peer_heard(w.peer);
    if ((strstr(all, line) != NULL) != heard)
        fail_msg("%s: %s", line, all);
    free(all);
}

/* --- taken ----------------------------------------------------------------------------------- */

static void message_arrives_as_it_is(void **state)
{
    (void)state;
    begin_plain();
    assert_int_equal(send_it(), IDP_OK);
    assert_int_equal(w.code, 250);
    assert_int_equal(smtp_peer_taken(w.peer), 1);
    assert_string_equal(smtp_peer_message(w.peer, 0), message);
    expect_heard("\nMAIL FROM:<noreply@idp.example>", true);
    expect_heard("\nRCPT TO:<office@company.example>\n", true);
    expect_heard("AUTH", false);
}

/* curl would wait for the answer to QUIT for two minutes, beyond any deadline. */
static void nobody_waits_for_the_answer_to_goodbye(void **state)
{
    (void)state;
    begin_plain();
    smtp_peer_says(w.peer, "QUIT", "");
    assert_int_equal(send_it(), IDP_OK);
    smtp_peer_says(w.peer, "RCPT", "550 5.1.1 no such user");
    assert_int_equal(send_it(), IDP_DENIED);
    assert_int_equal(smtp_peer_taken(w.peer), 1);
}

static void nothing_but_hello_is_said_before_starttls(void **state)
{
    (void)state;
    begin(&(struct smtp_peer_wish){.certificate = w.certificate, .key = w.key}, "smtp");
    w.mail.user = "idp";
    w.mail.password = "correct horse";
    assert_int_equal(send_it(), IDP_OK);
    expect_heard("\nSTARTTLS\n(tls) EHLO ", true);
    /* RFC 4616 section 2: NUL idp NUL correct horse */
    expect_heard("\n(tls) AUTH PLAIN\n(tls) AGlkcABjb3JyZWN0IGhvcnNl\n", true);
    expect_heard("\n(tls) MAIL FROM:<noreply@idp.example>", true);
    expect_heard("\nMAIL", false);
    assert_string_equal(smtp_peer_message(w.peer, 0), message);
}

static void smtps_is_tls_from_the_first_byte(void **state)
{
    (void)state;
    begin(&(struct smtp_peer_wish){w.certificate, w.key, true}, "smtps");
    assert_int_equal(send_it(), IDP_OK);
    expect_heard("STARTTLS", false);
    expect_heard("(tls) EHLO ", true);
}

/* --- refused --------------------------------------------------------------------------------- */

/* What becomes of a mail when this command is answered so. */
static void expect_outcome(const char *command, const char *answer, enum idp_err err)
{
    smtp_peer_says(w.peer, command, answer);
    enum idp_err got = send_it();
    if (got != err)
        fail_msg("%s after %s: %d", answer, command, got);
    smtp_peer_says(w.peer, command, NULL);
}

static void message_or_recipient_that_is_refused_for_good_is_denied(void **state)
{
    (void)state;
    begin_plain();
    expect_outcome("RCPT", "550 5.1.1 no such user", IDP_DENIED);
    assert_int_equal(w.code, 550);
    expect_outcome("DATA", "554 5.7.1 no", IDP_DENIED);
    expect_outcome("END", "552 5.3.4 too big", IDP_DENIED);
    assert_int_equal(smtp_peer_taken(w.peer), 0);
}

static void greylisting_may_be_tried_again(void **state)
{
    (void)state;
    begin_plain();
    expect_outcome("RCPT", "450 4.2.0 greylisted", IDP_LIMITED);
    assert_int_equal(w.code, 450);
    expect_outcome("END", "451 4.3.0 later", IDP_LIMITED);
    assert_int_equal(send_it(), IDP_OK);
}

/* These are no properties of the message: once the settings are mended it can be sent. */
static void server_that_takes_nothing_of_ours_is_unavailable(void **state)
{
    (void)state;
    begin_plain();
    w.mail.user = "idp";
    w.mail.password = "wrong";
    expect_outcome("HELLO", "554 5.3.2 go away", IDP_UNAVAILABLE);
    expect_outcome("AUTH", "535 5.7.8 bad login", IDP_UNAVAILABLE);
    expect_outcome("MAIL", "550 5.7.1 not you", IDP_UNAVAILABLE);
    expect_outcome("MAIL", "421 4.3.2 closing", IDP_UNAVAILABLE);
    assert_int_equal(smtp_peer_taken(w.peer), 0);
}

static void silence_closing_and_absence_are_unavailable(void **state)
{
    (void)state;
    begin_plain();
    w.mail.deadline_ms = SHORT_MS;
    expect_outcome("HELLO", "", IDP_UNAVAILABLE);
    expect_outcome("RCPT", "", IDP_UNAVAILABLE);
    expect_outcome("END", "", IDP_UNAVAILABLE);
    expect_outcome("RCPT", "!", IDP_UNAVAILABLE);
    smtp_peer_stop(w.peer);
    w.peer = NULL;
    assert_int_equal(send_it(), IDP_UNAVAILABLE);
    assert_int_equal(w.code, 0);
}

/* --- what must not leave --------------------------------------------------------------------- */

static void without_starttls_nothing_is_sent(void **state)
{
    (void)state;
    begin_plain();
    w.mail.plain = false;
    w.mail.user = "idp";
    w.mail.password = "correct horse";
    assert_int_equal(send_it(), IDP_UNAVAILABLE);
    expect_heard("AUTH", false);
    expect_heard("MAIL", false);
}

static void refused_starttls_is_no_way_around_it(void **state)
{
    (void)state;
    begin(&(struct smtp_peer_wish){.certificate = w.certificate, .key = w.key}, "smtp");
    smtp_peer_says(w.peer, "STARTTLS", "454 4.7.0 not now");
    assert_int_equal(send_it(), IDP_UNAVAILABLE);
    expect_heard("MAIL", false);
}

static void certificate_that_is_not_trusted_gets_nothing(void **state)
{
    (void)state;
    begin(&(struct smtp_peer_wish){w.certificate, w.key, true}, "smtps");
    w.mail.ca_file = w.other;
    assert_int_equal(send_it(), IDP_UNAVAILABLE);
    w.mail.ca_file = NULL; /* the system's authorities did not sign it either */
    assert_int_equal(send_it(), IDP_UNAVAILABLE);
    expect_heard("EHLO", false);
}

static void certificate_for_another_name_gets_nothing(void **state)
{
    (void)state;
    begin(&(struct smtp_peer_wish){w.certificate, w.key, true}, "smtps");
    (void)snprintf(w.server, sizeof(w.server), "smtps://relay.example:%d", smtp_peer_port(w.peer));
    assert_int_equal(send_it(), IDP_UNAVAILABLE);
    expect_heard("EHLO", false);
}

static void plain_text_stays_on_this_machine(void **state)
{
    (void)state;
    begin_plain();
    w.address = "192.0.2.1";
    assert_int_equal(send_it(), IDP_BAD_REQUEST);
    w.address = "128.0.0.1";
    assert_int_equal(send_it(), IDP_BAD_REQUEST);
    assert_int_equal(smtp_peer_connections(w.peer), 0);
}

static void other_schemes_are_no_mail_servers(void **state)
{
    (void)state;
    static const char *const servers[] = {"http://mail.example/", "file:///etc/passwd", "smtp://",
                                          "", "smtp://a:b@mail.example"};
    begin_plain();
    for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++) {
        w.mail.server = servers[i];
        assert_int_equal(send_it(), IDP_BAD_REQUEST);
    }
}

static void thread_that_may_not_wait_is_told(void **state)
{
    (void)state;
    begin_plain();
    lane_set_may_wait(false);
    assert_int_equal(send_it(), IDP_WAIT);
    assert_int_equal(smtp_peer_connections(w.peer), 0);
}

static void *interrupt(void *net)
{
    net_interrupt(net);
    return NULL;
}

static void sending_can_be_broken_off(void **state)
{
    (void)state;
    pthread_t thread;
    begin_plain();
    w.mail.deadline_ms = 600000; /* the test would not end before */
    smtp_peer_says(w.peer, "END", "");
    assert_int_equal(pthread_create(&thread, NULL, interrupt, w.net), 0);
    assert_int_equal(send_it(), IDP_UNAVAILABLE);
    (void)pthread_join(thread, NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(message_arrives_as_it_is),
        TEST(nobody_waits_for_the_answer_to_goodbye),
        TEST(nothing_but_hello_is_said_before_starttls),
        TEST(smtps_is_tls_from_the_first_byte),
        TEST(message_or_recipient_that_is_refused_for_good_is_denied),
        TEST(greylisting_may_be_tried_again),
        TEST(server_that_takes_nothing_of_ours_is_unavailable),
        TEST(silence_closing_and_absence_are_unavailable),
        TEST(without_starttls_nothing_is_sent),
        TEST(refused_starttls_is_no_way_around_it),
        TEST(certificate_that_is_not_trusted_gets_nothing),
        TEST(certificate_for_another_name_gets_nothing),
        TEST(plain_text_stays_on_this_machine),
        TEST(other_schemes_are_no_mail_servers),
        TEST(thread_that_may_not_wait_is_told),
        TEST(sending_can_be_broken_off),
    };
    return cmocka_run_group_tests_name("net/smtp", tests, NULL, NULL);
}
