#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/log.h"
#include "evidence/over.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "store/sweep.h"
#include "tests/help.h"
#include "tests/store/database.h"

enum { NOW = 10000000 };

static enum database_kind kind; /* under test */

static struct world {
    char *folder;
    struct arena *arena;
    struct sql *db;
} w;

static int set_up(void **state)
{
    char where[DATABASE_WHERE_MAX];
    (void)state;
    log_set_level(LOG_ERROR);
    w = (struct world){.folder = help_temp_folder(), .arena = arena_new()};
    database_make(kind, w.folder, where);
    assert_int_equal(sql_open(where, NULL, &w.db), IDP_OK);
    return migrate_run(w.db) != IDP_OK;
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

/* Whether a row of this event and moment is there after a sweep. */
static bool is_kept(const char *event, int64_t at_ms)
{
    struct sql_rows rows = {0};
    struct sweep_walk walk = {.len = 0};
    const struct sql_value row[] = {sql_text("row"), sql_int(at_ms), sql_text(event)};
    const struct sql_call insert = {
        "INSERT INTO audit (id, at_ms, event, detail) VALUES ($1, $2, $3, '{}')", row, 3};
    const struct sql_call count = {.text = "SELECT count(*) FROM audit"};
    const struct sql_call clear = {.text = "DELETE FROM audit"};
    assert_int_equal(sql_execute(w.db, &insert, NULL), IDP_OK);
    assert_int_equal(sweep_step(w.db, &over_access_log, NOW, &walk), IDP_OK);
    assert_true(walk.whole);
    assert_int_equal(sql_read_one(w.db, w.arena, &count, &rows), IDP_OK);
    assert_int_equal(sql_execute(w.db, &clear, NULL), IDP_OK);
    assert_int_equal(walk.deleted, 1 - sql_cell_int(&rows, 0, 0));
    return sql_cell_int(&rows, 0, 0) != 0;
}

static void log_of_access_goes_after_its_time(void **state)
{
    (void)state;
    assert_false(is_kept("session_left", NOW * INT64_C(1000) - 1));
    assert_true(is_kept("session_left", NOW * INT64_C(1000)));
}

/* The events that are written, save the one above. */
static void what_somebody_may_have_to_answer_for_is_kept_for_good(void **state)
{
    static const char *const provable[] = {
        "bound",
        "signed_in",
        "lock_renewed",
        "consent_given",
        "consent_withdrawn",
        "grant_ended",
        "session_ended",
        "lock_unbound",
        "uscc_claimed",
        "enterprise_suspended",
        "authority_removed",
        "enterprise_resumed",
        "client_added",
        "client_suspended",
        "client_resumed",
        "client_secret_rotated",
        "trust_list_loaded",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(provable) / sizeof(*provable); i++)
        assert_true(is_kept(provable[i], 1));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(log_of_access_goes_after_its_time),
        TEST(what_somebody_may_have_to_answer_for_is_kept_for_good),
    };
    int failed = cmocka_run_group_tests_name("evidence/over, sqlite", tests, NULL, NULL);
    kind = DATABASE_POSTGRES;
    return failed + cmocka_run_group_tests_name("evidence/over, postgresql", tests, NULL, NULL);
}
