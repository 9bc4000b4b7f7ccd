#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/grant.h"
#include "access/over.h"
#include "base/arena.h"
#include "base/log.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "store/sweep.h"
#include "tests/help.h"
#include "tests/store/database.h"

/* Rows have to be over before NOW; tokens of a grant may live a day longer than it. */
enum { NOW = 10000000, DAY = 86400, CUT = NOW - DAY };

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

static void execute(const char *text, const struct sql_value *params, size_t count)
{
    if (sql_execute(w.db, &(struct sql_call){text, params, count}, NULL) != IDP_OK)
        fail_msg("%s", text);
}

static int64_t number(const char *text, const struct sql_value *params, size_t count)
{
    struct sql_rows rows = {0};
    const struct sql_call call = {text, params, count};
    assert_int_equal(sql_read_one(w.db, w.arena, &call, &rows), IDP_OK);
    return sql_cell_int(&rows, 0, 0);
}

static void sweep(const struct sweep *what)
{
    struct sweep_walk walk = {.len = 0};
    while (!walk.whole)
        assert_int_equal(sweep_step(w.db, what, NOW, &walk), IDP_OK);
}

/* --- grants -------------------------------------------------------------------------------- */

/* 0: is NULL, or not there. */
struct one_grant {
    int64_t created, ended;
    int64_t family_until; /* the end of its refresh tokens */
    bool standing;        /* of a client for itself */
};

/* Whether such a grant, and its family, are there after a sweep. */
static bool is_kept(const struct one_grant *grant)
{
    static unsigned char id[GRANT_ID_SIZE];
    id[0]++;
    char scope[16];
    (void)snprintf(scope, sizeof(scope), "s%d", id[0]); /* a standing grant is one for a scope */
    const struct sql_value row[] = {
        sql_blob(id, sizeof(id)), grant->standing ? sql_null() : sql_text("e"), sql_text(scope),
        sql_int(grant->created), grant->ended != 0 ? sql_int(grant->ended) : sql_null()};
    const struct sql_value family[] = {row[0], sql_int(grant->family_until)};
    execute("INSERT INTO grants (id, client, enterprise, scope, auth_time, acr, amr, created, "
            "ended) VALUES ($1, 'c', $2, $3, 1, '', '', $4, $5)",
            row, 5);
    if (grant->family_until != 0)
        execute("INSERT INTO refresh_families (grant_id, number, key_id, rotated_ms, expires) "
                "VALUES ($1, 1, 1, 1, $2)",
                family, 2);
    sweep(&over_grants);
    int64_t grants = number("SELECT count(*) FROM grants WHERE id = $1", row, 1);
    int64_t families = number("SELECT count(*) FROM refresh_families WHERE grant_id = $1", row, 1);
    assert_int_equal(families, grant->family_until != 0 ? grants : 0);
    return grants != 0;
}

static void grant_goes_a_day_and_the_set_time_after_it_was_made(void **state)
{
    (void)state;
    assert_false(is_kept(&(struct one_grant){.created = CUT - 1}));
    assert_true(is_kept(&(struct one_grant){.created = CUT}));
    assert_true(is_kept(&(struct one_grant){.created = CUT + 1}));
    assert_true(is_kept(&(struct one_grant){.created = NOW}));
}

static void grant_that_was_ended_is_kept_as_long_from_then_on(void **state)
{
    (void)state;
    assert_false(is_kept(&(struct one_grant){.created = 1, .ended = CUT - 1}));
    assert_true(is_kept(&(struct one_grant){.created = 1, .ended = CUT}));
    assert_true(is_kept(&(struct one_grant){.created = 1, .ended = CUT + 1}));
}

static void grant_and_family_stay_until_its_tokens_are_long_over(void **state)
{
    (void)state;
    assert_false(is_kept(&(struct one_grant){.created = 1, .family_until = CUT - 1}));
    assert_true(is_kept(&(struct one_grant){.created = 1, .family_until = CUT}));
    assert_true(is_kept(&(struct one_grant){.created = 1, .family_until = CUT + 1}));
    assert_true(is_kept(&(struct one_grant){.created = 1, .family_until = NOW + 1}));
}

/* An old token of it has to be recognised. */
static void family_of_an_ended_grant_is_kept_until_its_own_end(void **state)
{
    (void)state;
    assert_true(is_kept(&(struct one_grant){.created = 1, .ended = 2, .family_until = NOW + 1}));
    assert_false(is_kept(&(struct one_grant){.created = 1, .ended = 2, .family_until = CUT - 1}));
}

static void standing_grant_of_a_client_goes_only_when_it_was_ended(void **state)
{
    (void)state;
    assert_true(is_kept(&(struct one_grant){.created = 1, .standing = true}));
    assert_true(is_kept(&(struct one_grant){.created = 1, .ended = CUT, .standing = true}));
    assert_false(is_kept(&(struct one_grant){.created = 1, .ended = CUT - 1, .standing = true}));
}

/* --- outbox -------------------------------------------------------------------------------- */

/* Times of 0 are NULL. */
static bool is_row_kept(int64_t delivered, int64_t parked)
{
    static char id[] = "row-0";
    id[4]++;
    const struct sql_value row[] = {sql_text(id), delivered != 0 ? sql_int(delivered) : sql_null(),
                                    parked != 0 ? sql_int(parked) : sql_null()};
    execute("INSERT INTO outbox (id, kind, target, body, created, due_ms, attempts, delivered, "
            "parked) VALUES ($1, 'mail', 't', 'b', 1, 1, 0, $2, $3)",
            row, 3);
    sweep(&over_outbox);
    return number("SELECT count(*) FROM outbox WHERE id = $1", row, 1) != 0;
}

static void what_was_delivered_goes_after_its_time(void **state)
{
    (void)state;
    assert_false(is_row_kept(NOW - 1, 0));
    assert_true(is_row_kept(NOW, 0));
}

static void what_was_given_up_goes_after_its_time(void **state)
{
    (void)state;
    assert_false(is_row_kept(0, NOW - 1));
    assert_true(is_row_kept(0, NOW));
}

static void what_still_waits_is_never_over(void **state)
{
    (void)state;
    assert_true(is_row_kept(0, 0));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(grant_goes_a_day_and_the_set_time_after_it_was_made),
        TEST(grant_that_was_ended_is_kept_as_long_from_then_on),
        TEST(grant_and_family_stay_until_its_tokens_are_long_over),
        TEST(family_of_an_ended_grant_is_kept_until_its_own_end),
        TEST(standing_grant_of_a_client_goes_only_when_it_was_ended),
        TEST(what_was_delivered_goes_after_its_time),
        TEST(what_was_given_up_goes_after_its_time),
        TEST(what_still_waits_is_never_over),
    };
    int failed = cmocka_run_group_tests_name("access/over, sqlite", tests, NULL, NULL);
    kind = DATABASE_POSTGRES;
    return failed + cmocka_run_group_tests_name("access/over, postgresql", tests, NULL, NULL);
}
