#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/access.h"
#include "access/mail.h"
#include "access/outbox.h"
#include "access/resume.h"
#include "access/revoke.h"
#include "base/base64.h"
#include "notify/news.h"
#include "store/sql.h"
#include "tests/access/post.h"

static const char *bell(void)
{
    return world.holders[LOCK_BELL].enterprise.id;
}

static struct revoke_order order_of(void)
{
    return (struct revoke_order){
        .arena = world.arena, .by = {.kind = "operator", .name = "alice"}, .now = world.now};
}

static enum idp_err resume(void)
{
    struct revoke_order order = order_of();
    return resume_enterprise(&world.app.access, &order, bell());
}

static int64_t mails(void)
{
    return world_number("SELECT COUNT(*) FROM outbox WHERE kind = 'mail'");
}

/* The body of the message that came i-th, decoded. */
static const char *text_of(int i)
{
    const char *message = smtp_peer_message(post.peer, i);
    assert_non_null(message);
    const char *at = strstr(message, "\r\n\r\n") + 4;
    char *packed = arena_alloc(world.arena, strlen(at) + 1);
    char *text = arena_alloc(world.arena, strlen(at) + 1);
    size_t n = 0;
    size_t len = 0;
    for (; *at != '\0'; at++)
        if (*at != '\r' && *at != '\n')
            packed[n++] = *at;
    assert_int_equal(base64_decode(packed, n, text, n + 1, &len), IDP_OK);
    return text;
}

static void expect_text(int i, const char *part)
{
    if (strstr(text_of(i), part) == NULL)
        fail_msg("%s\nin %s", part, text_of(i));
}

/* --- what is told ---------------------------------------------------------------------------- */

static void suspension_and_resumption_are_told_once_each(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(post_suspend(), IDP_OK);
    assert_int_equal(mails(), 1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(resume(), IDP_OK);
    assert_int_equal(mails(), 2);
    assert_int_equal(post_deliver(0), IDP_OK);
    assert_int_equal(smtp_peer_taken(post.peer), 2);
    assert_int_equal(post_waiting(), 0);
}

static void unbinding_is_told_once_with_the_lock(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(post_unbind(), IDP_OK);
    assert_int_equal(post_deliver(0), IDP_OK);
    assert_int_equal(smtp_peer_taken(post.peer), 1);
    const char *message = smtp_peer_message(post.peer, 0);
    assert_non_null(strstr(message, "\r\nTo: office@bidder.example\r\n"));
    expect_text(0, "风铃建设有限公司：");
    expect_text(0, arena_printf(world.arena,
                                "CA lock: primary, Example Authority, certificate "
                                "serial number %s\r\n",
                                world.holders[LOCK_BELL].lock.serial));
    expect_text(0, "请立即致电平台运营方 0471-111-2222。");
}

static void withdrawn_consent_is_told_with_the_platform(void **state)
{
    (void)state;
    struct revoke_order order = order_of();
    world_sql("INSERT INTO consents (enterprise, client, scope, claims_hash, given) "
              "SELECT id, 'platform', 'openid', '', 1 FROM enterprises");
    assert_int_equal(revoke_consent(&world.app.access, &order, bell(), "platform"), IDP_OK);
    assert_int_equal(post_deliver(0), IDP_OK);
    expect_text(0, "平台：platform平台\r\n");
    expect_text(0, "Platform: platform\r\n");
}

static void nothing_that_gives_anything_away_is_in_a_mail(void **state)
{
    (void)state;
    assert_int_equal(post_unbind(), IDP_OK);
    assert_int_equal(post_deliver(0), IDP_OK);
    const char *text = text_of(0);
    assert_null(strstr(text, "://"));
    assert_null(strstr(text, bell()));
    assert_null(strstr(text, world.holders[LOCK_BELL].lock.id));
    assert_null(strstr(text, world.holders[LOCK_BELL].lock.key_hash));
}

static enum idp_err add(struct sql_tx *tx, void *with)
{
    return mail_add(&world.app.access, tx, world.arena, with);
}

static void former_address_is_told_too_unless_it_is_the_same(void **state)
{
    (void)state;
    static const char *const formers[] = {"office@bidder.example", "", NULL, "old@bidder.example"};
    for (int i = 0; i < 4; i++) {
        struct mail_cause cause = {.news = &news_lock_bound,
                                   .lock = world.holders[LOCK_BELL].lock.id,
                                   .former = formers[i],
                                   .now = world.now};
        assert_int_equal(sql_transact(world.app.db, add, &cause), IDP_OK);
        assert_int_equal(mails(), i < 3 ? i + 1 : 5);
    }
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox "
                                  "WHERE target = 'old@bidder.example'"),
                     1);
}

static void enterprise_without_an_address_is_told_nothing(void **state)
{
    (void)state;
    world_sql("UPDATE enterprises SET email = ''");
    assert_int_equal(post_suspend(), IDP_OK);
    assert_int_equal(mails(), 0);
}

static void without_mail_in_the_settings_no_row_is_written(void **state)
{
    (void)state;
    world.app.access.tells = false;
    assert_int_equal(post_suspend(), IDP_OK);
    assert_int_equal(post_unbind(), IDP_OK);
    assert_int_equal(mails(), 0);
}

static void what_is_undone_is_not_told(void **state)
{
    (void)state;
    struct revoke_order order = order_of();
    assert_int_equal(revoke_consent(&world.app.access, &order, bell(), "platform"), IDP_NOT_FOUND);
    world_sql_is_down(true);
    assert_int_equal(post_suspend(), IDP_UNAVAILABLE);
    world_sql_is_down(false);
    assert_int_equal(mails(), 0);
}

static void delivered_mail_leaves_no_names_in_the_table(void **state)
{
    (void)state;
    assert_int_equal(post_suspend(), IDP_OK);
    assert_string_not_equal(world_text("SELECT body FROM outbox WHERE kind = 'mail'"), "");
    assert_int_equal(post_deliver(0), IDP_OK);
    assert_string_equal(world_text("SELECT body FROM outbox WHERE kind = 'mail'"), "");
}

/* --- when it does not go well ---------------------------------------------------------------- */

static int64_t due_in_s(void)
{
    return world_number("SELECT due_ms / 1000 FROM outbox WHERE kind = 'mail'") - world.now;
}

static void dead_server_gets_the_mail_later_and_once(void **state)
{
    (void)state;
    smtp_peer_says(post.peer, "HELLO", "!");
    assert_int_equal(post_suspend(), IDP_OK);
    assert_int_equal(post_deliver(0), IDP_OK);
    assert_int_equal(post_waiting(), 1);
    assert_in_range(due_in_s(), 45, 60);
    assert_int_equal(post_deliver(44000), IDP_OK); /* not yet due */
    smtp_peer_says(post.peer, "HELLO", NULL);
    assert_int_equal(smtp_peer_connections(post.peer), 1);
    assert_int_equal(post_deliver(60000), IDP_OK);
    assert_int_equal(post_deliver(600000), IDP_OK);
    assert_int_equal(smtp_peer_taken(post.peer), 1);
    assert_int_equal(post_waiting(), 0);
}

static void greylisting_delays_one_mail_and_no_other(void **state)
{
    (void)state;
    smtp_peer_says(post.peer, "RCPT TO:<office@bidder.example>", "450 4.2.0 greylisted");
    assert_int_equal(post_suspend(), IDP_OK);
    world_sql("UPDATE enterprises SET email = 'other@bidder.example'");
    assert_int_equal(post_unbind(), IDP_OK);
    assert_int_equal(post_deliver(0), IDP_OK);
    assert_int_equal(smtp_peer_taken(post.peer), 1);
    assert_int_equal(post_waiting(), 1);
    smtp_peer_says(post.peer, "RCPT TO:<office@bidder.example>", NULL);
    assert_int_equal(post_deliver(60000), IDP_OK);
    assert_int_equal(smtp_peer_taken(post.peer), 2);
}

static void mail_refused_for_good_is_parked_at_once(void **state)
{
    (void)state;
    smtp_peer_says(post.peer, "RCPT TO:<office@bidder.example>", "550 5.1.1 no such user");
    assert_int_equal(post_suspend(), IDP_OK);
    world_sql("UPDATE enterprises SET email = 'other@bidder.example'");
    assert_int_equal(post_unbind(), IDP_OK);
    assert_int_equal(post_deliver(0), IDP_OK);
    assert_int_equal(smtp_peer_taken(post.peer), 1); /* it kept no other waiting */
    assert_int_equal(post_waiting(), 0);
    assert_int_equal(world_number("SELECT parked FROM outbox WHERE parked IS NOT NULL"), world.now);
    assert_string_equal(world_text("SELECT failure FROM outbox WHERE parked IS NOT NULL"),
                        "refused");
    struct outbox_figures figures;
    assert_int_equal(outbox_count(&world.app.access, OUTBOX_MESSAGES, &figures), IDP_OK);
    assert_int_equal(figures.parked, 1);
    assert_int_equal(figures.waiting, 0);
    assert_int_equal(figures.oldest, 0);
    assert_int_equal(post_deliver(3600000), IDP_OK);
    assert_int_equal(smtp_peer_taken(post.peer), 1);
}

static void address_that_is_none_is_parked_without_a_word_to_the_server(void **state)
{
    (void)state;
    world_sql("UPDATE enterprises SET email = 'a@b.c>\r\nDATA'");
    assert_int_equal(post_suspend(), IDP_OK);
    assert_int_equal(post_deliver(0), IDP_OK);
    assert_int_equal(smtp_peer_connections(post.peer), 0);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox WHERE parked IS NOT NULL"), 1);
}

static void mail_that_fails_too_often_is_parked(void **state)
{
    (void)state;
    smtp_peer_says(post.peer, "HELLO", "!");
    assert_int_equal(post_suspend(), IDP_OK);
    int64_t after = 0;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(post_waiting(), 1);
        assert_int_equal(post_deliver(after), IDP_OK);
        after += 3600000;
    }
    assert_int_equal(post_waiting(), 0);
    assert_int_equal(smtp_peer_connections(post.peer), 5);
    assert_int_equal(world_number("SELECT attempts FROM outbox WHERE parked IS NOT NULL"), 5);
    assert_string_equal(world_text("SELECT failure FROM outbox WHERE parked IS NOT NULL"),
                        "no answer");
}

static void waits_grow_to_an_hour(void **state)
{
    (void)state;
    world.app.access.message_attempts = 100;
    smtp_peer_says(post.peer, "HELLO", "!");
    assert_int_equal(post_suspend(), IDP_OK);
    int64_t longest = 60;
    int64_t due = 0;
    for (int i = 0; i < 12; i++) {
        assert_int_equal(post_deliver(due * 1000), IDP_OK);
        int64_t wait = due_in_s() - due;
        assert_in_range(wait, longest * 3 / 4, longest);
        longest = longest * 2 < 3600 ? longest * 2 : 3600;
        due = due_in_s() + 1;
    }
}

/* One dead server is asked once a call, not once for each mail. */
static void dead_server_is_not_asked_for_every_mail(void **state)
{
    (void)state;
    smtp_peer_says(post.peer, "HELLO", "!");
    assert_int_equal(post_suspend(), IDP_OK);
    assert_int_equal(post_unbind(), IDP_OK);
    assert_int_equal(post_deliver(0), IDP_OK);
    assert_int_equal(smtp_peer_connections(post.peer), 1);
    assert_int_equal(post_waiting(), 2);
}

static void program_without_mail_parks_what_another_wrote_in_the_end(void **state)
{
    (void)state;
    assert_int_equal(post_suspend(), IDP_OK);
    world.app.access.mailer = NULL;
    for (int i = 0; i < 5; i++)
        assert_int_equal(post_deliver(i * 3600000LL), IDP_OK);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox WHERE parked IS NOT NULL"), 1);
}

static void news_of_a_newer_program_waits(void **state)
{
    (void)state;
    assert_int_equal(post_suspend(), IDP_OK);
    world_sql("UPDATE outbox SET body = '{\"news\":\"pigeon\",\"name\":\"x\"}'");
    assert_int_equal(post_deliver(0), IDP_OK);
    world_sql("UPDATE outbox SET body = 'no JSON', due_ms = 0");
    assert_int_equal(post_deliver(0), IDP_OK);
    assert_int_equal(post_waiting(), 1);
    assert_int_equal(smtp_peer_connections(post.peer), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        POST_TEST(suspension_and_resumption_are_told_once_each),
        POST_TEST(unbinding_is_told_once_with_the_lock),
        POST_TEST(withdrawn_consent_is_told_with_the_platform),
        POST_TEST(nothing_that_gives_anything_away_is_in_a_mail),
        POST_TEST(former_address_is_told_too_unless_it_is_the_same),
        POST_TEST(enterprise_without_an_address_is_told_nothing),
        POST_TEST(without_mail_in_the_settings_no_row_is_written),
        POST_TEST(what_is_undone_is_not_told),
        POST_TEST(delivered_mail_leaves_no_names_in_the_table),
        POST_TEST(dead_server_gets_the_mail_later_and_once),
        POST_TEST(greylisting_delays_one_mail_and_no_other),
        POST_TEST(mail_refused_for_good_is_parked_at_once),
        POST_TEST(address_that_is_none_is_parked_without_a_word_to_the_server),
        POST_TEST(mail_that_fails_too_often_is_parked),
        POST_TEST(waits_grow_to_an_hour),
        POST_TEST(dead_server_is_not_asked_for_every_mail),
        POST_TEST(program_without_mail_parks_what_another_wrote_in_the_end),
        POST_TEST(news_of_a_newer_program_waits),
    };
    return cmocka_run_group_tests_name("access/mail", tests, world_prepare, world_forget);
}
