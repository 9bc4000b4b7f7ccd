/* What stores are asked, counted: at the fronts, by threads at once, and for one thread. */
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
#include "base/lane.h"
#include "store/figures.h"
#include "store/kv.h"
#include "store/sql.h"
#include "tests/help.h"

enum { THREADS = 40, EACH = 1000 };

static struct figures_reading reading(const struct figures *figures)
{
    struct figures_reading out;
    figures_read(figures, &out);
    return out;
}

static void calls_are_counted_by_what_became_of_them(void **state)
{
    (void)state;
    struct figures *figures = figures_new(FIGURES_KV);
    static const enum idp_err results[] = {IDP_OK,          IDP_NOT_FOUND, IDP_CONFLICT, IDP_FULL,
                                           IDP_UNAVAILABLE, IDP_FAULT,     IDP_FAULT};
    for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++)
        figures_call(figures, results[i], -1);
    struct figures_reading r = reading(figures);
    assert_int_equal(r.calls, 7);
    assert_int_equal(r.full, 1);
    assert_int_equal(r.unavailable, 1);
    assert_int_equal(r.faults, 2);
    assert_int_equal(r.timed, 0);
    figures_free(figures);
}

static void a_call_lies_in_the_bucket_whose_bound_it_does_not_pass(void **state)
{
    (void)state;
    struct figures *figures = figures_new(FIGURES_SQL);
    figures_call(figures, IDP_OK, 0);
    figures_call(figures, IDP_OK, 100);
    figures_call(figures, IDP_OK, 101);
    figures_call(figures, IDP_OK, 30000000);
    figures_call(figures, IDP_OK, 30000001);
    figures_call(figures, IDP_OK, -1);
    struct figures_reading r = reading(figures);
    assert_int_equal(r.buckets[0], 2);
    assert_int_equal(r.buckets[1], 1);
    assert_int_equal(r.buckets[FIGURES_BOUNDS - 1], 1);
    assert_int_equal(r.buckets[FIGURES_BOUNDS], 1);
    assert_int_equal(r.timed, 5);
    assert_int_equal(r.total_us, 60000202);
    figures_free(figures);
}

static void *count_along(void *with)
{
    for (int i = 0; i < EACH; i++) {
        figures_call(with, IDP_OK, 1);
        figures_trip(with);
    }
    return (void *)(uintptr_t)figures_trips_of_thread(FIGURES_KV);
}

static void nothing_is_lost_between_threads_and_each_knows_its_own_trips(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct figures *figures = figures_new(FIGURES_KV);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_along, figures), 0);
    for (int i = 0; i < THREADS; i++) {
        void *own = NULL;
        assert_int_equal(pthread_join(threads[i], &own), 0);
        assert_int_equal((uintptr_t)own, EACH);
    }
    struct figures_reading r = reading(figures);
    assert_int_equal(r.calls, THREADS * EACH);
    assert_int_equal(r.timed, THREADS * EACH);
    assert_int_equal(r.round_trips, THREADS * EACH);
    figures_free(figures);
}

static void without_figures_nothing_is_counted(void **state)
{
    (void)state;
    figures_call(NULL, IDP_OK, 1);
    figures_trip(NULL);
    assert_int_equal(reading(NULL).calls, 0);
    figures_free(NULL);
}

static void the_key_value_front_notes_every_call(void **state)
{
    (void)state;
    struct kv *kv = NULL;
    struct kv_bytes out;
    int64_t sum = 0;
    struct arena *arena = arena_new();
    uint64_t before = figures_trips_of_thread(FIGURES_KV);
    assert_int_equal(kv_open(&(struct kv_settings){.where = "memory:"}, NULL, &kv), IDP_OK);
    (void)kv_put(kv, KV_CODE, kv_text("k"), kv_text("v"), 1000);
    (void)kv_add(kv, KV_CODE, kv_text("k"), kv_text("v"), 1000);
    (void)kv_swap(kv, KV_CODE, kv_text("k"), kv_text("v"), kv_text("v"), 1000);
    (void)kv_get(kv, KV_CODE, kv_text("k"), arena, &out);
    (void)kv_take(kv, KV_CODE, kv_text("k"), arena, &out);
    (void)kv_count(kv, KV_COUNTER, kv_text("k"), 1, 1000, &sum);
    (void)kv_get(kv, KV_CODE, kv_text(""), arena, &out); /* never reached the driver */
    struct figures_reading r = reading(kv->figures);
    assert_int_equal(r.calls, 6);
    assert_int_equal(r.round_trips, 6);
    assert_int_equal(figures_trips_of_thread(FIGURES_KV) - before, 6);
    assert_int_equal(r.timed, 0); /* in this process: not worth it */
    arena_free(arena);
    kv_close(kv);
}

static enum idp_err do_nothing(struct sql_tx *tx, void *with)
{
    (void)tx, (void)with;
    return IDP_OK;
}

static void the_sql_front_notes_readings_and_transactions(void **state)
{
    (void)state;
    static const struct sql_call one = {.text = "SELECT 1"};
    char *folder = help_temp_folder();
    struct arena *arena = arena_new();
    struct sql *db = NULL;
    struct sql_rows rows;
    const char *where = arena_printf(arena, "sqlite:%s/figures.db", folder);
    assert_int_equal(sql_open(where, NULL, &db), IDP_OK);
    uint64_t before = figures_trips_of_thread(FIGURES_SQL);
    assert_int_equal(sql_read(db, arena, &one, &rows), IDP_OK);
    assert_int_equal(sql_transact(db, do_nothing, NULL), IDP_OK);
    lane_set_may_wait(false);
    assert_int_equal(sql_read(db, arena, &one, &rows), IDP_WAIT);
    lane_set_may_wait(true);
    struct figures_reading r = reading(db->figures);
    assert_int_equal(r.calls, 2);
    assert_int_equal(r.timed, 2);
    assert_int_equal(figures_trips_of_thread(FIGURES_SQL) - before, 2);
    assert_non_null(db->circuit);
    sql_close(db);
    arena_free(arena);
    help_remove_folder(folder);
    free(folder);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_counted_by_what_became_of_them),
        cmocka_unit_test(a_call_lies_in_the_bucket_whose_bound_it_does_not_pass),
        cmocka_unit_test(nothing_is_lost_between_threads_and_each_knows_its_own_trips),
        cmocka_unit_test(without_figures_nothing_is_counted),
        cmocka_unit_test(the_key_value_front_notes_every_call),
        cmocka_unit_test(the_sql_front_notes_readings_and_transactions),
    };
    return cmocka_run_group_tests_name("store/figures", tests, NULL, NULL);
}
