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
#include "evidence/seen_recent.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/database.h"
#include "tests/store/doubles.h"

enum { NOW = 1795353600, MANY = 1203 };

static enum database_kind kind; /* under test */

static struct world {
    char *folder;
    struct arena *arena;
    struct faulty_sql sql;
    struct sql *db;
} w;

static int set_up(void **state)
{
    char where[DATABASE_WHERE_MAX];
    struct sql *db = NULL;
    (void)state;
    log_set_level(LOG_ERROR);
    w = (struct world){.folder = help_temp_folder(), .arena = arena_new()};
    database_make(kind, w.folder, where);
    assert_int_equal(sql_open(where, NULL, &db), IDP_OK);
    assert_int_equal(migrate_run(db), IDP_OK);
    faulty_sql_init(&w.sql, db);
    w.db = &w.sql.sql;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sql_close(w.sql.real);
    arena_free(w.arena);
    help_remove_folder(w.folder);
    free(w.folder);
    return 0;
}

static enum idp_err insert(struct sql_tx *tx, const char *hash, int64_t seen, bool kept)
{
    const struct sql_value row[] = {sql_text(hash), sql_int(NOW), sql_int(seen)};
    const struct sql_value object[] = {sql_text(hash), sql_blob(hash, strlen(hash)), sql_int(seen)};
    enum idp_err err =
        sql_run(tx, NULL,
                &(struct sql_call){
                    "INSERT INTO certificates (hash, authority, issuer, serial, uscc, "
                    "not_after, reason, seen) VALUES ($1, 'one', 'i', '0A', '', $2, NULL, $3)",
                    row, 3},
                NULL, NULL);
    if (err != IDP_OK || !kept)
        return err;
    return sql_run(tx, NULL,
                   &(struct sql_call){"INSERT INTO evidence_objects (hash, kind, bytes, created) "
                                      "VALUES ($1, 'certificate', $2, $3)",
                                      object, 3},
                   NULL, NULL);
}

/* Three in each second; of every fifth the bytes are gone. */
static enum idp_err insert_many(struct sql_tx *tx, void *unused)
{
    enum idp_err err = IDP_OK;
    (void)unused;
    for (int i = 0; err == IDP_OK && i < MANY; i++) {
        char hash[32];
        (void)snprintf(hash, sizeof(hash), "hash-%04d", i);
        err = insert(tx, hash, NOW - i / 3, i % 5 != 0);
    }
    return err;
}

static void certificates_come_the_latest_first_each_once(void **state)
{
    (void)state;
    size_t count = 0;
    const struct seen_recent *list = NULL;
    assert_int_equal(sql_transact(w.db, insert_many, NULL), IDP_OK);
    assert_int_equal(seen_recent_read(w.db, w.arena, NOW - MANY, &list, &count), IDP_OK);
    assert_int_equal(count, MANY - (MANY + 4) / 5);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(list[i].serial, "0A");
        assert_int_equal(list[i].der_len, strlen(list[i].hash));
        assert_memory_equal(list[i].der, list[i].hash, list[i].der_len);
        if (i > 0) /* the later a number, the longer ago */
            assert_true(strcmp(list[i - 1].hash, list[i].hash) < 0);
    }
}

static void certificates_of_before_are_left_out(void **state)
{
    (void)state;
    size_t count = 9;
    const struct seen_recent *list = NULL;
    assert_int_equal(seen_recent_read(w.db, w.arena, NOW, &list, &count), IDP_OK);
    assert_int_equal(count, 0);
    assert_int_equal(sql_transact(w.db, insert_many, NULL), IDP_OK);
    assert_int_equal(seen_recent_read(w.db, w.arena, NOW, &list, &count), IDP_OK);
    assert_int_equal(count, 2); /* of three, one without bytes */
}

static void database_that_does_not_answer_is_told(void **state)
{
    (void)state;
    size_t count = 0;
    const struct seen_recent *list = NULL;
    w.sql.read = IDP_UNAVAILABLE;
    assert_int_equal(seen_recent_read(w.db, w.arena, NOW, &list, &count), IDP_UNAVAILABLE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(certificates_come_the_latest_first_each_once),
        TEST(certificates_of_before_are_left_out),
        TEST(database_that_does_not_answer_is_told),
    };
    kind = database_kind();
    return cmocka_run_group_tests_name("evidence/seen_recent", tests, NULL, NULL);
}
