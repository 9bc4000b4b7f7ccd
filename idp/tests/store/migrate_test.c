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
#include "base/log.h"
#include "store/migrate.h"
#include "store/schema_scripts.h"
#include "store/sql.h"
#include "tests/help.h"

static struct world {
    char *folder;
    char where[512];
    struct sql *db, *other; /* the same file, as two programs have it */
    struct arena *arena;
    struct sql_rows rows;
} w;

static int set_up(void **state)
{
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    w = (struct world){.folder = help_temp_folder(), .arena = arena_new()};
    (void)snprintf(w.where, sizeof(w.where), "sqlite:%s/test.db", w.folder);
    return w.arena == NULL || sql_open(w.where, NULL, &w.db) != IDP_OK ||
           sql_open(w.where, NULL, &w.other) != IDP_OK;
}

static int tear_down(void **state)
{
    (void)state;
    sql_close(w.db);
    sql_close(w.other);
    arena_free(w.arena);
    help_remove_folder(w.folder);
    free(w.folder);
    return 0;
}

static int64_t number(const char *text)
{
    const struct sql_call call = {.text = text};
    assert_int_equal(sql_read_one(w.db, w.arena, &call, &w.rows), IDP_OK);
    return sql_cell_int(&w.rows, 0, 0);
}

static enum idp_err execute(const char *text)
{
    const struct sql_call call = {.text = text};
    return sql_execute(w.db, &call, NULL);
}

static void the_program_holds_the_scripts_as_they_are(void **state)
{
    (void)state;
    for (int64_t i = 0; schema_scripts[i].text != NULL; i++) {
        char path[256];
        assert_int_equal(schema_scripts[i].version, i + 1);
        (void)snprintf(path, sizeof(path), "schema/%s.sql", schema_scripts[i].name);
        char *text = help_read_file(path, NULL);
        assert_non_null(text);
        assert_string_equal(schema_scripts[i].text, text);
        free(text);
    }
    assert_true(migrate_version() > 0);
}

static void an_empty_database_gets_every_script(void **state)
{
    (void)state;
    assert_int_equal(migrate_run(w.db), IDP_OK);
    assert_int_equal(number("SELECT max(version) FROM schema_version"), migrate_version());
    assert_int_equal(number("SELECT count(*) FROM schema_version"), migrate_version());
    assert_int_equal(number("SELECT value FROM generation WHERE name = 'all'"), 1);
    assert_int_equal(number("SELECT count(*) FROM grants"), 0);
}

static void migrating_again_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(migrate_run(w.db), IDP_OK);
    assert_int_equal(execute("UPDATE generation SET value = 7"), IDP_OK);
    assert_int_equal(migrate_run(w.db), IDP_OK);
    assert_int_equal(migrate_run(w.other), IDP_OK);
    assert_int_equal(number("SELECT value FROM generation WHERE name = 'all'"), 7);
    assert_int_equal(number("SELECT count(*) FROM schema_version"), migrate_version());
}

static void *migrate_other(void *arg)
{
    *(enum idp_err *)arg = migrate_run(w.other);
    return NULL;
}

static void two_programs_may_migrate_at_once(void **state)
{
    (void)state;
    pthread_t thread;
    enum idp_err other = IDP_FAULT;
    assert_int_equal(pthread_create(&thread, NULL, migrate_other, &other), 0);
    enum idp_err own = migrate_run(w.db);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(own, IDP_OK);
    assert_int_equal(other, IDP_OK);
    assert_int_equal(number("SELECT count(*) FROM schema_version"), migrate_version());
}

static void a_newer_database_is_refused(void **state)
{
    (void)state;
    assert_int_equal(migrate_run(w.db), IDP_OK);
    assert_int_equal(execute("INSERT INTO schema_version (version, name, applied) "
                             "VALUES (9999, 'from the future', 0)"),
                     IDP_OK);
    assert_int_equal(migrate_run(w.db), IDP_CONFLICT);
}

static void a_script_that_fails_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(execute("CREATE TABLE generation (in_the_way BIGINT)"), IDP_OK);
    assert_int_equal(migrate_run(w.db), IDP_FAULT);
    assert_int_equal(
        number("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name <> 'generation'"),
        0);
}

static void migrating_waits(void **state)
{
    (void)state;
    lane_set_may_wait(false);
    enum idp_err err = migrate_run(w.db);
    lane_set_may_wait(true);
    assert_int_equal(err, IDP_WAIT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_program_holds_the_scripts_as_they_are),
        TEST(an_empty_database_gets_every_script),
        TEST(migrating_again_changes_nothing),
        TEST(two_programs_may_migrate_at_once),
        TEST(a_newer_database_is_refused),
        TEST(a_script_that_fails_leaves_nothing),
        TEST(migrating_waits),
    };
    return cmocka_run_group_tests_name("store/migrate", tests, NULL, NULL);
}
