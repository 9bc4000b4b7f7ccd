#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/generation.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/database.h"

enum { SOON = 200, PATIENT = 10000 };
static const int64_t reading = GENERATION_READ_MS;

/* A node's cache: what it holds is the generation it was loaded at. */
struct cache {
    _Atomic int64_t loaded;
    _Atomic int calls;
    _Atomic bool broken;
};

/* Two nodes on one database, each with its own connections. */
static struct world {
    char *folder;
    struct sql *db, *other;
    struct arena *arena;
    struct cache cache, other_cache;
    struct generation_watch *watch, *other_watch;
} w;

static enum idp_err reload(void *with, int64_t generation)
{
    struct cache *cache = with;
    cache->calls++;
    if (cache->broken)
        return IDP_UNAVAILABLE;
    cache->loaded = generation;
    return IDP_OK;
}

static int set_up(void **state)
{
    char where[DATABASE_WHERE_MAX];
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    memset(&w, 0, sizeof(w));
    w.folder = help_temp_folder();
    w.arena = arena_new();
    database_make(database_kind(), w.folder, where);
    return w.arena == NULL || sql_open(where, NULL, &w.db) != IDP_OK ||
           migrate_run(w.db) != IDP_OK || sql_open(where, NULL, &w.other) != IDP_OK;
}

static int tear_down(void **state)
{
    (void)state;
    generation_watch_stop(w.watch);
    generation_watch_stop(w.other_watch);
    sql_close(w.db);
    sql_close(w.other);
    arena_free(w.arena);
    help_remove_folder(w.folder);
    free(w.folder);
    return 0;
}

static void start(void)
{
    const struct generation_listener listener = {.changed = reload, .with = &w.cache};
    assert_int_equal(generation_watch_start(w.db, "first", &listener, &w.watch), IDP_OK);
}

static void start_other(void)
{
    const struct generation_listener listener = {.changed = reload, .with = &w.other_cache};
    assert_int_equal(generation_watch_start(w.other, "second", &listener, &w.other_watch), IDP_OK);
}

static enum idp_err bump_body(struct sql_tx *tx, void *with)
{
    return generation_bump(tx, with);
}

static int64_t bump(void)
{
    int64_t generation = 0;
    assert_int_equal(sql_transact(w.db, bump_body, &generation), IDP_OK);
    return generation;
}

static void execute(const char *text)
{
    const struct sql_call call = {.text = text};
    assert_int_equal(sql_execute(w.db, &call, NULL), IDP_OK);
}

static int64_t number(const char *text)
{
    struct sql_rows rows = {0};
    const struct sql_call call = {.text = text};
    assert_int_equal(sql_read_one(w.db, w.arena, &call, &rows), IDP_OK);
    return sql_cell_int(&rows, 0, 0);
}

static void nap(int64_t ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* A node that has a row and does nothing; its lease is over in so many ms. */
static void add_silent_node(int64_t lease_ms)
{
    const struct sql_value params[] = {sql_int(clock_now_ms() + lease_ms)};
    const struct sql_call call = {
        .text = "INSERT INTO nodes (id, generation, lease_until_ms) VALUES ('silent', 1, $1)",
        .params = params,
        .count = 1};
    assert_int_equal(sql_execute(w.db, &call, NULL), IDP_OK);
}

static enum idp_err bump_and_fail(struct sql_tx *tx, void *with)
{
    (void)generation_bump(tx, with);
    return IDP_DENIED;
}

static void bumping_counts_one_up_with_its_transaction(void **state)
{
    (void)state;
    int64_t generation = 0;
    assert_int_equal(bump(), 2);
    assert_int_equal(bump(), 3);
    assert_int_equal(sql_transact(w.db, bump_and_fail, &generation), IDP_DENIED);
    assert_int_equal(generation_read(w.other, &generation), IDP_OK);
    assert_int_equal(generation, 3);
}

static void a_watch_loads_and_reports_before_it_has_started(void **state)
{
    (void)state;
    (void)bump();
    start();
    assert_int_equal(w.cache.calls, 1);
    assert_int_equal(w.cache.loaded, 2);
    assert_false(generation_stale(w.watch));
    assert_int_equal(number("SELECT generation FROM nodes WHERE id = 'first'"), 2);
}

static void a_watch_that_cannot_load_does_not_start(void **state)
{
    (void)state;
    const struct generation_listener listener = {.changed = reload, .with = &w.cache};
    w.cache.broken = true;
    assert_int_equal(generation_watch_start(w.db, "first", &listener, &w.watch), IDP_UNAVAILABLE);
    assert_null(w.watch);
    assert_int_equal(number("SELECT count(*) FROM nodes"), 0);
}

static void a_watch_needs_a_name(void **state)
{
    (void)state;
    char name[66] = {0};
    const struct generation_listener listener = {.changed = reload, .with = &w.cache};
    assert_int_equal(generation_watch_start(w.db, "", &listener, &w.watch), IDP_BAD_REQUEST);
    memset(name, 'n', 65);
    assert_int_equal(generation_watch_start(w.db, name, &listener, &w.watch), IDP_BAD_REQUEST);
}

static void after_the_wait_every_node_has_the_new_generation(void **state)
{
    (void)state;
    start();
    start_other();
    int64_t generation = bump();
    int64_t began = clock_ticks_ms();
    assert_int_equal(generation_wait(w.db, w.watch, generation, PATIENT), IDP_OK);
    assert_int_equal(w.cache.loaded, generation);
    assert_int_equal(w.other_cache.loaded, generation);
    assert_true(clock_ticks_ms() - began < GENERATION_LEASE_MS);
}

static void alone_one_waits_for_no_reading(void **state)
{
    (void)state;
    start();
    int64_t began = clock_ticks_ms();
    for (int i = 0; i < 8; i++)
        assert_int_equal(generation_wait(w.db, w.watch, bump(), PATIENT), IDP_OK);
    assert_true(clock_ticks_ms() - began < 4 * reading);
    assert_int_equal(w.cache.loaded, 9);
}

static void without_nodes_nobody_waits(void **state)
{
    (void)state;
    assert_int_equal(generation_wait(w.db, NULL, bump(), 0), IDP_OK);
}

static void a_silent_node_is_waited_for_until_its_lease_is_over(void **state)
{
    (void)state;
    start();
    add_silent_node(PATIENT);
    int64_t began = clock_ticks_ms();
    assert_int_equal(generation_wait(w.db, w.watch, bump(), PATIENT), IDP_OK);
    int64_t took = clock_ticks_ms() - began;
    assert_in_range(took, GENERATION_LEASE_MS, GENERATION_LEASE_MS + 1000);
}

static void who_has_less_time_is_told_that_it_is_unknown(void **state)
{
    (void)state;
    start();
    add_silent_node(PATIENT);
    assert_int_equal(generation_wait(w.db, w.watch, bump(), SOON), IDP_UNAVAILABLE);
}

/* Its row ran out a second ago, but that may be the other clock: it still may live. */
static void a_row_that_has_just_run_out_is_not_believed(void **state)
{
    (void)state;
    add_silent_node(-1000);
    assert_int_equal(generation_wait(w.db, NULL, bump(), SOON), IDP_UNAVAILABLE);
}

static void a_node_long_gone_is_forgotten(void **state)
{
    (void)state;
    add_silent_node(-3600000);
    assert_int_equal(generation_wait(w.db, NULL, bump(), 0), IDP_OK);
    start();
    assert_int_equal(number("SELECT count(*) FROM nodes WHERE id = 'silent'"), 0);
}

static void a_node_that_stops_is_not_waited_for(void **state)
{
    (void)state;
    start();
    start_other();
    generation_watch_stop(w.other_watch);
    w.other_watch = NULL;
    assert_int_equal(number("SELECT count(*) FROM nodes"), 1);
    assert_int_equal(generation_wait(w.db, w.watch, bump(), SOON), IDP_OK);
}

static void a_node_whose_row_was_removed_comes_back(void **state)
{
    (void)state;
    start();
    execute("DELETE FROM nodes");
    nap(2 * reading);
    assert_int_equal(number("SELECT generation FROM nodes WHERE id = 'first'"), 1);
}

static void a_row_is_not_written_at_every_reading(void **state)
{
    (void)state;
    start();
    int64_t before = number("SELECT lease_until_ms FROM nodes WHERE id = 'first'");
    nap(3 * reading);
    assert_int_equal(number("SELECT lease_until_ms FROM nodes WHERE id = 'first'"), before);
}

static void a_node_that_cannot_read_for_two_seconds_is_stale(void **state)
{
    (void)state;
    start();
    execute("ALTER TABLE generation RENAME TO out_of_reach");
    nap(GENERATION_LEASE_MS - 2 * reading);
    assert_false(generation_stale(w.watch));
    nap(2 * reading + SOON);
    assert_true(generation_stale(w.watch));
    execute("ALTER TABLE out_of_reach RENAME TO generation");
    nap(reading + SOON);
    assert_false(generation_stale(w.watch));
}

static void a_node_that_cannot_reload_reports_nothing_and_becomes_stale(void **state)
{
    (void)state;
    start();
    w.cache.broken = true;
    int64_t generation = bump();
    assert_int_equal(generation_wait(w.db, w.watch, generation, PATIENT), IDP_OK);
    assert_true(generation_stale(w.watch)); /* which is why the wait could end */
    assert_int_equal(number("SELECT generation FROM nodes WHERE id = 'first'"), 1);
    w.cache.broken = false;
    nap(reading + SOON);
    assert_false(generation_stale(w.watch));
    assert_int_equal(w.cache.loaded, generation);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(bumping_counts_one_up_with_its_transaction),
        TEST(a_watch_loads_and_reports_before_it_has_started),
        TEST(a_watch_that_cannot_load_does_not_start),
        TEST(a_watch_needs_a_name),
        TEST(after_the_wait_every_node_has_the_new_generation),
        TEST(alone_one_waits_for_no_reading),
        TEST(without_nodes_nobody_waits),
        TEST(a_silent_node_is_waited_for_until_its_lease_is_over),
        TEST(who_has_less_time_is_told_that_it_is_unknown),
        TEST(a_row_that_has_just_run_out_is_not_believed),
        TEST(a_node_long_gone_is_forgotten),
        TEST(a_node_that_stops_is_not_waited_for),
        TEST(a_node_whose_row_was_removed_comes_back),
        TEST(a_row_is_not_written_at_every_reading),
        TEST(a_node_that_cannot_read_for_two_seconds_is_stale),
        TEST(a_node_that_cannot_reload_reports_nothing_and_becomes_stale),
    };
    return cmocka_run_group_tests_name("store/generation", tests, NULL, NULL);
}
