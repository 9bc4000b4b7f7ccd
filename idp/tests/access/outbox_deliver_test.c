#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "access/access.h"
#include "access/outbox.h"
#include "net/net.h"
#include "store/sql.h"
#include "tests/access/post.h"

/* Another node: the same database over connections of its own, and the same mail server. */
static struct access another_node(void)
{
    struct access access = world.app.access;
    char *why = NULL;
    assert_int_equal(sql_open(world.where, &why, &access.db), IDP_OK);
    return access;
}

static int64_t now_ms(void)
{
    return world.now * 1000;
}

/* Rows of mail that need nothing else to be made: the i-th is due i ms after the world's time. */
static void make_mails(int count)
{
    for (int i = 0; i < count; i++)
        world_sql(
            arena_printf(world.arena,
                         "INSERT INTO outbox (id, queue, kind, target, body, created, due_ms, "
                         "attempts) VALUES ('mail-%02d', 'messages', 'mail', "
                         "'%d@bidder.example', "
                         "'{\"news\":\"enterprise_resumed\",\"name\":\"Bell\"}', %lld, %lld, "
                         "0)",
                         i, i, (long long)world.now, (long long)(now_ms() + i)));
}

/* Waits until the peer has heard so much. */
static void wait_for(const char *heard)
{
    for (bool found = false; !found; (void)sched_yield()) {
        char *all = smtp_peer_heard(post.peer);
        found = strstr(all, heard) != NULL;
        free(all);
    }
}

static void *deliver_until_nothing_waits(void *with)
{
    const struct access *access = with;
    struct outbox_figures figures = {.waiting = 1};
    while (figures.waiting > 0) {
        assert_int_equal(outbox_deliver(access, OUTBOX_MESSAGES, now_ms() + 1000), IDP_OK);
        assert_int_equal(outbox_count(access, OUTBOX_MESSAGES, &figures), IDP_OK);
    }
    return NULL;
}

/* --- several nodes --------------------------------------------------------------------------- */

static void two_nodes_that_deliver_at_once_send_each_mail_once(void **state)
{
    (void)state;
    pthread_t thread;
    struct access other = another_node();
    make_mails(30);
    assert_int_equal(pthread_create(&thread, NULL, deliver_until_nothing_waits, &other), 0);
    (void)deliver_until_nothing_waits(&world.app.access);
    (void)pthread_join(thread, NULL);
    sql_close(other.db);
    assert_int_equal(smtp_peer_taken(post.peer), 30);
    for (int i = 0; i < 30; i++) {
        const char *id = arena_printf(world.arena, "Message-ID: <mail-%02d@idp.example>", i);
        int found = 0;
        for (int j = 0; j < 30; j++)
            found += strstr(smtp_peer_message(post.peer, j), id) != NULL;
        assert_int_equal(found, 1);
    }
}

static void *deliver_once(void *with)
{
    (void)outbox_deliver(with, OUTBOX_MESSAGES, now_ms());
    return NULL;
}

static void mail_that_a_node_is_sending_is_left_alone_by_the_others(void **state)
{
    (void)state;
    pthread_t thread;
    struct access other = another_node();
    make_mails(1);
    smtp_peer_says(post.peer, "END", "");
    assert_int_equal(pthread_create(&thread, NULL, deliver_once, &other), 0);
    wait_for("DATA");
    assert_int_equal(post_deliver(0), IDP_OK);
    assert_int_equal(post_deliver(179000), IDP_OK);
    assert_int_equal(smtp_peer_connections(post.peer), 1);
    net_interrupt(post.net);
    (void)pthread_join(thread, NULL);
    sql_close(other.db);
}

/* The node dies between the server's word and its own note: better twice than never. */
static void mail_that_could_not_be_settled_is_sent_again_with_the_same_id(void **state)
{
    (void)state;
    make_mails(1);
    world.sql.transactions_left = 1; /* the claim */
    world.sql.transact = IDP_UNAVAILABLE;
    assert_int_equal(post_deliver(0), IDP_UNAVAILABLE);
    world.sql.transact = IDP_OK;
    assert_int_equal(smtp_peer_taken(post.peer), 1);
    assert_int_equal(post_deliver(179999), IDP_OK);
    assert_int_equal(smtp_peer_taken(post.peer), 1);
    assert_int_equal(post_deliver(180000), IDP_OK);
    assert_int_equal(smtp_peer_taken(post.peer), 2);
    assert_string_equal(smtp_peer_message(post.peer, 0), smtp_peer_message(post.peer, 1));
    assert_int_equal(post_waiting(), 0);
}

/* It was tried, and counts, although whoever tried it died: no mail is tried for ever. */
static void attempt_of_a_node_that_died_counts(void **state)
{
    (void)state;
    make_mails(1);
    smtp_peer_says(post.peer, "HELLO", "!");
    world.sql.transact = IDP_UNAVAILABLE;
    world.sql.transactions_left = 1;
    assert_int_equal(post_deliver(0), IDP_UNAVAILABLE);
    world.sql.transact = IDP_OK;
    assert_int_equal(world_number("SELECT attempts FROM outbox"), 1);
}

/* --- order and cost -------------------------------------------------------------------------- */

static void mails_are_sent_in_the_order_they_are_due(void **state)
{
    (void)state;
    make_mails(5);
    world_sql("UPDATE outbox SET due_ms = due_ms - 10 WHERE id = 'mail-03'");
    assert_int_equal(post_deliver(1000), IDP_OK);
    static const char *const order[] = {"mail-03", "mail-00", "mail-01", "mail-02", "mail-04"};
    for (int i = 0; i < 5; i++)
        assert_non_null(strstr(smtp_peer_message(post.peer, i), order[i]));
}

static void idle_queue_is_read_and_not_written(void **state)
{
    (void)state;
    make_mails(3);
    assert_int_equal(post_deliver(1000), IDP_OK);
    world.sql.transact = IDP_UNAVAILABLE;
    assert_int_equal(post_deliver(2000), IDP_OK);
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, now_ms()), IDP_OK);
}

static void dead_database_is_an_error(void **state)
{
    (void)state;
    struct outbox_figures figures;
    make_mails(1);
    world_sql_is_down(true);
    assert_int_equal(post_deliver(0), IDP_UNAVAILABLE);
    assert_int_equal(outbox_count(&world.app.access, OUTBOX_MESSAGES, &figures), IDP_UNAVAILABLE);
    world_sql_is_down(false);
    world.sql.transact = IDP_UNAVAILABLE; /* what cannot be claimed is not sent */
    assert_int_equal(post_deliver(0), IDP_UNAVAILABLE);
    assert_int_equal(smtp_peer_connections(post.peer), 0);
}

/* --- tombstones ------------------------------------------------------------------------------ */

enum { MANY = 3000 };

/* Each with a target of its own: 22 characters of base64url. */
static void make_tombstones(void)
{
    world_sql(arena_printf(world.arena,
                           "WITH RECURSIVE n (i) AS (SELECT 100000 UNION ALL SELECT i + 1 FROM n "
                           "WHERE i < %d) INSERT INTO outbox (id, kind, target, body, created, "
                           "due_ms, attempts) SELECT 'row' || i, 'tombstone', "
                           "'AAAAAAAAAAAAAAA' || i || 'A', '', 0, i, 0 FROM n",
                           100000 + MANY - 1));
}

static int64_t tombstones_left(void)
{
    return world_number("SELECT COUNT(*) FROM outbox WHERE delivered IS NULL");
}

static void many_tombstones_are_put_in_few_calls(void **state)
{
    (void)state;
    int calls = 0;
    make_tombstones();
    for (; tombstones_left() > 0; calls++)
        assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, now_ms()), IDP_OK);
    assert_true(calls < 30); /* a call ends after a second, however slow this machine is today */
}

/* The store went down: what was due stays due, so that it is put the moment the store is back. */
static void dead_store_does_not_postpone_what_was_not_tried(void **state)
{
    (void)state;
    make_tombstones();
    world_kv_is_down(true);
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, now_ms()), IDP_OK);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox WHERE attempts > 0"), 3);
    world_kv_is_down(false);
    while (tombstones_left() > 3)
        assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, now_ms()), IDP_OK);
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, now_ms() + 10000),
                     IDP_OK);
    assert_int_equal(tombstones_left(), 0);
}

static void tombstone_is_never_given_up(void **state)
{
    (void)state;
    world_sql("INSERT INTO outbox (id, kind, target, body, created, due_ms, attempts) "
              "VALUES ('row', 'tombstone', 'AAAAAAAAAAAAAAAAAAAAAA', '', 0, 0, 1000000)");
    world_kv_is_down(true);
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, now_ms()), IDP_OK);
    world_kv_is_down(false);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox WHERE parked IS NULL"), 1);
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, now_ms() + 10000),
                     IDP_OK);
    assert_int_equal(tombstones_left(), 0);
}

static void queues_do_not_see_each_other(void **state)
{
    (void)state;
    make_mails(1);
    make_tombstones();
    assert_int_equal(post_deliver(0), IDP_OK);
    assert_int_equal(tombstones_left(), MANY);
    assert_int_equal(smtp_peer_taken(post.peer), 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        POST_TEST(two_nodes_that_deliver_at_once_send_each_mail_once),
        POST_TEST(mail_that_a_node_is_sending_is_left_alone_by_the_others),
        POST_TEST(mail_that_could_not_be_settled_is_sent_again_with_the_same_id),
        POST_TEST(attempt_of_a_node_that_died_counts),
        POST_TEST(mails_are_sent_in_the_order_they_are_due),
        POST_TEST(idle_queue_is_read_and_not_written),
        POST_TEST(dead_database_is_an_error),
        POST_TEST(many_tombstones_are_put_in_few_calls),
        POST_TEST(dead_store_does_not_postpone_what_was_not_tried),
        POST_TEST(tombstone_is_never_given_up),
        POST_TEST(queues_do_not_see_each_other),
    };
    return cmocka_run_group_tests_name("access/outbox_deliver", tests, world_prepare, world_forget);
}
