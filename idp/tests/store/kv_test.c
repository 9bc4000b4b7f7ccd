/* What every driver of kv.h must do. A new driver is one more entry in the list. */
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

#include "base/arena.h"
#include "store/kv.h"
#include "tests/store/redis_server.h"

enum { THREADS = 64, LONG = 60000, SHORT = 80, QUOTA = 100 };

static struct test_redis redis;

/* A driver and where its store is. */
static struct place {
    const char *driver, *where;
    bool exact_quotas; /* to the value, not only in their order of size */
    int rounds;        /* of each race */
    const char *password_file, *ca_file;
} places[] = {
    {"memory", "memory:", true, 50, NULL, NULL},
    {"Redis", redis.where, false, 10, redis.password_file, NULL},
    {"Redis on a unix socket, as a user who may do no more than needed", redis.where_unix, false, 3,
     redis.user_password_file, NULL},
    {"Redis with TLS", redis.where_tls, false, 1, redis.user_password_file, redis.ca_file},
};

static const struct place *place; /* the one under test */

static struct world {
    struct kv *kv;
    struct arena *arena;
    struct kv_bytes out;
    int rounds;
} w;

static int set_up(void **state)
{
    (void)state;
    size_t quotas[KV_KINDS];
    for (size_t i = 0; i < KV_KINDS; i++)
        quotas[i] = QUOTA;
    const struct kv_settings settings = {.where = place->where,
                                         .quotas = quotas,
                                         .password_file = place->password_file,
                                         .ca_file = place->ca_file,
                                         .deadline_ms = 10000};
    char *why = NULL;
    w = (struct world){.arena = arena_new()};
    if (place->password_file != NULL)
        (void)test_redis_ask(&redis, "FLUSHALL");
    enum idp_err err = kv_open(&settings, &why, &w.kv);
    if (why != NULL)
        print_error("%s\n", why);
    free(why);
    return w.arena == NULL || err != IDP_OK;
}

static int tear_down(void **state)
{
    (void)state;
    kv_close(w.kv);
    arena_free(w.arena);
    return 0;
}

static void nap(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

static enum idp_err get(enum kv_kind kind, const char *key)
{
    return kv_get(w.kv, kind, kv_text(key), w.arena, &w.out);
}

static enum idp_err take(enum kv_kind kind, const char *key)
{
    return kv_take(w.kv, kind, kv_text(key), w.arena, &w.out);
}

static enum idp_err put(enum kv_kind kind, const char *key, const char *value)
{
    return kv_put(w.kv, kind, kv_text(key), kv_text(value), LONG);
}

static void expect_out(const char *value)
{
    assert_int_equal(w.out.len, strlen(value));
    assert_string_equal(w.out.bytes, value);
}

/* --- each call ----------------------------------------------------------------------------- */

static void what_was_put_is_got_again_and_again(void **state)
{
    (void)state;
    assert_int_equal(put(KV_CODE, "k", "value"), IDP_OK);
    assert_int_equal(get(KV_CODE, "k"), IDP_OK);
    expect_out("value");
    assert_int_equal(get(KV_CODE, "k"), IDP_OK);
    assert_int_equal(get(KV_CODE, "other"), IDP_NOT_FOUND);
}

static void putting_again_replaces(void **state)
{
    (void)state;
    assert_int_equal(put(KV_CODE, "k", "short"), IDP_OK);
    assert_int_equal(put(KV_CODE, "k", "a longer value"), IDP_OK);
    assert_int_equal(get(KV_CODE, "k"), IDP_OK);
    expect_out("a longer value");
    assert_int_equal(put(KV_CODE, "k", ""), IDP_OK);
    assert_int_equal(get(KV_CODE, "k"), IDP_OK);
    expect_out("");
}

static void taking_deletes(void **state)
{
    (void)state;
    assert_int_equal(put(KV_CODE, "k", "value"), IDP_OK);
    assert_int_equal(take(KV_CODE, "k"), IDP_OK);
    expect_out("value");
    assert_int_equal(take(KV_CODE, "k"), IDP_NOT_FOUND);
    assert_int_equal(get(KV_CODE, "k"), IDP_NOT_FOUND);
}

static void taking_without_an_arena_only_deletes(void **state)
{
    (void)state;
    assert_int_equal(put(KV_CODE, "k", "value"), IDP_OK);
    assert_int_equal(kv_take(w.kv, KV_CODE, kv_text("k"), NULL, NULL), IDP_OK);
    assert_int_equal(get(KV_CODE, "k"), IDP_NOT_FOUND);
}

static void adding_never_replaces(void **state)
{
    (void)state;
    assert_int_equal(kv_add(w.kv, KV_REPLAY, kv_text("k"), kv_text("first"), LONG), IDP_OK);
    assert_int_equal(kv_add(w.kv, KV_REPLAY, kv_text("k"), kv_text("second"), LONG), IDP_CONFLICT);
    assert_int_equal(get(KV_REPLAY, "k"), IDP_OK);
    expect_out("first");
}

static enum idp_err swap(const char *expected, const char *value)
{
    return kv_swap(w.kv, KV_SESSION, kv_text("k"), kv_text(expected), kv_text(value), LONG);
}

static void swapping_needs_the_expected_value(void **state)
{
    (void)state;
    assert_int_equal(swap("a", "b"), IDP_NOT_FOUND);
    assert_int_equal(put(KV_SESSION, "k", "a"), IDP_OK);
    assert_int_equal(swap("x", "b"), IDP_CONFLICT);
    assert_int_equal(swap("ab", "b"), IDP_CONFLICT);
    assert_int_equal(swap("", "b"), IDP_CONFLICT);
    assert_int_equal(swap("a", "b"), IDP_OK);
    assert_int_equal(get(KV_SESSION, "k"), IDP_OK);
    expect_out("b");
}

static void counting_adds_up_from_nothing(void **state)
{
    (void)state;
    int64_t sum = -1;
    assert_int_equal(kv_count(w.kv, KV_COUNTER, kv_text("k"), 2, LONG, &sum), IDP_OK);
    assert_int_equal(sum, 2);
    assert_int_equal(kv_count(w.kv, KV_COUNTER, kv_text("k"), -5, LONG, &sum), IDP_OK);
    assert_int_equal(sum, -3);
    assert_int_equal(get(KV_COUNTER, "k"), IDP_OK);
    expect_out("-3");
}

static void what_is_no_number_is_not_counted(void **state)
{
    (void)state;
    int64_t sum = 7;
    assert_int_equal(put(KV_COUNTER, "k", "many"), IDP_OK);
    assert_int_equal(kv_count(w.kv, KV_COUNTER, kv_text("k"), 1, LONG, &sum), IDP_FAULT);
    assert_int_equal(put(KV_COUNTER, "k", "9223372036854775807"), IDP_OK);
    assert_int_equal(kv_count(w.kv, KV_COUNTER, kv_text("k"), 1, LONG, &sum), IDP_FAULT);
    assert_int_equal(sum, 7);
}

/* docs/security.md row 5. */
static void a_key_of_one_kind_is_unknown_to_every_other(void **state)
{
    (void)state;
    assert_int_equal(put(KV_CODE, "k", "value"), IDP_OK);
    for (size_t kind = 0; kind < KV_KINDS; kind++) {
        if (kind == KV_CODE)
            continue;
        assert_int_equal(get((enum kv_kind)kind, "k"), IDP_NOT_FOUND);
        assert_int_equal(take((enum kv_kind)kind, "k"), IDP_NOT_FOUND);
    }
    assert_int_equal(get(KV_CODE, "k"), IDP_OK);
}

static void keys_and_values_may_hold_any_byte(void **state)
{
    (void)state;
    const struct kv_bytes key = {.bytes = "a\0b", .len = 3};
    const struct kv_bytes other = {.bytes = "a\0c", .len = 3};
    const struct kv_bytes value = {.bytes = "\0\xff\r\n", .len = 4};
    assert_int_equal(kv_put(w.kv, KV_CODE, key, value, LONG), IDP_OK);
    assert_int_equal(kv_get(w.kv, KV_CODE, other, w.arena, &w.out), IDP_NOT_FOUND);
    assert_int_equal(kv_get(w.kv, KV_CODE, key, w.arena, &w.out), IDP_OK);
    assert_int_equal(w.out.len, 4);
    assert_memory_equal(w.out.bytes, value.bytes, 4);
}

static void lengths_out_of_bounds_are_refused(void **state)
{
    (void)state;
    char *big = calloc(1, KV_VALUE_MAX + 1);
    assert_non_null(big);
    const struct kv_bytes none = {.bytes = "", .len = 0};
    const struct kv_bytes long_key = {.bytes = big, .len = KV_KEY_MAX + 1};
    const struct kv_bytes full_key = {.bytes = big, .len = KV_KEY_MAX};
    const struct kv_bytes long_value = {.bytes = big, .len = KV_VALUE_MAX + 1};
    const struct kv_bytes full_value = {.bytes = big, .len = KV_VALUE_MAX};
    assert_int_equal(kv_put(w.kv, KV_CODE, none, none, LONG), IDP_BAD_REQUEST);
    assert_int_equal(kv_get(w.kv, KV_CODE, long_key, w.arena, &w.out), IDP_BAD_REQUEST);
    assert_int_equal(kv_put(w.kv, KV_CODE, kv_text("k"), long_value, LONG), IDP_BAD_REQUEST);
    assert_int_equal(kv_put(w.kv, KV_CODE, full_key, full_value, LONG), IDP_OK);
    assert_int_equal(kv_get(w.kv, KV_CODE, full_key, w.arena, &w.out), IDP_OK);
    assert_int_equal(w.out.len, KV_VALUE_MAX);
    free(big);
}

/* --- expiry -------------------------------------------------------------------------------- */

static void nothing_outlives_its_time(void **state)
{
    (void)state;
    int64_t sum = 0;
    const struct kv_bytes value = kv_text("v");
    assert_int_equal(kv_put(w.kv, KV_CODE, kv_text("put"), value, SHORT), IDP_OK);
    assert_int_equal(kv_add(w.kv, KV_CODE, kv_text("add"), value, SHORT), IDP_OK);
    assert_int_equal(kv_put(w.kv, KV_CODE, kv_text("swap"), value, LONG), IDP_OK);
    assert_int_equal(kv_swap(w.kv, KV_CODE, kv_text("swap"), value, value, SHORT), IDP_OK);
    assert_int_equal(kv_count(w.kv, KV_CODE, kv_text("count"), 1, SHORT, &sum), IDP_OK);
    nap(SHORT + 20);
    assert_int_equal(get(KV_CODE, "put"), IDP_NOT_FOUND);
    assert_int_equal(take(KV_CODE, "add"), IDP_NOT_FOUND);
    assert_int_equal(kv_swap(w.kv, KV_CODE, kv_text("swap"), value, value, LONG), IDP_NOT_FOUND);
    assert_int_equal(kv_count(w.kv, KV_CODE, kv_text("count"), 1, LONG, &sum), IDP_OK);
    assert_int_equal(sum, 1);
    assert_int_equal(kv_add(w.kv, KV_CODE, kv_text("put"), value, LONG), IDP_OK);
}

static void a_counter_ends_as_long_after_its_first_count(void **state)
{
    (void)state;
    int64_t sum = 0;
    assert_int_equal(kv_count(w.kv, KV_COUNTER, kv_text("k"), 1, SHORT, &sum), IDP_OK);
    assert_int_equal(kv_count(w.kv, KV_COUNTER, kv_text("k"), 1, LONG, &sum), IDP_OK);
    assert_int_equal(sum, 2);
    nap(SHORT + 20);
    assert_int_equal(kv_count(w.kv, KV_COUNTER, kv_text("k"), 1, LONG, &sum), IDP_OK);
    assert_int_equal(sum, 1);
}

static void a_time_that_is_over_is_no_time(void **state)
{
    (void)state;
    assert_int_equal(put(KV_CODE, "k", "stands"), IDP_OK);
    assert_int_equal(kv_put(w.kv, KV_CODE, kv_text("k"), kv_text("v"), -1000), IDP_OK);
    nap(5);
    assert_int_equal(get(KV_CODE, "k"), IDP_NOT_FOUND);
}

/* --- quotas -------------------------------------------------------------------------------- */

static enum idp_err put_numbered(enum kv_kind kind, int n, int64_t ttl_ms)
{
    char key[32];
    (void)snprintf(key, sizeof(key), "key-%d", n);
    return kv_put(w.kv, kind, kv_text(key), kv_text("v"), ttl_ms);
}

static void a_full_kind_is_full_to_the_value(void **state)
{
    (void)state;
    int64_t sum = 0;
    for (int i = 0; i < QUOTA; i++)
        assert_int_equal(put_numbered(KV_INTERACTION, i, LONG), IDP_OK);
    assert_int_equal(put_numbered(KV_INTERACTION, QUOTA, LONG), IDP_FULL);
    assert_int_equal(kv_count(w.kv, KV_INTERACTION, kv_text("n"), 1, LONG, &sum), IDP_FULL);
    assert_int_equal(put_numbered(KV_INTERACTION, 0, LONG), IDP_OK); /* stands there already */
    assert_int_equal(get(KV_INTERACTION, "key-99"), IDP_OK);         /* nothing was evicted */
    assert_int_equal(take(KV_INTERACTION, "key-5"), IDP_OK);
    assert_int_equal(put_numbered(KV_INTERACTION, QUOTA, LONG), IDP_OK);
    assert_int_equal(put_numbered(KV_INTERACTION, QUOTA + 1, LONG), IDP_FULL);
}

static void what_strangers_fill_leaves_room_for_sessions(void **state)
{
    (void)state;
    static const enum kv_kind strangers[] = {KV_INTERACTION, KV_CHALLENGE, KV_COUNTER};
    for (size_t k = 0; k < sizeof(strangers) / sizeof(*strangers); k++)
        for (int i = 0; i < 2 * QUOTA; i++)
            (void)put_numbered(strangers[k], i, LONG);
    for (int i = 0; i < QUOTA; i++)
        assert_int_equal(put_numbered(KV_SESSION, i, LONG), IDP_OK);
}

static void expired_values_make_room_again(void **state)
{
    (void)state;
    for (int i = 0; i < QUOTA; i++)
        assert_int_equal(put_numbered(KV_CHALLENGE, i, SHORT), IDP_OK);
    assert_int_equal(put_numbered(KV_CHALLENGE, QUOTA, LONG), IDP_FULL);
    nap(SHORT + 20);
    for (int i = QUOTA; i < 2 * QUOTA; i++)
        assert_int_equal(put_numbered(KV_CHALLENGE, i, LONG), IDP_OK);
    assert_int_equal(put_numbered(KV_CHALLENGE, 2 * QUOTA, LONG), IDP_FULL);
}

/* --- races --------------------------------------------------------------------------------- */

static pthread_barrier_t start;
static _Atomic int winners, comers;

/* Runs race in all threads at once, as often as the place says; each round has `expected` winners.
 */
static void run_race(void *(*race)(void *), int expected, void (*prepare)(void))
{
    pthread_t threads[THREADS];
    assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (int round = 0; round < place->rounds; round++) {
        winners = 0;
        prepare();
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, race, NULL), 0);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(winners, expected);
    }
    assert_int_equal(pthread_barrier_destroy(&start), 0);
}

static void put_the_prize(void)
{
    assert_int_equal(put(KV_CODE, "k", "prize"), IDP_OK);
}

static void clear_the_prize(void)
{
    (void)kv_take(w.kv, KV_CODE, kv_text("k"), NULL, NULL);
}

static void *race_to_take(void *arg)
{
    struct kv_bytes out = {0};
    struct arena *arena = arena_new();
    (void)arg;
    (void)pthread_barrier_wait(&start);
    if (kv_take(w.kv, KV_CODE, kv_text("k"), arena, &out) == IDP_OK && out.len == 5)
        winners++;
    arena_free(arena);
    return NULL;
}

static void *race_to_add(void *arg)
{
    (void)arg;
    (void)pthread_barrier_wait(&start);
    if (kv_add(w.kv, KV_CODE, kv_text("k"), kv_text("mine"), LONG) == IDP_OK)
        winners++;
    return NULL;
}

static void *race_to_swap(void *arg)
{
    (void)arg;
    (void)pthread_barrier_wait(&start);
    if (kv_swap(w.kv, KV_CODE, kv_text("k"), kv_text("prize"), kv_text("gone"), LONG) == IDP_OK)
        winners++;
    return NULL;
}

static void *race_to_count(void *arg)
{
    int64_t sum = 0;
    (void)arg;
    (void)pthread_barrier_wait(&start);
    if (kv_count(w.kv, KV_CODE, kv_text("k"), 1, LONG, &sum) == IDP_OK && sum == THREADS)
        winners++;
    return NULL;
}

/* All want a place of their own in a kind that has one left. */
static void *race_for_the_last_place(void *arg)
{
    char key[32];
    (void)arg;
    (void)snprintf(key, sizeof(key), "comer-%d", comers++);
    (void)pthread_barrier_wait(&start);
    if (kv_put(w.kv, KV_LAUNCH, kv_text(key), kv_text("v"), LONG) == IDP_OK)
        winners++;
    return NULL;
}

static void leave_one_place(void)
{
    char key[32];
    if (w.rounds == 0)
        for (int i = 0; i < QUOTA; i++)
            assert_int_equal(put_numbered(KV_LAUNCH, i, LONG), IDP_OK);
    (void)snprintf(key, sizeof(key), "key-%d", w.rounds++);
    assert_int_equal(take(KV_LAUNCH, key), IDP_OK);
}

static void of_64_takers_one_gets_the_value(void **state)
{
    (void)state;
    run_race(race_to_take, 1, put_the_prize);
}

static void of_64_adders_one_adds(void **state)
{
    (void)state;
    run_race(race_to_add, 1, clear_the_prize);
}

static void of_64_swappers_one_swaps(void **state)
{
    (void)state;
    run_race(race_to_swap, 1, put_the_prize);
}

static void of_64_counters_one_reaches_64(void **state)
{
    (void)state;
    run_race(race_to_count, 1, clear_the_prize);
}

static void of_64_comers_one_gets_the_last_place(void **state)
{
    (void)state;
    run_race(race_for_the_last_place, 1, leave_one_place);
}

static void an_unknown_store_is_refused(void **state)
{
    (void)state;
    struct kv *kv = NULL;
    char *why = NULL;
    assert_int_equal(kv_open(&(struct kv_settings){.where = "paper:"}, NULL, &kv), IDP_BAD_REQUEST);
    assert_int_equal(kv_open(&(struct kv_settings){.where = "memory:x"}, &why, &kv),
                     IDP_BAD_REQUEST);
    assert_null(kv);
    assert_non_null(strstr(why, "store.kv: "));
    free(why);
    kv_close(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_was_put_is_got_again_and_again),
        TEST(putting_again_replaces),
        TEST(taking_deletes),
        TEST(taking_without_an_arena_only_deletes),
        TEST(adding_never_replaces),
        TEST(swapping_needs_the_expected_value),
        TEST(counting_adds_up_from_nothing),
        TEST(what_is_no_number_is_not_counted),
        TEST(a_key_of_one_kind_is_unknown_to_every_other),
        TEST(keys_and_values_may_hold_any_byte),
        TEST(lengths_out_of_bounds_are_refused),
        TEST(nothing_outlives_its_time),
        TEST(a_counter_ends_as_long_after_its_first_count),
        TEST(a_time_that_is_over_is_no_time),
        TEST(what_strangers_fill_leaves_room_for_sessions),
        TEST(of_64_takers_one_gets_the_value),
        TEST(of_64_adders_one_adds),
        TEST(of_64_swappers_one_swaps),
        TEST(of_64_counters_one_reaches_64),
        TEST(an_unknown_store_is_refused),
    };
    /* For drivers that keep quotas to the value; redis_test.c has the others. */
    static const struct CMUnitTest exact_tests[] = {
        TEST(a_full_kind_is_full_to_the_value),
        TEST(expired_values_make_room_again),
        TEST(of_64_comers_one_gets_the_last_place),
    };
    int failed = 0;
    test_redis_start(&redis, &(struct redis_server_how){.tls = true});
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        char name[128];
        place = &places[i];
        (void)snprintf(name, sizeof(name), "store/kv, %s", place->driver);
        failed += _cmocka_run_group_tests(name, tests, sizeof(tests) / sizeof(*tests), NULL, NULL);
        if (place->exact_quotas)
            failed += _cmocka_run_group_tests(
                name, exact_tests, sizeof(exact_tests) / sizeof(*exact_tests), NULL, NULL);
    }
    test_redis_stop(&redis);
    return failed;
}
