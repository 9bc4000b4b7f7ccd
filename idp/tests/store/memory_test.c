/* What kv_test.c cannot see: exact times, wiped memory, bytes. The clock and the release of memory
 * are the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/arena.h"
#include "store/memory.h"

enum { TTL = 1000, QUOTA = 1000, MANY = 20000, LOTS = 200000 };

static _Atomic int64_t now;
static _Atomic size_t released, unwiped;

static int64_t test_now(void)
{
    return now;
}

static void watch_release(void *block, size_t size)
{
    const unsigned char *bytes = block;
    released++;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0) {
            unwiped++;
            break;
        }
    free(block);
}

static struct world {
    struct kv *kv;
    struct arena *arena;
    struct kv_bytes out;
} w;

static int set_up(void **state)
{
    static const struct kv_memory_seams seams = {.now_ms = test_now, .release = watch_release};
    size_t quotas[KV_KINDS];
    (void)state;
    for (size_t i = 0; i < KV_KINDS; i++)
        quotas[i] = QUOTA;
    now = 5000;
    released = unwiped = 0;
    w = (struct world){.arena = arena_new()};
    return w.arena == NULL || kv_memory_open(quotas, &seams, &w.kv) != IDP_OK;
}

static int tear_down(void **state)
{
    (void)state;
    kv_close(w.kv);
    arena_free(w.arena);
    return unwiped != 0; /* in no test is a block released that was not wiped */
}

static enum idp_err put(const char *key, const char *value)
{
    return kv_put(w.kv, KV_CODE, kv_text(key), kv_text(value), TTL);
}

static enum idp_err get(const char *key)
{
    return kv_get(w.kv, KV_CODE, kv_text(key), w.arena, &w.out);
}

static enum idp_err put_numbered(enum kv_kind kind, int n, struct kv_bytes value, int64_t ttl_ms)
{
    char key[32];
    (void)snprintf(key, sizeof(key), "key-%d", n);
    return kv_put(w.kv, kind, kv_text(key), value, ttl_ms);
}

/* docs/security.md row 27. */
static void a_value_is_there_before_its_end_and_not_at_it(void **state)
{
    (void)state;
    assert_int_equal(put("k", "v"), IDP_OK);
    now = 5000 + TTL - 1;
    assert_int_equal(get("k"), IDP_OK);
    now = 5000 + TTL;
    assert_int_equal(get("k"), IDP_NOT_FOUND);
    now = 5000 + TTL + 1;
    assert_int_equal(get("k"), IDP_NOT_FOUND);
}

static void at_its_end_a_value_is_neither_taken_nor_in_the_way(void **state)
{
    (void)state;
    const struct kv_bytes value = kv_text("v");
    assert_int_equal(put("taken", "v"), IDP_OK);
    assert_int_equal(put("added", "v"), IDP_OK);
    assert_int_equal(put("swapped", "v"), IDP_OK);
    now = 5000 + TTL;
    assert_int_equal(kv_take(w.kv, KV_CODE, kv_text("taken"), w.arena, &w.out), IDP_NOT_FOUND);
    assert_int_equal(kv_add(w.kv, KV_CODE, kv_text("added"), value, TTL), IDP_OK);
    assert_int_equal(kv_swap(w.kv, KV_CODE, kv_text("swapped"), value, value, TTL), IDP_NOT_FOUND);
}

static void putting_again_begins_the_time_anew(void **state)
{
    (void)state;
    assert_int_equal(put("k", "v"), IDP_OK);
    now = 5000 + TTL - 1;
    assert_int_equal(put("k", "v"), IDP_OK);
    now = 5000 + 2 * TTL - 2;
    assert_int_equal(get("k"), IDP_OK);
    now = 5000 + 2 * TTL - 1;
    assert_int_equal(get("k"), IDP_NOT_FOUND);
}

static void a_taken_value_is_wiped(void **state)
{
    (void)state;
    assert_int_equal(put("k", "a secret"), IDP_OK);
    assert_int_equal(kv_take(w.kv, KV_CODE, kv_text("k"), NULL, NULL), IDP_OK);
    assert_int_equal(released, 1);
    assert_int_equal(unwiped, 0);
}

static void a_replaced_value_is_wiped(void **state)
{
    (void)state;
    assert_int_equal(put("k", "a secret"), IDP_OK);
    assert_int_equal(put("k", "another"), IDP_OK);
    assert_int_equal(released, 1);
    assert_int_equal(unwiped, 0);
}

static void a_full_kind_sweeps_its_expired_values_wherever_they_lie(void **state)
{
    (void)state;
    for (int i = 0; i < QUOTA; i++)
        assert_int_equal(put_numbered(KV_CODE, i, kv_text("v"), i < QUOTA / 2 ? TTL : 10 * TTL),
                         IDP_OK);
    assert_int_equal(put_numbered(KV_CODE, QUOTA, kv_text("v"), TTL), IDP_FULL);
    now += TTL;
    for (int i = QUOTA; i < QUOTA + QUOTA / 2; i++)
        assert_int_equal(put_numbered(KV_CODE, i, kv_text("v"), TTL), IDP_OK);
    assert_int_equal(put_numbered(KV_CODE, -1, kv_text("v"), TTL), IDP_FULL);
    for (int i = QUOTA / 2; i < QUOTA; i++) { /* none that still lives was swept */
        char key[32];
        (void)snprintf(key, sizeof(key), "key-%d", i);
        assert_int_equal(get(key), IDP_OK);
    }
}

static void writes_of_one_kind_sweep_all_others(void **state)
{
    (void)state;
    for (int i = 0; i < QUOTA; i++)
        assert_int_equal(put_numbered(KV_CODE, i, kv_text("v"), TTL), IDP_OK);
    now += TTL;
    size_t before = released;
    for (int i = 0; i < LOTS; i++) /* replaces the same values over and over, in every shard */
        assert_int_equal(put_numbered(KV_SESSION, i % QUOTA, kv_text("v"), TTL), IDP_OK);
    size_t replaced = LOTS - QUOTA;
    assert_int_equal(released - before, replaced + QUOTA);
}

static void bytes_are_bounded_as_values_are(void **state)
{
    (void)state;
    static const unsigned char big[KV_VALUE_MAX];
    const struct kv_bytes value = {.bytes = big, .len = sizeof(big)};
    int n = 0;
    while (n < QUOTA && put_numbered(KV_CHALLENGE, n, value, TTL) == IDP_OK)
        n++;
    assert_in_range(n, 1, QUOTA / 2);
    assert_int_equal(put_numbered(KV_CHALLENGE, n, value, TTL), IDP_FULL);
    assert_int_equal(put_numbered(KV_CHALLENGE, 0, value, TTL), IDP_OK); /* replaces its like */
    assert_int_equal(put_numbered(KV_SESSION, 0, value, TTL), IDP_OK);   /* another kind */
    now += TTL;
    assert_int_equal(put_numbered(KV_CHALLENGE, n, value, TTL), IDP_OK);
}

static void bytes_of_replaced_values_are_given_back(void **state)
{
    (void)state;
    static const unsigned char big[KV_VALUE_MAX];
    for (int i = 0; i < QUOTA; i++) {
        const struct kv_bytes value = {.bytes = big, .len = (size_t)(i * 7919) % sizeof(big)};
        assert_int_equal(put_numbered(KV_CHALLENGE, 0, value, TTL), IDP_OK);
    }
    assert_int_equal(put_numbered(KV_CHALLENGE, 0, kv_text(""), TTL), IDP_OK);
    for (int i = 1; i < QUOTA; i++)
        assert_int_equal(put_numbered(KV_CHALLENGE, i, kv_text("v"), TTL), IDP_OK);
}

/* --- all calls at once --------------------------------------------------------------------- */

/* Random calls on few keys, with time going on: for the sanitizers, and for the counts. */
static void *churn(void *seed)
{
    unsigned state = *(unsigned *)seed;
    struct arena *arena = arena_new();
    struct kv_bytes out = {0};
    int64_t sum = 0;
    for (int i = 0; i < MANY; i++) {
        state = state * 1103515245 + 12345;
        const struct kv_bytes key = {.bytes = &(unsigned char){(unsigned char)(state >> 16)},
                                     .len = 1};
        const enum kv_kind kind = (enum kv_kind)((state >> 8) % KV_KINDS);
        const int64_t ttl = 1 + (state >> 24);
        switch ((state >> 12) % 6) {
        case 0:
            (void)kv_put(w.kv, kind, key, key, ttl);
            break;
        case 1:
            (void)kv_add(w.kv, kind, key, kv_text("1"), ttl);
            break;
        case 2:
            (void)kv_swap(w.kv, kind, key, key, kv_text("2"), ttl);
            break;
        case 3:
            (void)kv_count(w.kv, kind, key, 1, ttl, &sum);
            break;
        case 4:
            (void)kv_take(w.kv, kind, key, arena, &out);
            break;
        default:
            (void)kv_get(w.kv, kind, key, arena, &out);
            now++;
        }
    }
    arena_free(arena);
    return NULL;
}

static void after_any_calls_the_quotas_are_whole(void **state)
{
    (void)state;
    pthread_t threads[8];
    unsigned seeds[8] = {1, 22, 333, 4444, 55555, 666666, 7777777, 88888888};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &seeds[i]), 0);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    now += TTL;
    for (size_t kind = 0; kind < KV_KINDS; kind++) {
        for (int i = 0; i < QUOTA; i++)
            assert_int_equal(put_numbered((enum kv_kind)kind, i, kv_text("v"), TTL), IDP_OK);
        assert_int_equal(put_numbered((enum kv_kind)kind, QUOTA, kv_text("v"), TTL), IDP_FULL);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_value_is_there_before_its_end_and_not_at_it),
        TEST(at_its_end_a_value_is_neither_taken_nor_in_the_way),
        TEST(putting_again_begins_the_time_anew),
        TEST(a_taken_value_is_wiped),
        TEST(a_replaced_value_is_wiped),
        TEST(a_full_kind_sweeps_its_expired_values_wherever_they_lie),
        TEST(writes_of_one_kind_sweep_all_others),
        TEST(bytes_are_bounded_as_values_are),
        TEST(bytes_of_replaced_values_are_given_back),
        TEST(after_any_calls_the_quotas_are_whole),
    };
    return cmocka_run_group_tests_name("store/memory", tests, NULL, NULL);
}
