/* What every driver of sql.h must do. A new driver is one more entry in the list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/lane.h"
#include "base/log.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/database.h"

enum { THREADS = 32, EACH = 20 };

/* The drivers; those that only wrap another one are tested elsewhere. */
static const struct place {
    const char *driver;
    enum database_kind kind;
} places[] = {
    {"sqlite", DATABASE_SQLITE},
    {"postgresql", DATABASE_POSTGRES},
};

static const struct place *place; /* the one under test */

static struct world {
    char *folder;
    struct sql *db;
    struct arena *arena;
    struct sql_rows rows;
} w;

#define CALL(text_, ...)                                                                           \
    (&(const struct sql_call){.text = (text_),                                                     \
                              .params = (const struct sql_value[]){__VA_ARGS__},                   \
                              .count = sizeof((const struct sql_value[]){__VA_ARGS__}) /           \
                                       sizeof(struct sql_value)})

static const struct sql_call make_things = {
    .text = "CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT UNIQUE, bytes BYTEA)"};
static const struct sql_call make_parts = {
    .text = "CREATE TABLE parts (thing BIGINT NOT NULL REFERENCES things (id))"};
static const struct sql_call count_things = {.text = "SELECT count(*) FROM things"};

static enum idp_err execute(const struct sql_call *call)
{
    return sql_execute(w.db, call, NULL);
}

static int set_up(void **state)
{
    char where[DATABASE_WHERE_MAX];
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1)); /* wrong statements are meant here */
    w = (struct world){.folder = help_temp_folder(), .arena = arena_new()};
    database_make(place->kind, w.folder, where);
    if (w.arena == NULL || sql_open(where, NULL, &w.db) != IDP_OK)
        return 1;
    return execute(&make_things) != IDP_OK || execute(&make_parts) != IDP_OK;
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

static enum idp_err read_rows(const struct sql_call *call)
{
    return sql_read(w.db, w.arena, call, &w.rows);
}

static int64_t things(void)
{
    assert_int_equal(read_rows(&count_things), IDP_OK);
    return sql_cell_int(&w.rows, 0, 0);
}

static const char insert_text[] = "INSERT INTO things (id, name, bytes) VALUES ($1, $2, $3)";

static enum idp_err insert(int64_t id, const char *name)
{
    return execute(CALL(insert_text, sql_int(id), sql_text(name), sql_null()));
}

/* --- values -------------------------------------------------------------------------------- */

static void values_come_back_as_they_went_in(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0, 0xFF, '1', '2', 0};
    assert_int_equal(execute(CALL(insert_text, sql_int(INT64_MIN), sql_text("企业"),
                                  sql_blob(bytes, sizeof(bytes)))),
                     IDP_OK);
    assert_int_equal(
        read_rows(CALL("SELECT id, name, bytes FROM things WHERE id = $1", sql_int(INT64_MIN))),
        IDP_OK);
    assert_int_equal(w.rows.rows, 1);
    assert_int_equal(w.rows.columns, 3);
    assert_true(sql_cell_int(&w.rows, 0, 0) == INT64_MIN);
    assert_string_equal(sql_cell_text(&w.rows, 0, 1), "企业");
    const struct sql_value *cell = sql_cell(&w.rows, 0, 2);
    assert_int_equal(cell->type, SQL_BLOB);
    assert_int_equal(cell->len, sizeof(bytes));
    assert_memory_equal(cell->bytes, bytes, sizeof(bytes));
}

/* BYTEA has NUMERIC affinity in SQLite: bytes that look like a number must stay bytes. */
static void bytes_that_look_like_a_number_stay_bytes(void **state)
{
    (void)state;
    assert_int_equal(execute(CALL(insert_text, sql_int(1), sql_null(), sql_blob("0012", 4))),
                     IDP_OK);
    assert_int_equal(
        read_rows(CALL("SELECT bytes FROM things WHERE bytes = $1", sql_blob("0012", 4))), IDP_OK);
    assert_int_equal(w.rows.rows, 1);
    assert_int_equal(sql_cell(&w.rows, 0, 0)->type, SQL_BLOB);
    assert_memory_equal(sql_cell(&w.rows, 0, 0)->bytes, "0012", 4);
}

static void no_bytes_are_not_null(void **state)
{
    (void)state;
    assert_int_equal(execute(CALL(insert_text, sql_int(1), sql_text(""), sql_blob(NULL, 0))),
                     IDP_OK);
    assert_int_equal(read_rows(CALL("SELECT name, bytes FROM things WHERE id = $1", sql_int(1))),
                     IDP_OK);
    assert_string_equal(sql_cell_text(&w.rows, 0, 0), "");
    assert_int_equal(sql_cell(&w.rows, 0, 1)->type, SQL_BLOB);
    assert_int_equal(sql_cell(&w.rows, 0, 1)->len, 0);
}

static void null_cells_are_null_and_foreign_cells_nothing(void **state)
{
    (void)state;
    assert_int_equal(insert(1, NULL), IDP_OK);
    assert_int_equal(read_rows(CALL("SELECT name, id FROM things WHERE id = $1", sql_int(1))),
                     IDP_OK);
    assert_null(sql_cell(&w.rows, 0, 0));
    assert_null(sql_cell_text(&w.rows, 0, 0));
    assert_null(sql_cell_text(&w.rows, 0, 1)); /* a number */
    assert_null(sql_cell(&w.rows, 1, 0));
    assert_null(sql_cell(&w.rows, 0, 2));
    assert_int_equal(sql_cell_int(&w.rows, 7, 7), 0);
}

/* SQLite numbers parameters by first appearance: $2 before $1, and one of them twice. */
static void parameters_are_found_by_their_numbers(void **state)
{
    (void)state;
    assert_int_equal(insert(1, "one"), IDP_OK);
    assert_int_equal(insert(2, "two"), IDP_OK);
    assert_int_equal(
        read_rows(CALL("SELECT id FROM things WHERE name = $2 AND id = $1 AND name = $2",
                       sql_int(2), sql_text("two"))),
        IDP_OK);
    assert_int_equal(w.rows.rows, 1);
    assert_int_equal(sql_cell_int(&w.rows, 0, 0), 2);
}

static void a_hostile_text_is_only_a_value(void **state)
{
    (void)state;
    static const char hostile[] = "x'); DROP TABLE things; --";
    assert_int_equal(insert(1, hostile), IDP_OK);
    assert_int_equal(read_rows(CALL("SELECT name FROM things WHERE name = $1", sql_text(hostile))),
                     IDP_OK);
    assert_string_equal(sql_cell_text(&w.rows, 0, 0), hostile);
}

static void one_row_is_read_or_not_found(void **state)
{
    (void)state;
    const struct sql_call *call =
        CALL("SELECT id FROM things WHERE id >= $1 ORDER BY id", sql_int(5));
    assert_int_equal(sql_read_one(w.db, w.arena, call, &w.rows), IDP_NOT_FOUND);
    assert_int_equal(insert(6, "six"), IDP_OK);
    assert_int_equal(insert(7, "seven"), IDP_OK);
    assert_int_equal(sql_read_one(w.db, w.arena, call, &w.rows), IDP_OK);
    assert_int_equal(w.rows.rows, 1);
    assert_int_equal(sql_cell_int(&w.rows, 0, 0), 6);
}

static void changed_rows_are_counted(void **state)
{
    (void)state;
    int64_t changed = -1;
    for (int i = 0; i < 3; i++)
        assert_int_equal(insert(i, NULL), IDP_OK);
    assert_int_equal(
        sql_execute(w.db, CALL("DELETE FROM things WHERE id < $1", sql_int(2)), &changed), IDP_OK);
    assert_int_equal(changed, 2);
    assert_int_equal(
        sql_execute(w.db, CALL("DELETE FROM things WHERE id = $1", sql_int(99)), &changed), IDP_OK);
    assert_int_equal(changed, 0);
}

static void returned_rows_of_a_write_are_read(void **state)
{
    (void)state;
    const struct sql_call returning = {
        .text = "INSERT INTO things (id, name) VALUES (1, 'a') RETURNING id, name"};
    assert_int_equal(execute(&returning), IDP_OK); /* nobody asks for the row */
    assert_int_equal(things(), 1);
}

/* --- limits and mistakes ------------------------------------------------------------------- */

static void a_result_that_is_too_big_is_refused(void **state)
{
    (void)state;
    static const char many[] = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                               "WHERE i < $1) SELECT i FROM n";
    assert_int_equal(read_rows(CALL(many, sql_int(SQL_ROWS_MAX))), IDP_OK);
    assert_int_equal(w.rows.rows, SQL_ROWS_MAX);
    assert_int_equal(sql_cell_int(&w.rows, SQL_ROWS_MAX - 1, 0), SQL_ROWS_MAX);
    assert_int_equal(read_rows(CALL(many, sql_int(SQL_ROWS_MAX + 1))), IDP_FULL);
    assert_int_equal(things(), 0); /* and the connection goes on */
}

static void wrong_statements_are_faults(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "SELEKT 1",
        "SELECT nothing FROM things",
        "SELECT 1 FROM nowhere",
        "SELECT \"no such name\"",
        "SELECT 1; SELECT 2",
        "",
        "SELECT id FROM things WHERE id = $1", /* a parameter is missing */
        "INSERT INTO things (id) VALUES (1)",  /* writes */
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        const struct sql_call call = {.text = wrong[i]};
        assert_int_equal(read_rows(&call), IDP_FAULT);
    }
    assert_int_equal(read_rows(CALL("SELECT 1", sql_int(1))), IDP_FAULT); /* one too many */
    assert_int_equal(execute(CALL("INSERT INTO things (id) VALUES (1, 2)", sql_int(1))), IDP_FAULT);
    assert_int_equal(things(), 0);
}

static void a_text_with_a_nul_is_a_mistake(void **state)
{
    (void)state;
    const struct sql_value name = {.type = SQL_TEXT, .bytes = "a\0b", .len = 3};
    assert_int_equal(execute(CALL(insert_text, sql_int(1), name, sql_null())), IDP_FAULT);
    assert_int_equal(read_rows(CALL("SELECT id FROM things WHERE name = $1", name)), IDP_FAULT);
    assert_int_equal(things(), 0);
}

static void a_caller_cannot_end_the_transaction_it_is_in(void **state)
{
    (void)state;
    static const char *const shaping[] = {
        "COMMIT", "ROLLBACK", "BEGIN", "END", "SAVEPOINT mine", "RELEASE mine", "ROLLBACK TO mine"};
    for (size_t i = 0; i < sizeof(shaping) / sizeof(*shaping); i++) {
        const struct sql_call call = {.text = shaping[i]};
        assert_int_equal(execute(&call), IDP_FAULT);
    }
    assert_int_equal(insert(1, "still here"), IDP_OK);
}

static void what_a_constraint_forbids_is_a_conflict(void **state)
{
    (void)state;
    assert_int_equal(insert(1, "one"), IDP_OK);
    assert_int_equal(insert(1, "other"), IDP_CONFLICT);
    assert_int_equal(insert(2, "one"), IDP_CONFLICT);
    assert_int_equal(execute(CALL("INSERT INTO parts (thing) VALUES ($1)", sql_int(9))),
                     IDP_CONFLICT);
    assert_int_equal(execute(CALL("INSERT INTO parts (thing) VALUES ($1)", sql_int(1))), IDP_OK);
    assert_int_equal(execute(CALL("DELETE FROM things WHERE id = $1", sql_int(1))), IDP_CONFLICT);
    assert_int_equal(things(), 1);
}

static enum idp_err do_nothing(struct sql_tx *tx, void *with)
{
    (void)tx, (void)with;
    return IDP_OK;
}

static void every_call_waits_and_says_so_where_it_may_not(void **state)
{
    (void)state;
    lane_set_may_wait(false);
    enum idp_err read = read_rows(&count_things);
    enum idp_err one = sql_read_one(w.db, w.arena, &count_things, &w.rows);
    enum idp_err transact = sql_transact(w.db, do_nothing, NULL);
    enum idp_err run = execute(&count_things);
    lane_set_may_wait(true);
    assert_int_equal(read, IDP_WAIT);
    assert_int_equal(one, IDP_WAIT);
    assert_int_equal(transact, IDP_WAIT);
    assert_int_equal(run, IDP_WAIT);
}

/* --- transactions -------------------------------------------------------------------------- */

/* Inserts two rows, reads them back in the transaction, and ends as it is told. */
static enum idp_err insert_two(struct sql_tx *tx, void *with)
{
    struct sql_rows rows = {0};
    int64_t changed = 0;
    for (int64_t id = 1; id <= 2; id++) {
        enum idp_err err = sql_run(tx, NULL, CALL(insert_text, sql_int(id), sql_null(), sql_null()),
                                   NULL, &changed);
        if (err != IDP_OK || changed != 1)
            return IDP_FAULT;
    }
    enum idp_err err = sql_run(tx, w.arena, &count_things, &rows, &changed);
    if (err != IDP_OK || sql_cell_int(&rows, 0, 0) != 2 || changed != 0)
        return IDP_FAULT;
    return *(enum idp_err *)with;
}

static void a_body_that_is_content_is_committed(void **state)
{
    (void)state;
    enum idp_err end = IDP_OK;
    assert_int_equal(sql_transact(w.db, insert_two, &end), IDP_OK);
    assert_int_equal(things(), 2);
}

static void a_body_that_fails_leaves_nothing(void **state)
{
    (void)state;
    enum idp_err end = IDP_DENIED;
    assert_int_equal(sql_transact(w.db, insert_two, &end), IDP_DENIED);
    assert_int_equal(things(), 0);
}

static enum idp_err overlook_a_conflict(struct sql_tx *tx, void *with)
{
    enum idp_err *seen = with;
    const struct sql_call *call = CALL(insert_text, sql_int(1), sql_null(), sql_null());
    (void)sql_run(tx, NULL, call, NULL, NULL);
    seen[0] = sql_run(tx, NULL, call, NULL, NULL);
    seen[1] = sql_run(tx, w.arena, &count_things, &w.rows, NULL);
    return IDP_OK;
}

static void after_an_error_a_transaction_can_only_fail(void **state)
{
    (void)state;
    enum idp_err seen[2] = {IDP_OK, IDP_OK};
    assert_int_equal(sql_transact(w.db, overlook_a_conflict, seen), IDP_CONFLICT);
    assert_int_equal(seen[0], IDP_CONFLICT);
    assert_int_equal(seen[1], IDP_CONFLICT);
    assert_int_equal(things(), 0);
}

static enum idp_err transact_again(struct sql_tx *tx, void *with)
{
    (void)tx;
    *(enum idp_err *)with = sql_transact(w.db, do_nothing, NULL);
    return IDP_OK;
}

/* --- the database itself -------------------------------------------------------------------- */

static void it_knows_its_tables_and_their_columns_in_order(void **state)
{
    (void)state;
    bool seen[2] = {false, false};
    assert_int_equal(sql_tables(w.db, w.arena, &w.rows), IDP_OK);
    assert_int_equal(w.rows.rows, 2);
    for (size_t i = 0; i < 2; i++) {
        seen[0] = seen[0] || strcmp(sql_cell_text(&w.rows, i, 0), "things") == 0;
        seen[1] = seen[1] || strcmp(sql_cell_text(&w.rows, i, 0), "parts") == 0;
    }
    assert_true(seen[0] && seen[1]);
    assert_int_equal(read_rows(CALL(w.db->driver->columns, sql_text("things"))), IDP_OK);
    assert_int_equal(w.rows.rows, 3);
    assert_string_equal(sql_cell_text(&w.rows, 0, 0), "id");
    assert_string_equal(sql_cell_text(&w.rows, 1, 0), "name");
    assert_string_equal(sql_cell_text(&w.rows, 2, 0), "bytes");
    assert_int_equal(read_rows(CALL(w.db->driver->columns, sql_text("nothing"))), IDP_OK);
    assert_int_equal(w.rows.rows, 0);
}

static void a_transaction_in_a_transaction_is_a_fault_and_no_deadlock(void **state)
{
    (void)state;
    enum idp_err inner = IDP_OK;
    assert_int_equal(sql_transact(w.db, transact_again, &inner), IDP_OK);
    assert_int_equal(inner, IDP_FAULT);
}

/* --- many at once -------------------------------------------------------------------------- */

static _Atomic int64_t next_id;
static _Atomic int surprises;

/* Inserts a row; every third body then fails, in one of three ways. */
static enum idp_err insert_one(struct sql_tx *tx, void *with)
{
    int64_t id = *(const int64_t *)with;
    enum idp_err err =
        sql_run(tx, NULL, CALL(insert_text, sql_int(id), sql_null(), sql_null()), NULL, NULL);
    if (err != IDP_OK || id % 3 != 0)
        return err;
    if (id % 9 == 0)
        return IDP_DENIED;
    if (id % 9 == 3) /* its own row again */
        return sql_run(tx, NULL, CALL(insert_text, sql_int(id), sql_null(), sql_null()), NULL,
                       NULL);
    return sql_run(tx, NULL, &(const struct sql_call){.text = "SELEKT"}, NULL, NULL);
}

static enum idp_err expected(int64_t id)
{
    static const enum idp_err ends[] = {IDP_DENIED, IDP_CONFLICT, IDP_FAULT};
    return id % 3 != 0 ? IDP_OK : ends[id % 9 / 3];
}

static void *insert_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < EACH; i++) {
        int64_t id = ++next_id;
        if (sql_transact(w.db, insert_one, &id) != expected(id))
            surprises++;
    }
    return NULL;
}

static void in_a_group_each_body_succeeds_or_fails_alone(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    next_id = 0;
    surprises = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, insert_many, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(surprises, 0);
    assert_int_equal(read_rows(CALL("SELECT id FROM things WHERE id % $1 <> 0", sql_int(3))),
                     IDP_OK);
    assert_int_equal(w.rows.rows, THREADS * EACH - THREADS * EACH / 3);
    assert_int_equal(things(), THREADS * EACH - THREADS * EACH / 3);
}

/* Adds one to a number by reading it first: right only if transactions run one after the other. */
static enum idp_err add_one(struct sql_tx *tx, void *with)
{
    struct sql_rows rows = {0};
    enum idp_err err =
        sql_run(tx, with, &(const struct sql_call){.text = "SELECT name FROM things WHERE id = 1"},
                &rows, NULL);
    if (err != IDP_OK)
        return err;
    char next[32];
    (void)snprintf(next, sizeof(next), "%ld", strtol(sql_cell_text(&rows, 0, 0), NULL, 10) + 1);
    return sql_run(tx, NULL, CALL("UPDATE things SET name = $1 WHERE id = 1", sql_text(next)), NULL,
                   NULL);
}

static void *add_and_read(void *arg)
{
    struct sql_rows rows = {0};
    (void)arg;
    for (int i = 0; i < EACH; i++) {
        struct arena *arena = arena_new();
        if (sql_transact(w.db, add_one, arena) != IDP_OK ||
            sql_read(w.db, arena, &count_things, &rows) != IDP_OK)
            surprises++;
        arena_free(arena);
    }
    return NULL;
}

static void transactions_run_as_if_one_after_the_other(void **state)
{
    (void)state;
    char all[32];
    pthread_t threads[THREADS];
    surprises = 0;
    assert_int_equal(insert(1, "0"), IDP_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_and_read, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(surprises, 0);
    (void)snprintf(all, sizeof(all), "%d", THREADS * EACH);
    assert_int_equal(read_rows(CALL("SELECT name FROM things WHERE id = $1", sql_int(1))), IDP_OK);
    assert_string_equal(sql_cell_text(&w.rows, 0, 0), all);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(values_come_back_as_they_went_in),
        TEST(bytes_that_look_like_a_number_stay_bytes),
        TEST(no_bytes_are_not_null),
        TEST(null_cells_are_null_and_foreign_cells_nothing),
        TEST(parameters_are_found_by_their_numbers),
        TEST(a_hostile_text_is_only_a_value),
        TEST(one_row_is_read_or_not_found),
        TEST(changed_rows_are_counted),
        TEST(returned_rows_of_a_write_are_read),
        TEST(a_result_that_is_too_big_is_refused),
        TEST(wrong_statements_are_faults),
        TEST(a_text_with_a_nul_is_a_mistake),
        TEST(a_caller_cannot_end_the_transaction_it_is_in),
        TEST(what_a_constraint_forbids_is_a_conflict),
        TEST(every_call_waits_and_says_so_where_it_may_not),
        TEST(a_body_that_is_content_is_committed),
        TEST(a_body_that_fails_leaves_nothing),
        TEST(after_an_error_a_transaction_can_only_fail),
        TEST(a_transaction_in_a_transaction_is_a_fault_and_no_deadlock),
        TEST(it_knows_its_tables_and_their_columns_in_order),
        TEST(in_a_group_each_body_succeeds_or_fails_alone),
        TEST(transactions_run_as_if_one_after_the_other),
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        char name[64];
        place = &places[i];
        (void)snprintf(name, sizeof(name), "store/sql, %s", place->driver);
        failed += _cmocka_run_group_tests(name, tests, sizeof(tests) / sizeof(*tests), NULL, NULL);
    }
    return failed;
}
