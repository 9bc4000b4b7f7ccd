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

#include "base/arena.h"
#include "base/digest.h"
#include "base/lane.h"
#include "base/log.h"
#include "base/text.h"
#include "store/migrate.h"
#include "store/schema.h"
#include "store/schema_scripts.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/database.h"
#include "tests/store/doubles.h"

static enum database_kind kind; /* of the driver under test */

static struct world {
    char *folder;
    char where[DATABASE_WHERE_MAX];
    struct sql *db, *other; /* the same file, as two programs have it */
    struct arena *arena;
    struct sql_rows rows;
} w;

static int set_up(void **state)
{
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    w = (struct world){.folder = help_temp_folder(), .arena = arena_new()};
    database_make(kind, w.folder, w.where);
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

static size_t tables(void)
{
    assert_int_equal(sql_tables(w.db, w.arena, &w.rows), IDP_OK);
    return w.rows.rows;
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
    assert_true(schema_of_program() > 0);
}

static void each_script_comes_with_its_hash_and_the_oldest_program(void **state)
{
    (void)state;
    for (const struct schema_script *script = schema_scripts; script->text != NULL; script++) {
        unsigned char hash[DIGEST_SIZE];
        char hex[2 * DIGEST_SIZE + 1];
        char line[64];
        assert_int_equal(digest(DIGEST_SHA256, script->text, strlen(script->text), hash), IDP_OK);
        text_to_hex(hash, DIGEST_SIZE, hex);
        assert_string_equal(script->hash, hex);
        (void)snprintf(line, sizeof(line), "\n-- oldest program: %d\n",
                       (int)script->oldest_program);
        assert_non_null(strstr(script->text, line));
        assert_in_range(script->oldest_program, 1, script->version);
    }
}

/* Whether the build takes a script of this text as the first. */
static bool is_embedded(const char *text)
{
    char command[1024];
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/0001-one.sql", w.folder);
    help_write_file(path, text, strlen(text));
    (void)snprintf(command, sizeof(command), "scripts/embed-schema.sh %s >/dev/null 2>&1", path);
    return system(command) == 0; // NOLINT(cert-env33-c): a script of ours, by a test
}

static void script_that_does_not_say_the_oldest_program_is_not_built_in(void **state)
{
    (void)state;
    assert_true(is_embedded("-- oldest program: 1\nCREATE TABLE one (id BIGINT);\n"));
    assert_false(is_embedded("CREATE TABLE one (id BIGINT);\n"));
    assert_false(is_embedded("-- oldest program: 2\n")); /* there is none of version 2 yet */
    assert_false(is_embedded("-- oldest program: 1\n-- oldest program: 1\n"));
    assert_false(is_embedded("-- oldest program: none\n"));
}

static void an_empty_database_gets_every_script(void **state)
{
    (void)state;
    assert_int_equal(migrate_run(w.db), IDP_OK);
    assert_int_equal(number("SELECT max(version) FROM schema_version"), schema_of_program());
    assert_int_equal(number("SELECT count(*) FROM schema_version"), schema_of_program());
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
    assert_int_equal(number("SELECT count(*) FROM schema_version"), schema_of_program());
}

enum { PROGRAMS = 6 };

static void *open_and_migrate(void *arg)
{
    struct sql *db = NULL;
    enum idp_err *err = arg;
    *err = sql_open(w.where, NULL, &db);
    if (*err == IDP_OK)
        *err = migrate_run(db);
    sql_close(db);
    return NULL;
}

static void programs_may_migrate_at_once(void **state)
{
    pthread_t threads[PROGRAMS];
    enum idp_err results[PROGRAMS];
    (void)state;
    for (size_t i = 0; i < PROGRAMS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_migrate, &results[i]), 0);
    for (size_t i = 0; i < PROGRAMS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < PROGRAMS; i++)
        assert_int_equal(results[i], IDP_OK);
    assert_int_equal(number("SELECT count(*) FROM schema_version"), schema_of_program());
}

/* --- databases that other programs made ----------------------------------------------------- */

static enum idp_err run_the_first_script(struct sql_tx *tx, void *with)
{
    (void)with;
    return tx->driver->tx_script(tx, schema_scripts[0].text);
}

/* As the program of the first schema version left it. */
static void make_the_first_version(void)
{
    assert_int_equal(execute("CREATE TABLE schema_version (version BIGINT PRIMARY KEY, "
                             "name TEXT NOT NULL, applied BIGINT NOT NULL)"),
                     IDP_OK);
    assert_int_equal(sql_transact(w.db, run_the_first_script, NULL), IDP_OK);
    assert_int_equal(execute("INSERT INTO schema_version VALUES (1, '0001-foundation', 7)"),
                     IDP_OK);
    assert_int_equal(execute("UPDATE generation SET value = 5"), IDP_OK);
}

/* A row as a program of the version after this one would have written it. */
static void write_a_newer_row(int64_t oldest_program)
{
    const struct sql_value params[] = {sql_int(schema_of_program() + 1), sql_int(oldest_program)};
    const struct sql_call call = {"INSERT INTO schema_version (version, name, applied, hash, "
                                  "oldest_program) VALUES ($1, 'later', 0, 'of another', $2)",
                                  params, 2};
    assert_int_equal(migrate_run(w.db), IDP_OK);
    assert_int_equal(sql_execute(w.db, &call, NULL), IDP_OK);
}

/* The check refuses with this line, and changes nothing. */
static void expect_refused(struct sql *db, const char *wanted)
{
    char *why = NULL;
    assert_int_equal(migrate_check(db, &why), IDP_CONFLICT);
    assert_non_null(why);
    if (strstr(why, wanted) == NULL)
        fail_msg("%s\ninstead of %s", why, wanted);
    assert_null(strchr(why, '\n'));
    free(why);
}

static void expect_accepted(void)
{
    char *why = NULL;
    assert_int_equal(migrate_check(w.db, &why), IDP_OK);
    assert_null(why);
}

static void older_database_is_refused_until_it_is_migrated(void **state)
{
    char line[128];
    (void)state;
    make_the_first_version();
    (void)snprintf(line, sizeof(line),
                   "the database has schema version 1, and this program needs version %d: run "
                   "tamga-idp migrate",
                   (int)schema_of_program());
    expect_refused(w.db, line);
    assert_int_equal(number("SELECT max(version) FROM schema_version"), 1);
    assert_int_equal(migrate_run(w.db), IDP_OK);
    expect_accepted();
    assert_int_equal(number("SELECT applied FROM schema_version WHERE version = 1"), 7);
}

static void nodes_that_run_hear_of_a_migration(void **state)
{
    (void)state;
    make_the_first_version();
    assert_int_equal(migrate_run(w.db), IDP_OK);
    assert_int_equal(number("SELECT value FROM generation WHERE name = 'all'"), 6);
}

static void newer_database_that_says_so_is_shared(void **state)
{
    (void)state;
    write_a_newer_row(schema_of_program());
    expect_accepted();
    assert_int_equal(migrate_run(w.db), IDP_OK); /* and has nothing to do */
    assert_int_equal(number("SELECT max(version) FROM schema_version"), schema_of_program() + 1);
}

static void newer_database_that_was_contracted_is_refused(void **state)
{
    char line[160];
    (void)state;
    write_a_newer_row(schema_of_program() + 1);
    (void)snprintf(line, sizeof(line),
                   "the database has schema version %d, for programs of version %d and above, and "
                   "this program is of version %d",
                   (int)schema_of_program() + 1, (int)schema_of_program() + 1,
                   (int)schema_of_program());
    expect_refused(w.db, line);
    assert_int_equal(migrate_run(w.db), IDP_CONFLICT);
}

/* The strictest of all rows counts, not the last. */
static void what_was_contracted_once_stays_so(void **state)
{
    (void)state;
    write_a_newer_row(schema_of_program() + 1);
    assert_int_equal(execute("INSERT INTO schema_version (version, name, applied, oldest_program) "
                             "SELECT max(version) + 1, 'later still', 0, 1 FROM schema_version"),
                     IDP_OK);
    expect_refused(w.db, "use a newer one");
}

static void database_made_by_another_script_is_refused(void **state)
{
    (void)state;
    assert_int_equal(migrate_run(w.db), IDP_OK);
    assert_int_equal(
        execute("UPDATE schema_version SET hash = 'of another text' WHERE version = 2"), IDP_OK);
    expect_refused(w.db, "version 2 of the database's schema was made by another script");
    assert_int_equal(migrate_run(w.db), IDP_CONFLICT);
}

static void database_that_lacks_a_version_between_is_refused(void **state)
{
    (void)state;
    assert_int_equal(migrate_run(w.db), IDP_OK);
    assert_int_equal(execute("DELETE FROM schema_version WHERE version = 1"), IDP_OK);
    expect_refused(w.db, "version 1 of the database's schema");
}

static void database_of_something_else_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(execute("CREATE TABLE accounts (id BIGINT)"), IDP_OK);
    expect_refused(w.db, "it holds tables of something else");
    assert_int_equal(migrate_run(w.db), IDP_CONFLICT);
    assert_int_equal(tables(), 1);
}

/* --- who may make the tables ---------------------------------------------------------------- */

static void only_an_embedded_store_is_filled_by_whoever_opens_it_first(void **state)
{
    (void)state;
    if (kind == DATABASE_SQLITE) {
        expect_accepted();
        assert_int_equal(number("SELECT max(version) FROM schema_version"), schema_of_program());
        return;
    }
    expect_refused(w.db, "the database has schema version 0");
    assert_int_equal(tables(), 0);
}

static void database_that_does_not_answer_is_not_judged(void **state)
{
    struct faulty_sql down;
    struct schema schema = {.version = 77};
    char *why = NULL;
    (void)state;
    faulty_sql_init(&down, w.db);
    down.read = IDP_UNAVAILABLE;
    assert_int_equal(schema_look(&down.sql, &schema), IDP_UNAVAILABLE);
    assert_int_equal(schema.version, 77);
    assert_int_equal(migrate_check(&down.sql, &why), IDP_UNAVAILABLE);
    assert_null(why);
    assert_int_equal(migrate_run(&down.sql), IDP_UNAVAILABLE);
}

static void a_script_that_fails_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(execute("CREATE VIEW generation AS SELECT 1 AS in_the_way"), IDP_OK);
    assert_int_equal(migrate_run(w.db), IDP_FAULT);
    assert_int_equal(tables(), 1);
    assert_int_equal(number("SELECT count(*) FROM schema_version"), 0);
    assert_int_equal(execute("DROP VIEW generation"), IDP_OK);
    assert_int_equal(migrate_run(w.db), IDP_OK);
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
        TEST(each_script_comes_with_its_hash_and_the_oldest_program),
        TEST(script_that_does_not_say_the_oldest_program_is_not_built_in),
        TEST(an_empty_database_gets_every_script),
        TEST(migrating_again_changes_nothing),
        TEST(programs_may_migrate_at_once),
        TEST(older_database_is_refused_until_it_is_migrated),
        TEST(nodes_that_run_hear_of_a_migration),
        TEST(newer_database_that_says_so_is_shared),
        TEST(newer_database_that_was_contracted_is_refused),
        TEST(what_was_contracted_once_stays_so),
        TEST(database_made_by_another_script_is_refused),
        TEST(database_that_lacks_a_version_between_is_refused),
        TEST(database_of_something_else_is_left_alone),
        TEST(only_an_embedded_store_is_filled_by_whoever_opens_it_first),
        TEST(database_that_does_not_answer_is_not_judged),
        TEST(a_script_that_fails_leaves_nothing),
        TEST(migrating_waits),
    };
    int failed = cmocka_run_group_tests_name("store/migrate, sqlite", tests, NULL, NULL);
    kind = DATABASE_POSTGRES;
    return failed + cmocka_run_group_tests_name("store/migrate, postgresql", tests, NULL, NULL);
}
