/* What becomes of a call whose answer is lost, late, or no answer at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <time.h>

#include "base/arena.h"
#include "base/circuit.h"
#include "base/log.h"
#include "store/kv.h"
#include "store/redis_client.h"
#include "tests/store/redis_peer.h"

enum { DEADLINE = 200 };

#define SAYS(text)                                                                                 \
    {                                                                                              \
        PEER_ANSWERS, text                                                                         \
    }
#define NIL "$-1\r\n"

static struct world {
    struct redis_peer peer;
    struct kv *kv;
    struct arena *arena;
    struct kv_bytes out;
    int64_t sum;
} w;

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    w = (struct world){.arena = arena_new()};
    return w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    kv_close(w.kv);
    redis_peer_stop(&w.peer);
    arena_free(w.arena);
    return 0;
}

static void begin(const struct peer_step *steps, size_t count)
{
    redis_peer_start(&w.peer, steps, count);
    const struct kv_settings settings = {.where = w.peer.where, .deadline_ms = DEADLINE};
    assert_int_equal(kv_open(&settings, NULL, &w.kv), IDP_OK);
}

#define BEGIN(...)                                                                                 \
    static const struct peer_step steps[] = {__VA_ARGS__};                                         \
    (void)state;                                                                                   \
    begin(steps, sizeof(steps) / sizeof(*steps))

/* KV_GRANT has no quota: each call is one command. */
static enum idp_err get(void)
{
    return kv_get(w.kv, KV_GRANT, kv_text("k"), w.arena, &w.out);
}

static enum idp_err take(void)
{
    return kv_take(w.kv, KV_GRANT, kv_text("k"), w.arena, &w.out);
}

static enum idp_err put(void)
{
    return kv_put(w.kv, KV_GRANT, kv_text("k"), kv_text("v"), 1000);
}

static enum idp_err add(void)
{
    return kv_add(w.kv, KV_GRANT, kv_text("k"), kv_text("v"), 1000);
}

static enum idp_err swap(void)
{
    return kv_swap(w.kv, KV_GRANT, kv_text("k"), kv_text("v"), kv_text("w"), 1000);
}

static enum idp_err count(void)
{
    return kv_count(w.kv, KV_GRANT, kv_text("k"), 1, 1000, &w.sum);
}

/* --- lost ------------------------------------------------------------------------------------ */

static void a_get_whose_answer_is_lost_is_asked_again(void **state)
{
    BEGIN(SAYS("+OK\r\n"), {PEER_CLOSES, NULL}, SAYS("$5\r\nvalue\r\n"));
    assert_int_equal(put(), IDP_OK); /* the connection is not a new one */
    assert_int_equal(get(), IDP_OK);
    assert_string_equal(w.out.bytes, "value");
    assert_int_equal(w.peer.commands, 3);
}

static void a_get_is_asked_again_once_only(void **state)
{
    BEGIN(SAYS("+OK\r\n"), {PEER_CLOSES, NULL}, {PEER_CLOSES, NULL}, SAYS("$5\r\nvalue\r\n"));
    assert_int_equal(put(), IDP_OK);
    assert_int_equal(get(), IDP_UNAVAILABLE);
    assert_int_equal(w.peer.commands, 3);
}

/* The first of the two would have changed something, and the second would find it changed. */
static void nothing_else_is_asked_again_when_its_answer_is_lost(void **state)
{
    BEGIN(SAYS("+OK\r\n"), {PEER_CLOSES, NULL}, SAYS("+OK\r\n"), {PEER_CLOSES, NULL},
          SAYS("+OK\r\n"), {PEER_CLOSES, NULL}, SAYS("+OK\r\n"), {PEER_CLOSES, NULL},
          SAYS("+OK\r\n"), {PEER_CLOSES, NULL});
    static enum idp_err (*const calls[])(void) = {take, put, add, swap, count};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(put(), IDP_OK);
        assert_int_equal(calls[i](), IDP_UNAVAILABLE);
        assert_int_equal(w.peer.commands, 2 * i + 2);
    }
}

static void a_connection_that_was_closed_meanwhile_is_not_used(void **state)
{
    BEGIN(SAYS("+OK\r\n"), {PEER_CLOSES, NULL}, SAYS("$5\r\nprize\r\n"));
    assert_int_equal(put(), IDP_OK);
    assert_int_equal(take(), IDP_UNAVAILABLE); /* closed while it waited */
    assert_int_equal(take(), IDP_OK);          /* sent once, on a new connection */
    assert_string_equal(w.out.bytes, "prize");
    assert_int_equal(w.peer.commands, 3);
}

/* An answer to a question that nobody waits for any more must not become the next one's. */
static void an_answer_too_many_ends_the_connection(void **state)
{
    BEGIN(SAYS("$3\r\none\r\n$3\r\ntwo\r\n"), SAYS("$5\r\nright\r\n"));
    enum idp_err first = take();
    assert_int_equal(first, IDP_UNAVAILABLE);
    while (circuit_is_open(w.kv->circuit) && get() == IDP_UNAVAILABLE)
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_string_equal(w.out.bytes, "right");
    assert_int_equal(w.peer.commands, 2);
}

/* --- late ------------------------------------------------------------------------------------ */

static void without_an_answer_the_deadline_ends_each_call(void **state)
{
    BEGIN({PEER_SILENT, NULL});
    assert_int_equal(get(), IDP_UNAVAILABLE); /* not asked again: the time is over */
    assert_int_equal(w.peer.commands, 1);
    assert_true(circuit_is_open(w.kv->circuit));
}

static void half_an_answer_is_waited_for_no_longer(void **state)
{
    BEGIN(SAYS("$5\r\nval"));
    assert_int_equal(get(), IDP_UNAVAILABLE);
    assert_int_equal(w.peer.commands, 1);
}

static void with_the_circuit_open_nobody_is_asked_save_a_probe_in_each_pause(void **state)
{
    BEGIN({PEER_SILENT, NULL}, SAYS("$5\r\nvalue\r\n"), SAYS("$5\r\nvalue\r\n"));
    assert_int_equal(get(), IDP_UNAVAILABLE);
    for (int i = 0; i < 20; i++)
        (void)get();
    assert_in_range(w.peer.commands, 1, 2);
    int tries = 0;
    while (get() != IDP_OK && tries++ < 1000)
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_int_equal(w.peer.commands, 2); /* the probe was the first to be asked, and answered */
    assert_false(circuit_is_open(w.kv->circuit));
}

/* --- not an answer --------------------------------------------------------------------------- */

static void rubbish_is_no_value(void **state)
{
    BEGIN(SAYS("HTTP/1.1 400 Bad Request\r\n"), SAYS("$5\r\nvalue\r\n"));
    assert_int_equal(take(), IDP_UNAVAILABLE);
    assert_int_equal(w.peer.commands, 1);
}

static void a_list_is_no_value_however_long_it_says_to_be(void **state)
{
    BEGIN(SAYS("*2147483647\r\n"));
    assert_int_equal(take(), IDP_UNAVAILABLE);
}

static void a_reply_of_another_sort_is_no_value(void **state)
{
    BEGIN(SAYS("+OK\r\n"), SAYS(":1\r\n"), SAYS(":1\r\n"));
    assert_int_equal(get(), IDP_UNAVAILABLE);
    assert_int_equal(take(), IDP_UNAVAILABLE);
    assert_int_equal(count(), IDP_UNAVAILABLE);
}

static void a_value_longer_than_values_are_is_refused(void **state)
{
    static char text[2 * KV_VALUE_MAX];
    static struct peer_step steps[] = {{PEER_ANSWERS, text}};
    (void)state;
    int head = snprintf(text, sizeof(text), "$%d\r\n", (int)sizeof(text) - 32);
    memset(text + head, 'v', sizeof(text) - 1 - (size_t)head);
    begin(steps, 1);
    assert_int_equal(take(), IDP_UNAVAILABLE);
}

/* --- errors that are answers ----------------------------------------------------------------- */

static void errors_of_a_server_that_cannot_serve_now_are_never_not_found(void **state)
{
    BEGIN(SAYS("-LOADING Redis is loading the dataset in memory\r\n"),
          SAYS("-BUSY Redis is busy running a script\r\n"),
          SAYS("-MASTERDOWN Link with MASTER is down\r\n"),
          SAYS("-CLUSTERDOWN Hash slot not served\r\n"), SAYS("-MOVED 3999 127.0.0.1:6381\r\n"),
          SAYS("-READONLY You can't write against a read only replica.\r\n"),
          SAYS("-NOAUTH Authentication required.\r\n"), SAYS("-NOPERM no\r\n"),
          SAYS("-MISCONF Redis is configured to save RDB snapshots\r\n"),
          SAYS("-ERR max number of clients reached\r\n"), SAYS("-SOMETHING new\r\n"));
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        assert_int_equal(get(), IDP_UNAVAILABLE);
        assert_false(circuit_is_open(w.kv->circuit)); /* it answers, and at once */
    }
    assert_int_equal(w.peer.commands, sizeof(steps) / sizeof(*steps));
}

static void errors_that_are_about_the_call_are_told_apart(void **state)
{
    BEGIN(SAYS("-OOM command not allowed when used memory > 'maxmemory'.\r\n"),
          SAYS("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
          SAYS("-ERR syntax error\r\n"), SAYS(NIL));
    assert_int_equal(put(), IDP_FULL);
    assert_int_equal(get(), IDP_FAULT);
    assert_int_equal(get(), IDP_FAULT);
    assert_int_equal(get(), IDP_NOT_FOUND);
    assert_int_equal(w.peer.connections, 2); /* one to look at the server, one for this thread */
}

static void a_replica_is_left_for_a_new_connection(void **state)
{
    BEGIN(SAYS("-READONLY You can't write against a read only replica.\r\n"), SAYS("+OK\r\n"));
    assert_int_equal(put(), IDP_UNAVAILABLE);
    assert_int_equal(put(), IDP_OK);
    assert_int_equal(w.peer.connections, 3);
}

static void a_script_that_is_not_known_is_sent_whole(void **state)
{
    BEGIN(SAYS("-NOSCRIPT No matching script.\r\n"), SAYS(":1\r\n"), SAYS(":0\r\n"), SAYS(NIL));
    assert_int_equal(swap(), IDP_OK);
    assert_int_equal(swap(), IDP_CONFLICT);
    assert_int_equal(swap(), IDP_NOT_FOUND);
    assert_int_equal(w.peer.commands, 4);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_get_whose_answer_is_lost_is_asked_again),
        TEST(a_get_is_asked_again_once_only),
        TEST(nothing_else_is_asked_again_when_its_answer_is_lost),
        TEST(a_connection_that_was_closed_meanwhile_is_not_used),
        TEST(an_answer_too_many_ends_the_connection),
        TEST(without_an_answer_the_deadline_ends_each_call),
        TEST(half_an_answer_is_waited_for_no_longer),
        TEST(with_the_circuit_open_nobody_is_asked_save_a_probe_in_each_pause),
        TEST(rubbish_is_no_value),
        TEST(a_list_is_no_value_however_long_it_says_to_be),
        TEST(a_reply_of_another_sort_is_no_value),
        TEST(a_value_longer_than_values_are_is_refused),
        TEST(errors_of_a_server_that_cannot_serve_now_are_never_not_found),
        TEST(errors_that_are_about_the_call_are_told_apart),
        TEST(a_replica_is_left_for_a_new_connection),
        TEST(a_script_that_is_not_known_is_sent_whole),
    };
    return cmocka_run_group_tests_name("store/redis_peer", tests, NULL, NULL);
}
