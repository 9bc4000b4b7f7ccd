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
#include "store/sql.h"
#include "store/sweep.h"
#include "tests/help.h"
#include "tests/store/database.h"
#include "tests/store/doubles.h"

enum { NOW = 100000, SPARE = 10 };

static const struct sweep things = {
    .name = "things",
    .key = SQL_TEXT,
    .spare_s = SPARE,
    .list = "SELECT id, CASE WHEN ended < $2 THEN 1 ELSE 0 END FROM things WHERE id > $1 "
            "ORDER BY id LIMIT 500",
    .remove = {"DELETE FROM parts WHERE thing = $1 AND EXISTS "
               "(SELECT 1 FROM things WHERE id = $1 AND ended < $2)",
               "DELETE FROM things WHERE id = $1 AND ended < $2"},
};

/* A database that counts transactions, and in which somebody is quicker than the walk. */
struct watched {
    struct sql sql;
    struct sql_driver driver;
    struct sql *real;
    int transactions;
    const char *meanwhile; /* run after each reading; may be NULL */
};

static enum database_kind kind; /* under test */

static struct world {
    char *folder;
    struct arena *arena;
    struct sql *db;
    struct watched watched;
    struct sweep_walk walk;
} w;

static void execute(const char *text)
{
    if (sql_execute(w.db, &(struct sql_call){.text = text}, NULL) != IDP_OK)
        fail_msg("%s", text);
}

static int64_t number(const char *text)
{
    struct sql_rows rows = {0};
    assert_int_equal(sql_read_one(w.db, w.arena, &(struct sql_call){.text = text}, &rows), IDP_OK);
    return sql_cell_int(&rows, 0, 0);
}

static enum idp_err watched_read(struct sql *db, struct arena *arena, const struct sql_call *call,
                                 struct sql_rows *out)
{
    const struct watched *watched = (struct watched *)db;
    enum idp_err err = sql_read(watched->real, arena, call, out);
    if (watched->meanwhile != NULL)
        execute(watched->meanwhile);
    return err;
}

static enum idp_err
watched_transact(struct sql *db, enum idp_err (*body)(struct sql_tx *tx, void *with), void *with)
{
    struct watched *watched = (struct watched *)db;
    watched->transactions++;
    return sql_transact(watched->real, body, with);
}

static int set_up(void **state)
{
    char where[DATABASE_WHERE_MAX];
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    w = (struct world){.folder = help_temp_folder(), .arena = arena_new()};
    database_make(kind, w.folder, where);
    assert_int_equal(sql_open(where, NULL, &w.db), IDP_OK);
    execute("CREATE TABLE things (id TEXT PRIMARY KEY, ended BIGINT)");
    execute("CREATE TABLE parts (thing TEXT PRIMARY KEY REFERENCES things (id))");
    w.watched = (struct watched){.driver = *w.db->driver, .real = w.db};
    w.watched.driver.read = watched_read;
    w.watched.driver.transact = watched_transact;
    w.watched.sql.driver = &w.watched.driver;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sql_close(w.db);
    arena_free(w.arena);
    help_remove_folder(w.folder);
    free(w.folder);
    return 0;
}

static enum idp_err insert_many(struct sql_tx *tx, void *with)
{
    const int *counts = with; /* how many, and of how many one is over */
    enum idp_err err = IDP_OK;
    for (int i = 0; err == IDP_OK && i < counts[0]; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "%06d", i);
        const struct sql_value params[] = {sql_text(id),
                                           i % counts[1] == 0 ? sql_int(1) : sql_null()};
        err =
            sql_run(tx, NULL,
                    &(struct sql_call){"INSERT INTO things (id, ended) VALUES ($1, $2)", params, 2},
                    NULL, NULL);
    }
    return err;
}

static void fill(int count, int one_of)
{
    int counts[] = {count, one_of};
    assert_int_equal(sql_transact(w.db, insert_many, counts), IDP_OK);
}

static enum idp_err step(void)
{
    return sweep_step(&w.watched.sql, &things, NOW, &w.walk);
}

static void walk_all(void)
{
    while (!w.walk.whole)
        assert_int_equal(step(), IDP_OK);
}

static void walk_deletes_what_is_over_and_keeps_the_rest(void **state)
{
    (void)state;
    fill(1200, 3);
    walk_all();
    assert_int_equal(w.walk.deleted, 400);
    assert_int_equal(number("SELECT count(*) FROM things"), 800);
    assert_int_equal(number("SELECT count(*) FROM things WHERE ended IS NOT NULL"), 0);
}

static void what_is_over_just_long_enough_goes_and_no_more(void **state)
{
    (void)state;
    execute("INSERT INTO things (id, ended) VALUES ('a', 99989), ('b', 99990), ('c', 99991)");
    walk_all();
    assert_int_equal(w.walk.deleted, 1);
    assert_int_equal(number("SELECT min(ended) FROM things"), NOW - SPARE);
}

static void what_refers_to_a_row_goes_with_it(void **state)
{
    (void)state;
    execute("INSERT INTO things (id, ended) VALUES ('a', 1), ('b', NULL), ('c', 1)");
    execute("INSERT INTO parts (thing) VALUES ('a'), ('b')");
    walk_all();
    assert_int_equal(w.walk.deleted, 2); /* rows that count, not what refers to them */
    assert_int_equal(number("SELECT count(*) FROM things"), 1);
    assert_int_equal(number("SELECT count(*) FROM parts"), 1);
}

static void row_that_came_to_life_meanwhile_stays_with_what_refers_to_it(void **state)
{
    (void)state;
    execute("INSERT INTO things (id, ended) VALUES ('a', 1)");
    execute("INSERT INTO parts (thing) VALUES ('a')");
    w.watched.meanwhile = "UPDATE things SET ended = NULL";
    walk_all();
    assert_int_equal(w.walk.deleted, 0);
    assert_int_equal(number("SELECT count(*) FROM things"), 1);
    assert_int_equal(number("SELECT count(*) FROM parts"), 1);
}

static void transactions_are_short_and_only_where_something_goes(void **state)
{
    (void)state;
    fill(500, 1);
    assert_int_equal(step(), IDP_OK);
    assert_int_equal(w.watched.transactions, 5);
    assert_int_equal(number("SELECT count(*) FROM things"), 0);
    fill(1000, 2000); /* the first one only */
    w.watched.transactions = 0;
    w.walk = (struct sweep_walk){.len = 0};
    walk_all();
    assert_int_equal(w.watched.transactions, 1);
}

static void step_that_fails_is_done_again_and_nothing_counts_twice(void **state)
{
    struct faulty_sql faulty;
    (void)state;
    fill(1000, 1);
    faulty_sql_init(&faulty, w.db);
    assert_int_equal(sweep_step(&faulty.sql, &things, NOW, &w.walk), IDP_OK);
    struct sweep_walk stood = w.walk;
    faulty.transact = IDP_UNAVAILABLE;
    faulty.transactions_left = 2;
    assert_int_equal(sweep_step(&faulty.sql, &things, NOW, &w.walk), IDP_UNAVAILABLE);
    assert_int_equal(w.walk.deleted, 700); /* what was committed is gone */
    assert_memory_equal(w.walk.key, stood.key, stood.len);
    assert_false(w.walk.whole);
    walk_all();
    assert_int_equal(w.walk.deleted, 1000);
    assert_int_equal(number("SELECT count(*) FROM things"), 0);
}

static void database_that_does_not_answer_is_not_the_end(void **state)
{
    struct faulty_sql down;
    (void)state;
    faulty_sql_init(&down, w.db);
    down.read = IDP_UNAVAILABLE;
    assert_int_equal(sweep_step(&down.sql, &things, NOW, &w.walk), IDP_UNAVAILABLE);
    assert_false(w.walk.whole);
}

static void empty_table_is_walked_through_at_once(void **state)
{
    (void)state;
    assert_int_equal(step(), IDP_OK);
    assert_true(w.walk.whole);
    assert_int_equal(w.walk.deleted, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(walk_deletes_what_is_over_and_keeps_the_rest),
        TEST(what_is_over_just_long_enough_goes_and_no_more),
        TEST(what_refers_to_a_row_goes_with_it),
        TEST(row_that_came_to_life_meanwhile_stays_with_what_refers_to_it),
        TEST(transactions_are_short_and_only_where_something_goes),
        TEST(step_that_fails_is_done_again_and_nothing_counts_twice),
        TEST(database_that_does_not_answer_is_not_the_end),
        TEST(empty_table_is_walked_through_at_once),
    };
    int failed = cmocka_run_group_tests_name("store/sweep, sqlite", tests, NULL, NULL);
    kind = DATABASE_POSTGRES;
    return failed + cmocka_run_group_tests_name("store/sweep, postgresql", tests, NULL, NULL);
}
