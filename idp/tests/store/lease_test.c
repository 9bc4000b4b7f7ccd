#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/log.h"
#include "store/lease.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/database.h"
#include "tests/store/doubles.h"

/* Two nodes on one database, each with its own connections. Their clocks are the tests' numbers. */
static struct world {
    char *folder;
    struct sql *db, *other_db;
    struct faulty_sql faulty; /* before db */
    struct leases *one, *two;
} w;

static const char *const jobs[] = {"first", "second"};

static int set_up(void **state)
{
    char where[DATABASE_WHERE_MAX];
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    memset(&w, 0, sizeof(w));
    w.folder = help_temp_folder();
    database_make(database_kind(), w.folder, where);
    if (sql_open(where, NULL, &w.db) != IDP_OK || migrate_run(w.db) != IDP_OK ||
        sql_open(where, NULL, &w.other_db) != IDP_OK)
        return 1;
    faulty_sql_init(&w.faulty, w.db);
    w.one = leases_new(&w.faulty.sql, "one", jobs, 2);
    w.two = leases_new(w.other_db, "two", jobs, 2);
    return w.one == NULL || w.two == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    leases_free(w.one);
    leases_free(w.two);
    sql_close(w.db);
    sql_close(w.other_db);
    help_remove_folder(w.folder);
    free(w.folder);
    return 0;
}

static void tend(struct leases *leases, int64_t ticks)
{
    assert_int_equal(leases_tend(leases, ticks), IDP_OK);
}

/* Runs a statement behind the nodes' backs. */
static void change(const char *statement)
{
    int64_t changed = 0;
    const struct sql_call call = {.text = statement};
    assert_int_equal(sql_execute(w.db, &call, &changed), IDP_OK);
    assert_true(changed > 0);
}

static void first_who_comes_holds_every_job(void **state)
{
    (void)state;
    assert_false(lease_held(w.one, 0, 1000));
    tend(w.one, 1000);
    tend(w.two, 1000);
    for (size_t i = 0; i < 2; i++) {
        assert_true(lease_held(w.one, i, 1000));
        assert_false(lease_held(w.two, i, 1000));
    }
}

static void holder_keeps_it_by_tending(void **state)
{
    (void)state;
    for (int64_t ticks = 0; ticks < 100000; ticks += LEASE_TEND_MS) {
        tend(w.one, ticks);
        tend(w.two, ticks);
        assert_true(lease_held(w.one, 0, ticks + LEASE_TEND_MS));
        assert_false(lease_held(w.two, 0, ticks + LEASE_TEND_MS));
    }
}

static void holder_that_does_not_tend_stops_before_another_takes_over(void **state)
{
    (void)state;
    tend(w.one, 0);
    tend(w.two, 0); /* at the same moment: nobody can have seen the mark earlier */
    assert_true(lease_held(w.one, 0, LEASE_HOLD_MS - 1));
    assert_false(lease_held(w.one, 0, LEASE_HOLD_MS));
    tend(w.two, LEASE_LOST_MS - 1);
    assert_false(lease_held(w.two, 0, LEASE_LOST_MS - 1));
    tend(w.two, LEASE_LOST_MS);
    assert_true(lease_held(w.two, 0, LEASE_LOST_MS));
}

static void dead_node_is_followed_within_30_seconds(void **state)
{
    (void)state;
    tend(w.two, 0);
    tend(w.one, 0); /* "two" holds both, and "one" knows; then "two" renews them and dies */
    tend(w.two, 1);
    int64_t ticks = 0;
    while (!lease_held(w.one, 0, ticks))
        tend(w.one, ticks += LEASE_TEND_MS);
    assert_true(ticks <= 30000);
}

/* Calendars: a node that is hours ahead or behind neither steals nor leaves a job alone. */
static void what_time_a_node_thinks_it_is_does_not_matter(void **state)
{
    (void)state;
    tend(w.one, 0);
    change("UPDATE leases SET until_ms = 1"); /* as a node far behind would have written it */
    tend(w.two, 0);
    assert_false(lease_held(w.two, 0, 0));
    tend(w.one, 4000);
    change("UPDATE leases SET until_ms = 9000000000000"); /* and as one far ahead */
    tend(w.two, 4000);
    tend(w.two, 4000 + LEASE_LOST_MS);
    assert_true(lease_held(w.two, 0, 4000 + LEASE_LOST_MS));
    tend(w.two, 8000 + LEASE_LOST_MS); /* goes on counting from there: the mark changes */
    tend(w.one, 8000 + LEASE_LOST_MS);
    assert_false(lease_held(w.one, 0, 8000 + LEASE_LOST_MS));
}

static void holder_that_slept_through_a_takeover_knows_at_once(void **state)
{
    (void)state;
    tend(w.one, 0);
    tend(w.two, 0);
    tend(w.two, LEASE_LOST_MS);
    tend(w.one, LEASE_LOST_MS);
    assert_false(lease_held(w.one, 0, LEASE_LOST_MS));
    assert_true(lease_held(w.two, 0, LEASE_LOST_MS));
}

static enum idp_err (*usual)(struct sql *db, enum idp_err (*body)(struct sql_tx *tx, void *with),
                             void *with);

/* Between what "one" has read and what it writes, "two" does the same. */
static enum idp_err after_the_other(struct sql *db,
                                    enum idp_err (*body)(struct sql_tx *tx, void *with), void *with)
{
    tend(w.two, LEASE_LOST_MS);
    return usual(db, body, with);
}

/* Both saw the dead node's mark standing for long enough. */
static void of_two_who_take_over_at_once_one_gets_it(void **state)
{
    (void)state;
    struct leases *dead = leases_new(w.db, "dead", jobs, 2);
    tend(dead, 0);
    tend(w.one, 0);
    tend(w.two, 0);
    usual = w.faulty.driver.transact;
    w.faulty.driver.transact = after_the_other;
    tend(w.one, LEASE_LOST_MS);
    w.faulty.driver.transact = usual;
    assert_true(lease_held(w.two, 1, LEASE_LOST_MS));
    assert_false(lease_held(w.one, 1, LEASE_LOST_MS));
    leases_free(dead);
}

static void what_is_given_back_can_be_taken_at_once(void **state)
{
    (void)state;
    tend(w.one, 0);
    tend(w.two, 0);
    assert_int_equal(leases_release(w.one), IDP_OK);
    assert_false(lease_held(w.one, 0, 0));
    tend(w.two, 1);
    assert_true(lease_held(w.two, 0, 1));
    assert_true(lease_held(w.two, 1, 1));
}

/* An answer that was lost: the row says ours, though we never heard so. */
static void renewal_whose_answer_was_lost_is_still_ours(void **state)
{
    (void)state;
    tend(w.one, 0);
    change("UPDATE leases SET until_ms = until_ms + 1");
    tend(w.one, 4000);
    assert_true(lease_held(w.one, 0, 4000));
}

static void database_that_is_down_takes_no_lease_away_early(void **state)
{
    (void)state;
    tend(w.one, 0);
    w.faulty.read = IDP_UNAVAILABLE;
    assert_int_equal(leases_tend(w.one, 4000), IDP_UNAVAILABLE);
    w.faulty.read = IDP_OK;
    w.faulty.transact = IDP_UNAVAILABLE;
    assert_int_equal(leases_tend(w.one, 4000), IDP_UNAVAILABLE);
    assert_true(lease_held(w.one, 0, LEASE_HOLD_MS - 1));
    assert_false(lease_held(w.one, 0, LEASE_HOLD_MS));
}

static void whoever_only_watches_writes_nothing(void **state)
{
    (void)state;
    tend(w.two, 0);
    w.faulty.transact = IDP_UNAVAILABLE;
    tend(w.one, 0);
}

static void there_are_only_so_many_jobs(void **state)
{
    (void)state;
    assert_null(leases_new(w.db, "node", jobs, 17));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(first_who_comes_holds_every_job),
        TEST(holder_keeps_it_by_tending),
        TEST(holder_that_does_not_tend_stops_before_another_takes_over),
        TEST(dead_node_is_followed_within_30_seconds),
        TEST(what_time_a_node_thinks_it_is_does_not_matter),
        TEST(holder_that_slept_through_a_takeover_knows_at_once),
        TEST(of_two_who_take_over_at_once_one_gets_it),
        TEST(what_is_given_back_can_be_taken_at_once),
        TEST(renewal_whose_answer_was_lost_is_still_ours),
        TEST(database_that_is_down_takes_no_lease_away_early),
        TEST(whoever_only_watches_writes_nothing),
        TEST(there_are_only_so_many_jobs),
    };
    return cmocka_run_group_tests_name("store/lease", tests, NULL, NULL);
}
