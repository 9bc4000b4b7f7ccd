/* Quotas in windows, with a counter and a calendar of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "store/kv_kinds.h"
#include "store/redis_quota.h"

enum { QUOTA = 1000, THREADS = 16, EACH = 500 };

/* A counter that all nodes share: one window at a time is enough. */
static struct world {
    pthread_mutex_t lock;
    char name[128];
    int64_t sum, ttl_ms;
    int asked;
    enum idp_err answer;
    struct redis_quota *quota, *other; /* two nodes */
} w;
static _Atomic int64_t now;

static enum idp_err count(void *with, struct kv_bytes name, int64_t by, int64_t ttl_ms,
                          int64_t *out)
{
    struct world *world = with;
    (void)pthread_mutex_lock(&world->lock);
    enum idp_err err = world->answer;
    if (name.len != strlen(world->name) || memcmp(name.bytes, world->name, name.len) != 0)
        world->sum = 0;
    (void)snprintf(world->name, sizeof(world->name), "%.*s", (int)name.len,
                   (const char *)name.bytes);
    world->ttl_ms = ttl_ms;
    world->asked++;
    if (err == IDP_OK)
        *out = world->sum += by;
    (void)pthread_mutex_unlock(&world->lock);
    return err;
}

static int64_t test_now(void)
{
    return now;
}

static int set_up(void **state)
{
    size_t quotas[KV_KINDS];
    const struct redis_counting counting = {.with = &w, .count = count, .now_ms = test_now};
    (void)state;
    for (size_t i = 0; i < KV_KINDS; i++)
        quotas[i] = QUOTA;
    now = 1795353600000;
    w = (struct world){.answer = IDP_OK};
    (void)pthread_mutex_init(&w.lock, NULL);
    w.quota = redis_quota_new(quotas, &counting);
    w.other = redis_quota_new(quotas, &counting);
    return w.quota == NULL || w.other == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    redis_quota_free(w.quota);
    redis_quota_free(w.other);
    (void)pthread_mutex_destroy(&w.lock);
    return 0;
}

/* How many places can be had, at most `most`. */
static int take_all(struct redis_quota *quota, enum kv_kind kind, int most)
{
    int n = 0;
    while (n < most && redis_quota_take(quota, kind) == IDP_OK)
        n++;
    return n;
}

static void a_window_has_as_many_places_as_the_quota(void **state)
{
    (void)state;
    assert_int_equal(take_all(w.quota, KV_CODE, 2 * QUOTA), QUOTA);
    assert_int_equal(redis_quota_take(w.quota, KV_CODE), IDP_FULL);
    assert_int_equal(take_all(w.quota, KV_CHALLENGE, 2 * QUOTA), QUOTA); /* each kind for itself */
}

static void the_next_window_begins_anew(void **state)
{
    (void)state;
    assert_int_equal(take_all(w.quota, KV_CODE, 2 * QUOTA), QUOTA);
    now += kv_kinds[KV_CODE].window_ms;
    assert_int_equal(take_all(w.quota, KV_CODE, 2 * QUOTA), QUOTA);
}

static void nodes_share_the_places_of_a_window(void **state)
{
    (void)state;
    int n = 0;
    for (int i = 0; i < 2 * QUOTA; i++) {
        n += redis_quota_take(w.quota, KV_CODE) == IDP_OK;
        n += redis_quota_take(w.other, KV_CODE) == IDP_OK;
    }
    assert_int_equal(n, QUOTA);
}

static void most_places_are_taken_without_asking(void **state)
{
    (void)state;
    assert_int_equal(take_all(w.quota, KV_CODE, QUOTA), QUOTA);
    assert_in_range(w.asked, 1, 100);
    int before = w.asked;
    for (int i = 0; i < QUOTA; i++)
        assert_int_equal(redis_quota_take(w.quota, KV_CODE), IDP_FULL);
    assert_in_range(w.asked, before, before + 1); /* what is used up is known */
}

static void a_place_that_is_given_back_can_be_had_again(void **state)
{
    (void)state;
    assert_int_equal(take_all(w.quota, KV_CODE, 2 * QUOTA), QUOTA);
    redis_quota_give(w.quota, KV_CODE);
    assert_int_equal(redis_quota_take(w.quota, KV_CODE), IDP_OK);
    assert_int_equal(redis_quota_take(w.quota, KV_CODE), IDP_FULL);
    for (int i = 0; i < 10 * QUOTA; i++) {
        redis_quota_give(w.quota, KV_CODE);
        assert_int_equal(redis_quota_take(w.quota, KV_CODE), IDP_OK);
    }
}

static void copies_of_rows_need_no_place(void **state)
{
    (void)state;
    static const enum kv_kind copies[] = {KV_GRANT, KV_HOLDER, KV_STATUS};
    for (size_t i = 0; i < sizeof(copies) / sizeof(*copies); i++) {
        assert_int_equal(take_all(w.quota, copies[i], 2 * QUOTA), 2 * QUOTA);
        redis_quota_give(w.quota, copies[i]);
    }
    assert_int_equal(w.asked, 0);
}

static void a_counter_that_does_not_answer_is_not_a_full_one(void **state)
{
    (void)state;
    w.answer = IDP_UNAVAILABLE;
    assert_int_equal(redis_quota_take(w.quota, KV_CODE), IDP_UNAVAILABLE);
    w.answer = IDP_OK;
    assert_int_equal(take_all(w.quota, KV_CODE, 2 * QUOTA), QUOTA);
}

static void the_counter_outlives_its_window(void **state)
{
    (void)state;
    assert_int_equal(redis_quota_take(w.quota, KV_CODE), IDP_OK);
    assert_in_range(w.ttl_ms, kv_kinds[KV_CODE].window_ms, INT64_MAX);
    assert_non_null(strstr(w.name, "code:"));
}

static void *take_many(void *taken)
{
    *(int *)taken = take_all(w.quota, KV_CODE, EACH);
    return NULL;
}

static void threads_together_get_no_more(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int taken[THREADS];
    int sum = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &taken[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        sum += taken[i];
    }
    assert_int_equal(sum + take_all(w.quota, KV_CODE, QUOTA), QUOTA);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_window_has_as_many_places_as_the_quota),
        TEST(the_next_window_begins_anew),
        TEST(nodes_share_the_places_of_a_window),
        TEST(most_places_are_taken_without_asking),
        TEST(a_place_that_is_given_back_can_be_had_again),
        TEST(copies_of_rows_need_no_place),
        TEST(a_counter_that_does_not_answer_is_not_a_full_one),
        TEST(the_counter_outlives_its_window),
        TEST(threads_together_get_no_more),
    };
    return cmocka_run_group_tests_name("store/redis_quota", tests, NULL, NULL);
}
