/* The driver against a real Redis that is stopped, killed, emptied, filled and changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/circuit.h"
#include "base/clock.h"
#include "base/lane.h"
#include "base/log.h"
#include "base/text.h"
#include "store/figures.h"
#include "store/kv.h"
#include "tests/help.h"
#include "tests/store/redis_server.h"

enum {
    LONG = 60000,
    QUOTA = 100,
    DEADLINE = 10000,
    SHORT_DEADLINE = 300,
    THREADS = 16,
    ROUNDS = 20,
    RECOVERY_MS = 5000
};

static struct test_redis redis;

static struct world {
    struct kv *kv, *other; /* two nodes */
    struct arena *arena;
    struct kv_bytes out;
} w;

static struct kv *open_node(int64_t deadline_ms)
{
    static size_t quotas[KV_KINDS];
    struct kv *kv = NULL;
    char *why = NULL;
    for (size_t i = 0; i < KV_KINDS; i++)
        quotas[i] = QUOTA;
    const struct kv_settings settings = {.where = redis.where,
                                         .quotas = quotas,
                                         .password_file = redis.password_file,
                                         .deadline_ms = deadline_ms};
    if (kv_open(&settings, &why, &kv) != IDP_OK)
        fail_msg("%s", why);
    return kv;
}

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    if (redis.pid == 0)
        test_redis_restart(&redis);
    (void)test_redis_ask(&redis, "FLUSHALL");
    w = (struct world){
        .kv = open_node(DEADLINE), .other = open_node(DEADLINE), .arena = arena_new()};
    return w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    kv_close(w.kv);
    kv_close(w.other);
    arena_free(w.arena);
    return 0;
}

static void nap(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

static enum idp_err get(const char *key)
{
    return kv_get(w.kv, KV_CODE, kv_text(key), w.arena, &w.out);
}

static enum idp_err put(const char *key, const char *value)
{
    return kv_put(w.kv, KV_CODE, kv_text(key), kv_text(value), LONG);
}

static enum idp_err swap(const char *expected, const char *value)
{
    return kv_swap(w.kv, KV_CODE, kv_text("k"), kv_text(expected), kv_text(value), LONG);
}

static void expect_answer(const char *command, const char *answer)
{
    assert_string_equal(test_redis_ask(&redis, command), answer);
}

/* Tries until the call gives something else than IDP_UNAVAILABLE, for as long as a recovery may
 * take. */
static enum idp_err recovered_get(const char *key)
{
    enum idp_err err = IDP_UNAVAILABLE;
    int64_t until = clock_ticks_ms() + RECOVERY_MS;
    while ((err = get(key)) == IDP_UNAVAILABLE && clock_ticks_ms() < until)
        nap(10);
    return err;
}

/* --- what stands in Redis -------------------------------------------------------------------- */

static void keys_say_whose_and_what_they_are_and_all_end(void **state)
{
    (void)state;
    int64_t sum = 0;
    assert_int_equal(put("put", "v"), IDP_OK);
    assert_int_equal(kv_add(w.kv, KV_REPLAY, kv_text("add"), kv_text("v"), LONG), IDP_OK);
    assert_int_equal(kv_count(w.kv, KV_COUNTER, kv_text("count"), 1, LONG, &sum), IDP_OK);
    assert_int_equal(kv_put(w.kv, KV_GRANT, kv_text("swap"), kv_text("a"), LONG), IDP_OK);
    assert_int_equal(kv_swap(w.kv, KV_GRANT, kv_text("swap"), kv_text("a"), kv_text("b"), 2 * LONG),
                     IDP_OK);
    expect_answer("EXISTS tamga:code:put tamga:replay:add tamga:counter:count tamga:grant:swap",
                  ":4");
    expect_answer("EVAL \"for _, k in ipairs(redis.call('KEYS', '*')) do if redis.call('PTTL', k) "
                  "< 1 or k:sub(1, 6) ~= 'tamga:' then return k end end return 0\" 0",
                  ":0");
    expect_answer("EVAL \"return redis.call('PTTL', 'tamga:grant:swap') > 60000 and 1 or 0\" 0",
                  ":1");
}

static void something_else_at_a_key_is_a_fault(void **state)
{
    (void)state;
    expect_answer("LPUSH tamga:code:k other", ":1");
    assert_int_equal(get("k"), IDP_FAULT);
    assert_int_equal(swap("a", "b"), IDP_FAULT);
}

static void counters_have_all_their_bits(void **state)
{
    (void)state;
    int64_t sum = 0;
    assert_int_equal(put("k", "9007199254740993"), IDP_OK); /* no double holds it */
    assert_int_equal(kv_count(w.kv, KV_CODE, kv_text("k"), 2, LONG, &sum), IDP_OK);
    assert_int_equal(sum, INT64_C(9007199254740995));
    assert_int_equal(kv_count(w.kv, KV_CODE, kv_text("k"), INT64_C(-9007199254740996), LONG, &sum),
                     IDP_OK);
    assert_int_equal(sum, -1);
}

/* --- round trips ----------------------------------------------------------------------------- */

static uint64_t trips(void)
{
    return figures_trips_of_thread(FIGURES_KV);
}

static void each_call_is_one_round_trip(void **state)
{
    (void)state;
    int64_t sum = 0;
    const struct kv_bytes k = kv_text("k");
    const struct kv_bytes v = kv_text("v");
    assert_int_equal(put("warm", "v"), IDP_OK); /* connects, and takes places of the quota */
    assert_int_equal(kv_count(w.kv, KV_CODE, kv_text("c"), 1, LONG, &sum), IDP_OK);
    (void)swap("a", "b");
    uint64_t before = trips();
    assert_int_equal(kv_put(w.kv, KV_GRANT, k, v, LONG), IDP_OK);
    assert_int_equal(trips() - before, 1);
    assert_int_equal(kv_get(w.kv, KV_GRANT, k, w.arena, &w.out), IDP_OK);
    assert_int_equal(trips() - before, 2);
    assert_int_equal(kv_swap(w.kv, KV_GRANT, k, v, v, LONG), IDP_OK);
    assert_int_equal(trips() - before, 3);
    assert_int_equal(kv_count(w.kv, KV_CODE, kv_text("c"), 1, LONG, &sum), IDP_OK);
    assert_int_equal(trips() - before, 4);
    assert_int_equal(kv_take(w.kv, KV_GRANT, k, w.arena, &w.out), IDP_OK);
    assert_int_equal(trips() - before, 5);
    assert_int_equal(kv_add(w.kv, KV_GRANT, k, v, LONG), IDP_OK);
    assert_int_equal(trips() - before, 6);
}

static void a_thread_that_may_not_wait_sends_nothing(void **state)
{
    (void)state;
    uint64_t before = trips();
    int64_t sum = 0;
    lane_set_may_wait(false);
    assert_int_equal(get("k"), IDP_WAIT);
    assert_int_equal(put("k", "v"), IDP_WAIT);
    assert_int_equal(swap("a", "b"), IDP_WAIT);
    assert_int_equal(kv_add(w.kv, KV_CODE, kv_text("k"), kv_text("v"), LONG), IDP_WAIT);
    assert_int_equal(kv_take(w.kv, KV_CODE, kv_text("k"), w.arena, &w.out), IDP_WAIT);
    assert_int_equal(kv_count(w.kv, KV_CODE, kv_text("k"), 1, LONG, &sum), IDP_WAIT);
    lane_set_may_wait(true);
    assert_int_equal(trips(), before);
    expect_answer("DBSIZE", ":0");
}

static void calls_are_timed_and_counted(void **state)
{
    (void)state;
    struct figures_reading r;
    assert_int_equal(put("k", "v"), IDP_OK);
    assert_int_equal(get("k"), IDP_OK);
    figures_read(w.kv->figures, &r);
    assert_int_equal(r.calls, 2);
    assert_int_equal(r.timed, 2);
    assert_true(r.round_trips >= 2);
}

/* --- connections ----------------------------------------------------------------------------- */

static int count_of_connections(void)
{
    int64_t n = -1;
    assert_true(
        text_to_number(test_redis_ask(&redis, "EVAL \"return tonumber(redis.call('INFO', 'clients')"
                                              ":match('connected_clients:(%d+)'))\" 0") +
                           1,
                       0, 10000, &n));
    return (int)n;
}

static void *ask_a_few_times(void *ok)
{
    for (int i = 0; i < 5; i++)
        if (kv_put(w.kv, KV_GRANT, kv_text("k"), kv_text("v"), LONG) != IDP_OK)
            *(bool *)ok = false;
    return (void *)(uintptr_t)figures_trips_of_thread(FIGURES_KV);
}

static void a_thread_has_one_connection_and_closes_it_when_it_ends(void **state)
{
    (void)state;
    bool ok = true;
    int before = count_of_connections();
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        void *round_trips = NULL;
        assert_int_equal(pthread_create(&thread, NULL, ask_a_few_times, &ok), 0);
        assert_int_equal(pthread_join(thread, &round_trips), 0);
        assert_int_equal((uintptr_t)round_trips, 6); /* AUTH, and five times SET */
    }
    assert_true(ok);
    for (int i = 0; i < 500 && count_of_connections() > before; i++)
        nap(10);
    assert_int_equal(count_of_connections(), before);
}

static void connections_that_the_server_closed_cost_no_call(void **state)
{
    (void)state;
    assert_int_equal(put("k", "v"), IDP_OK);
    for (int i = 0; i < 10; i++) {
        (void)test_redis_ask(&redis, "CLIENT KILL TYPE normal SKIPME yes");
        assert_int_equal(kv_take(w.kv, KV_CODE, kv_text("k"), w.arena, &w.out), IDP_OK);
        (void)test_redis_ask(&redis, "CLIENT KILL TYPE normal SKIPME yes");
        assert_int_equal(kv_add(w.kv, KV_CODE, kv_text("k"), kv_text("v"), LONG), IDP_OK);
    }
}

static void a_new_password_is_read_from_its_file(void **state)
{
    (void)state;
    assert_int_equal(put("k", "v"), IDP_OK);
    help_write_file(redis.password_file, "not the one", 11);
    assert_int_equal(get("k"), IDP_OK); /* who is in stays in */
    (void)test_redis_ask(&redis, "CLIENT KILL TYPE normal SKIPME yes");
    assert_int_equal(get("k"), IDP_UNAVAILABLE);
    help_write_file(redis.password_file, REDIS_SERVER_PASSWORD, strlen(REDIS_SERVER_PASSWORD));
    assert_int_equal(recovered_get("k"), IDP_OK);
}

/* --- bad weather ----------------------------------------------------------------------------- */

/* For servers that are not going to answer. */
static void shorten_the_deadline(void)
{
    kv_close(w.kv);
    w.kv = open_node(SHORT_DEADLINE);
}

static void a_server_that_stands_still_is_unavailable_and_found_again(void **state)
{
    (void)state;
    shorten_the_deadline();
    assert_int_equal(put("k", "v"), IDP_OK);
    test_redis_freeze(&redis);
    assert_int_equal(get("k"), IDP_UNAVAILABLE);
    assert_true(circuit_is_open(w.kv->circuit));
    uint64_t before = trips();
    assert_int_equal(get("k"), IDP_UNAVAILABLE); /* at once: nothing is sent */
    assert_int_equal(trips(), before);
    test_redis_thaw(&redis);
    assert_int_equal(recovered_get("k"), IDP_OK);
    assert_false(circuit_is_open(w.kv->circuit));
}

/* An answer that came after its deadline is not the next question's. */
static void a_late_answer_is_nobodys(void **state)
{
    (void)state;
    shorten_the_deadline();
    assert_int_equal(put("first", "1"), IDP_OK);
    assert_int_equal(put("second", "2"), IDP_OK);
    test_redis_freeze(&redis);
    assert_int_equal(get("first"), IDP_UNAVAILABLE);
    test_redis_thaw(&redis);
    assert_int_equal(recovered_get("second"), IDP_OK);
    assert_string_equal(w.out.bytes, "2");
}

static void a_server_that_was_killed_is_unavailable_and_then_empty(void **state)
{
    (void)state;
    assert_int_equal(put("k", "v"), IDP_OK);
    test_redis_kill(&redis);
    assert_int_equal(get("k"), IDP_UNAVAILABLE);
    assert_int_equal(put("k", "v"), IDP_UNAVAILABLE);
    test_redis_restart(&redis);
    assert_int_equal(recovered_get("k"), IDP_NOT_FOUND);
    assert_int_equal(put("k", "v"), IDP_OK);
    assert_int_equal(swap("v", "w"), IDP_OK); /* the script is gone, too */
}

static void who_did_not_ask_meanwhile_notices_no_restart(void **state)
{
    (void)state;
    assert_int_equal(put("k", "v"), IDP_OK);
    test_redis_kill(&redis);
    test_redis_restart(&redis);
    assert_int_equal(put("k", "v"), IDP_OK);
    assert_int_equal(kv_take(w.kv, KV_CODE, kv_text("k"), w.arena, &w.out), IDP_OK);
}

static void scripts_that_were_flushed_are_sent_again(void **state)
{
    (void)state;
    int64_t sum = 0;
    assert_int_equal(put("k", "a"), IDP_OK);
    assert_int_equal(swap("a", "b"), IDP_OK);
    expect_answer("SCRIPT FLUSH", "+OK");
    assert_int_equal(swap("b", "c"), IDP_OK);
    expect_answer("SCRIPT FLUSH", "+OK");
    assert_int_equal(kv_count(w.kv, KV_COUNTER, kv_text("n"), 1, LONG, &sum), IDP_OK);
    assert_int_equal(kv_count(w.kv, KV_COUNTER, kv_text("n"), 1, LONG, &sum), IDP_OK);
    assert_int_equal(sum, 2);
}

static void a_full_server_says_so_and_evicts_nothing(void **state)
{
    (void)state;
    int64_t sum = 0;
    assert_int_equal(put("k", "a"), IDP_OK);
    assert_int_equal(put("taken", "a"), IDP_OK);
    assert_int_equal(kv_count(w.kv, KV_COUNTER, kv_text("n"), 1, LONG, &sum), IDP_OK);
    expect_answer("CONFIG SET maxmemory 1", "+OK");
    enum idp_err results[] = {
        put("other", "v"),
        kv_add(w.kv, KV_CODE, kv_text("added"), kv_text("v"), LONG),
        swap("a", "b"),
        kv_count(w.kv, KV_COUNTER, kv_text("n"), 1, LONG, &sum),
    };
    enum idp_err got = get("k");
    enum idp_err taken = kv_take(w.kv, KV_CODE, kv_text("taken"), w.arena, &w.out);
    expect_answer("CONFIG SET maxmemory 0", "+OK");
    for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++)
        assert_int_equal(results[i], IDP_FULL);
    assert_int_equal(got, IDP_OK);
    assert_int_equal(taken, IDP_OK);
    assert_int_equal(put("other", "v"), IDP_OK);
}

static void a_replica_takes_no_writes_and_is_not_believed_to_have_none(void **state)
{
    (void)state;
    char command[64];
    assert_int_equal(put("k", "v"), IDP_OK);
    (void)snprintf(command, sizeof(command), "REPLICAOF 127.0.0.1 %d", help_free_port());
    expect_answer(command, "+OK");
    enum idp_err written = put("other", "v");
    enum idp_err swapped = swap("v", "w");
    expect_answer("CONFIG SET replica-serve-stale-data no", "+OK");
    enum idp_err got = get("k");
    expect_answer("CONFIG SET replica-serve-stale-data yes", "+OK");
    expect_answer("REPLICAOF NO ONE", "+OK");
    assert_int_equal(written, IDP_UNAVAILABLE);
    assert_int_equal(swapped, IDP_UNAVAILABLE);
    assert_int_equal(got, IDP_UNAVAILABLE);
    assert_int_equal(put("other", "v"), IDP_OK);
}

/* --- logs ------------------------------------------------------------------------------------ */

static size_t lines_with(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
        n++;
    return n;
}

static void each_change_is_logged_once_and_without_a_secret(void **state)
{
    (void)state;
    char text[8192] = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    log_set_fd(ends[1]);
    log_set_level(LOG_INFO);
    assert_int_equal(put("the-secret", "the-secret"), IDP_OK);
    test_redis_kill(&redis);
    for (int i = 0; i < 20; i++)
        assert_int_equal(get("the-secret"), IDP_UNAVAILABLE);
    test_redis_restart(&redis);
    assert_int_equal(recovered_get("the-secret"), IDP_NOT_FOUND);
    expect_answer("LPUSH tamga:code:the-secret other", ":1");
    for (int i = 0; i < 5; i++)
        assert_int_equal(get("the-secret"), IDP_FAULT);
    log_set_fd(STDERR_FILENO);
    (void)close(ends[1]);
    assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
    (void)close(ends[0]);
    assert_int_equal(lines_with(text, "\"redis_down\""), 1);
    assert_int_equal(lines_with(text, "connection refused"), 1);
    assert_int_equal(lines_with(text, "\"circuit_open\""), 1);
    assert_int_equal(lines_with(text, "\"redis_up\""), 1);
    assert_int_equal(lines_with(text, "\"redis_refuses\""), 1);
    assert_int_equal(lines_with(text, "WRONGTYPE"), 1);
    assert_int_equal(lines_with(text, "the-secret"), 0);
    assert_int_equal(lines_with(text, REDIS_SERVER_PASSWORD), 0);
}

/* --- quotas ---------------------------------------------------------------------------------- */

static enum idp_err put_numbered(struct kv *kv, enum kv_kind kind, int n)
{
    char key[32];
    (void)snprintf(key, sizeof(key), "key-%d", n);
    return kv_put(kv, kind, kv_text(key), kv_text("v"), LONG);
}

/* A window may end in the middle: then twice as many come in, and no more. */
static void what_strangers_create_is_bounded_over_all_nodes(void **state)
{
    (void)state;
    int n = 0;
    for (int i = 0; i < 5 * QUOTA; i++) {
        enum idp_err err = put_numbered(i % 2 == 0 ? w.kv : w.other, KV_CHALLENGE, i);
        assert_true(err == IDP_OK || err == IDP_FULL);
        n += err == IDP_OK;
    }
    assert_in_range(n, QUOTA, 2 * QUOTA);
    for (int i = 0; i < QUOTA; i++)
        assert_int_equal(put_numbered(w.kv, KV_SESSION, i), IDP_OK);
    for (int i = 0; i < 2 * QUOTA; i++)
        assert_int_equal(put_numbered(w.kv, KV_GRANT, i), IDP_OK); /* tombstones always find room */
}

static void what_is_replaced_or_taken_needs_no_more_room(void **state)
{
    (void)state;
    int64_t sum = 0;
    for (int i = 0; i < 5 * QUOTA; i++) {
        assert_int_equal(put_numbered(w.kv, KV_INTERACTION, 0), IDP_OK);
        assert_int_equal(put_numbered(w.kv, KV_CHALLENGE, i), IDP_OK);
        char key[32];
        (void)snprintf(key, sizeof(key), "key-%d", i);
        assert_int_equal(kv_take(w.kv, KV_CHALLENGE, kv_text(key), NULL, NULL), IDP_OK);
        assert_int_equal(kv_count(w.kv, KV_COUNTER, kv_text("n"), 1, LONG, &sum), IDP_OK);
        (void)kv_add(w.kv, KV_REPLAY, kv_text("k"), kv_text("v"), LONG);
    }
    assert_int_equal(sum, 5 * QUOTA);
    assert_int_equal(kv_add(w.kv, KV_REPLAY, kv_text("other"), kv_text("v"), LONG), IDP_OK);
}

static void a_counter_that_stands_is_counted_though_none_may_begin(void **state)
{
    (void)state;
    int64_t sum = 0;
    assert_int_equal(kv_count(w.kv, KV_COUNTER, kv_text("n"), 1, LONG, &sum), IDP_OK);
    enum idp_err err = IDP_OK;
    for (int i = 0; i < 5 * QUOTA && err == IDP_OK; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "key-%d", i);
        err = kv_count(w.kv, KV_COUNTER, kv_text(key), 1, LONG, &sum);
    }
    assert_int_equal(err, IDP_FULL);
    assert_int_equal(kv_count(w.kv, KV_COUNTER, kv_text("n"), 1, LONG, &sum), IDP_OK);
    assert_int_equal(sum, 2);
}

/* --- races of two nodes ---------------------------------------------------------------------- */

static pthread_barrier_t start;
static atomic_int winners, turns;

static void *race_to_take(void *arg)
{
    struct kv *kv = turns++ % 2 == 0 ? w.kv : w.other;
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "key-%d", i);
        (void)pthread_barrier_wait(&start);
        winners += kv_take(kv, KV_GRANT, kv_text(key), NULL, NULL) == IDP_OK;
    }
    return NULL;
}

static void *race_to_swap(void *arg)
{
    struct kv *kv = turns++ % 2 == 0 ? w.kv : w.other;
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "key-%d", i);
        (void)pthread_barrier_wait(&start);
        winners += kv_swap(kv, KV_GRANT, kv_text(key), kv_text("v"), kv_text("w"), LONG) == IDP_OK;
    }
    return NULL;
}

static void run_race(void *(*race)(void *))
{
    pthread_t threads[THREADS];
    winners = 0;
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(put_numbered(w.kv, KV_GRANT, i), IDP_OK);
    assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(pthread_barrier_destroy(&start), 0);
    assert_int_equal(winners, ROUNDS);
}

/* docs/security.md row 6. */
static void of_takers_on_two_nodes_one_gets_each_value(void **state)
{
    (void)state;
    run_race(race_to_take);
}

static void of_swappers_on_two_nodes_one_swaps_each_value(void **state)
{
    (void)state;
    run_race(race_to_swap);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(keys_say_whose_and_what_they_are_and_all_end),
        TEST(something_else_at_a_key_is_a_fault),
        TEST(counters_have_all_their_bits),
        TEST(each_call_is_one_round_trip),
        TEST(a_thread_that_may_not_wait_sends_nothing),
        TEST(calls_are_timed_and_counted),
        TEST(a_thread_has_one_connection_and_closes_it_when_it_ends),
        TEST(connections_that_the_server_closed_cost_no_call),
        TEST(a_new_password_is_read_from_its_file),
        TEST(a_server_that_stands_still_is_unavailable_and_found_again),
        TEST(a_late_answer_is_nobodys),
        TEST(a_server_that_was_killed_is_unavailable_and_then_empty),
        TEST(who_did_not_ask_meanwhile_notices_no_restart),
        TEST(scripts_that_were_flushed_are_sent_again),
        TEST(a_full_server_says_so_and_evicts_nothing),
        TEST(a_replica_takes_no_writes_and_is_not_believed_to_have_none),
        TEST(each_change_is_logged_once_and_without_a_secret),
        TEST(what_strangers_create_is_bounded_over_all_nodes),
        TEST(what_is_replaced_or_taken_needs_no_more_room),
        TEST(a_counter_that_stands_is_counted_though_none_may_begin),
        TEST(of_takers_on_two_nodes_one_gets_each_value),
        TEST(of_swappers_on_two_nodes_one_swaps_each_value),
    };
    test_redis_start(&redis, &(struct redis_server_how){.tls = false});
    int failed = cmocka_run_group_tests_name("store/redis", tests, NULL, NULL);
    test_redis_stop(&redis);
    return failed;
}
