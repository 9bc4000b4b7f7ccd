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
#include "store/transfer.h"
#include "tests/help.h"
#include "tests/store/database.h"
#include "tests/store/doubles.h"

/* Between which drivers. */
static struct {
    enum database_kind from, to;
} pair;

static struct world {
    char *folders[2];
    struct sql *from, *to;
    struct arena *arena;
} w;

static const struct transfer_table things = {"things", {"number", "lock"}, 2};

static void execute(struct sql *db, const char *text)
{
    assert_int_equal(sql_execute(db, &(struct sql_call){.text = text}, NULL), IDP_OK);
}

static struct sql *open_database(enum database_kind kind, const char *folder)
{
    char where[DATABASE_WHERE_MAX];
    struct sql *db = NULL;
    database_make(kind, folder, where);
    assert_int_equal(sql_open(where, NULL, &db), IDP_OK);
    execute(db, "CREATE TABLE things (number BIGINT NOT NULL, lock TEXT NOT NULL, name TEXT, "
                "bytes BYTEA, size BIGINT, PRIMARY KEY (number, lock))");
    return db;
}

static int set_up(void **state)
{
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    w = (struct world){.folders = {help_temp_folder(), help_temp_folder()}, .arena = arena_new()};
    w.from = open_database(pair.from, w.folders[0]);
    w.to = open_database(pair.to, w.folders[1]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sql_close(w.from);
    sql_close(w.to);
    arena_free(w.arena);
    for (size_t i = 0; i < 2; i++) {
        help_remove_folder(w.folders[i]);
        free(w.folders[i]);
    }
    return 0;
}

static const char insert_text[] =
    "INSERT INTO things (number, lock, name, bytes, size) VALUES ($1, $2, $3, $4, $5)";

static void insert(struct sql *db, const struct sql_value *params)
{
    assert_int_equal(sql_execute(db, &(struct sql_call){insert_text, params, 5}, NULL), IDP_OK);
}

/* A row whose name is this. */
static void insert_name(struct sql *db, int64_t number, struct sql_value name)
{
    const struct sql_value params[] = {sql_int(number), sql_text("k"), name, sql_null(),
                                       sql_null()};
    insert(db, params);
}

/* Whatever a column may hold: more than a batch, and more than one statement writes. */
static size_t fill(struct sql *db)
{
    static const char hostile[] = "内蒙古\U0001F512 'x' \"y\" \\ $1 \n";
    static const struct sql_value rows[][5] = {
        {{.type = SQL_INTEGER, .number = INT64_MIN},
         {.type = SQL_TEXT, .bytes = "a", .len = 1},
         {.type = SQL_NULL},
         {.type = SQL_NULL},
         {.type = SQL_NULL}},
        {{.type = SQL_INTEGER, .number = -1},
         {.type = SQL_TEXT, .bytes = "a", .len = 1},
         {.type = SQL_TEXT, .bytes = "", .len = 0},
         {.type = SQL_BLOB, .bytes = "", .len = 0},
         {.type = SQL_INTEGER, .number = 0}},
        {{.type = SQL_INTEGER, .number = 0},
         {.type = SQL_TEXT, .bytes = "Z", .len = 1},
         {.type = SQL_TEXT, .bytes = hostile, .len = sizeof(hostile) - 1},
         {.type = SQL_BLOB, .bytes = "\0\xFF\x80'\0", .len = 5},
         {.type = SQL_INTEGER, .number = INT64_MAX}},
        {{.type = SQL_INTEGER, .number = 0},
         {.type = SQL_TEXT, .bytes = "a", .len = 1},
         {.type = SQL_TEXT, .bytes = "17", .len = 2},
         {.type = SQL_BLOB, .bytes = "17", .len = 2},
         {.type = SQL_INTEGER, .number = 17}},
        {{.type = SQL_INTEGER, .number = 0},
         {.type = SQL_TEXT, .bytes = "ä", .len = 2},
         {.type = SQL_NULL},
         {.type = SQL_NULL},
         {.type = SQL_NULL}},
    };
    const size_t special = sizeof(rows) / sizeof(*rows);
    for (size_t i = 0; i < special; i++)
        insert(db, rows[i]);
    for (int64_t number = 1; number <= 30; number++)
        insert_name(db, number, sql_text("one of many"));
    return special + 30;
}

static enum idp_err copy_things(struct sql_tx *tx, void *with)
{
    return transfer_copy(w.from, tx, with);
}

static enum idp_err copy_in_batches_of(int64_t batch)
{
    struct transfer_table table = things;
    table.batch = batch;
    return sql_transact(w.to, copy_things, &table);
}

static struct transfer_sum sum_of(struct sql *db)
{
    struct transfer_sum sum = {.rows = -1};
    assert_int_equal(transfer_sum(db, &things, &sum), IDP_OK);
    return sum;
}

static void expect_same(const struct transfer_sum *one, const struct transfer_sum *other)
{
    assert_int_equal(one->rows, other->rows);
    assert_memory_equal(one->sum, other->sum, TRANSFER_SUM_SIZE);
}

static void expect_different(void)
{
    struct transfer_sum one = sum_of(w.from);
    struct transfer_sum other = sum_of(w.to);
    assert_memory_not_equal(one.sum, other.sum, TRANSFER_SUM_SIZE);
}

static struct sql_rows all_of(struct sql *db)
{
    struct sql_rows rows = {0};
    const struct sql_call call = {
        .text = "SELECT number, lock, name, bytes, size FROM things ORDER BY number, lock"};
    assert_int_equal(sql_read(db, w.arena, &call, &rows), IDP_OK);
    return rows;
}

static void every_value_arrives_as_it_was(void **state)
{
    (void)state;
    const size_t count = fill(w.from);
    assert_int_equal(copy_in_batches_of(2), IDP_OK);
    struct sql_rows was = all_of(w.from);
    struct sql_rows is = all_of(w.to);
    assert_int_equal(is.rows, count);
    for (size_t i = 0; i < count * was.columns; i++) {
        assert_int_equal(is.values[i].type, was.values[i].type);
        assert_int_equal(is.values[i].number, was.values[i].number);
        assert_int_equal(is.values[i].len, was.values[i].len);
        if (was.values[i].len > 0)
            assert_memory_equal(is.values[i].bytes, was.values[i].bytes, was.values[i].len);
    }
}

static void batches_of_any_size_bring_everything(void **state)
{
    static const int64_t sizes[] = {1, 7, 12, 35, 36, 1000};
    (void)state;
    (void)fill(w.from);
    struct transfer_sum whole = sum_of(w.from);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        assert_int_equal(copy_in_batches_of(sizes[i]), IDP_OK);
        struct transfer_sum there = sum_of(w.to);
        expect_same(&there, &whole);
        execute(w.to, "DELETE FROM things");
    }
}

static void empty_table_stays_empty(void **state)
{
    (void)state;
    assert_int_equal(copy_in_batches_of(2), IDP_OK);
    struct transfer_sum sum = sum_of(w.to);
    assert_int_equal(sum.rows, 0);
}

static enum idp_err sum_inside(struct sql_tx *tx, void *with)
{
    enum idp_err err = transfer_copy(w.from, tx, &things);
    return err == IDP_OK ? transfer_compare(w.from, tx, &things, with) : err;
}

static void transaction_reads_back_what_it_wrote(void **state)
{
    struct transfer_sum sums[2];
    (void)state;
    (void)fill(w.from);
    assert_int_equal(sql_transact(w.to, sum_inside, sums), IDP_OK);
    struct transfer_sum whole = sum_of(w.from);
    expect_same(&sums[0], &whole);
    expect_same(&sums[1], &whole);
}

static void sum_does_not_depend_on_the_order_of_rows(void **state)
{
    (void)state;
    for (int64_t i = 1; i <= 9; i++) {
        insert_name(w.from, i, sql_int(i));
        insert_name(w.to, 10 - i, sql_int(10 - i));
    }
    struct transfer_sum one = sum_of(w.from);
    struct transfer_sum other = sum_of(w.to);
    expect_same(&one, &other);
}

static void any_difference_shows_in_the_sum(void **state)
{
    static const struct sql_value pairs[][2] = {
        {{.type = SQL_NULL}, {.type = SQL_TEXT, .bytes = ""}},
        {{.type = SQL_TEXT, .bytes = "ab", .len = 2}, {.type = SQL_TEXT, .bytes = "ac", .len = 2}},
        {{.type = SQL_TEXT, .bytes = "a", .len = 1}, {.type = SQL_TEXT, .bytes = "a ", .len = 2}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        insert_name(w.from, (int64_t)i, pairs[i][0]);
        insert_name(w.to, (int64_t)i, pairs[i][1]);
        expect_different();
        execute(w.from, "DELETE FROM things");
        execute(w.to, "DELETE FROM things");
    }
    insert_name(w.from, 1, sql_text("a"));
    expect_different();
}

static void what_moved_from_one_column_to_the_next_shows_in_the_sum(void **state)
{
    const struct sql_value one[] = {sql_int(1), sql_text("k"), sql_text("ab"), sql_text("c"),
                                    sql_null()};
    const struct sql_value other[] = {sql_int(1), sql_text("k"), sql_text("a"), sql_text("bc"),
                                      sql_null()};
    (void)state;
    insert(w.from, one);
    insert(w.to, other);
    expect_different();
}

static void row_that_is_there_already_is_a_conflict(void **state)
{
    (void)state;
    (void)fill(w.from);
    insert_name(w.to, 30, sql_text("in the way"));
    assert_int_equal(copy_in_batches_of(2), IDP_CONFLICT);
    struct transfer_sum sum = sum_of(w.to);
    assert_int_equal(sum.rows, 1);
}

static void source_that_does_not_answer_is_no_empty_table(void **state)
{
    struct faulty_sql down;
    struct transfer_sum sum = {.rows = -1};
    (void)state;
    faulty_sql_init(&down, w.from);
    down.read = IDP_UNAVAILABLE;
    assert_int_equal(transfer_sum(&down.sql, &things, &sum), IDP_UNAVAILABLE);
    assert_int_equal(sum.rows, -1);
}

static void table_that_is_not_there_is_a_fault(void **state)
{
    static const struct transfer_table nothing = {"nothing", {"id"}, 10};
    struct transfer_sum sum = {.rows = -1};
    (void)state;
    assert_int_equal(transfer_sum(w.from, &nothing, &sum), IDP_FAULT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(every_value_arrives_as_it_was),
        TEST(batches_of_any_size_bring_everything),
        TEST(empty_table_stays_empty),
        TEST(transaction_reads_back_what_it_wrote),
        TEST(sum_does_not_depend_on_the_order_of_rows),
        TEST(any_difference_shows_in_the_sum),
        TEST(what_moved_from_one_column_to_the_next_shows_in_the_sum),
        TEST(row_that_is_there_already_is_a_conflict),
        TEST(source_that_does_not_answer_is_no_empty_table),
        TEST(table_that_is_not_there_is_a_fault),
    };
    int failed = cmocka_run_group_tests_name("store/transfer, sqlite to sqlite", tests, NULL, NULL);
    pair.to = DATABASE_POSTGRES;
    failed +=
        cmocka_run_group_tests_name("store/transfer, sqlite to postgresql", tests, NULL, NULL);
    pair.from = DATABASE_POSTGRES;
    pair.to = DATABASE_SQLITE;
    failed +=
        cmocka_run_group_tests_name("store/transfer, postgresql to sqlite", tests, NULL, NULL);
    return failed;
}
