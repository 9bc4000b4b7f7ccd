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
#include "base/clock.h"
#include "base/log.h"
#include "copy_tables.h"
#include "store/migrate.h"
#include "store/schema.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/database.h"

/* A source to which something happens at the n-th reading of a table. */
struct meddled {
    struct sql sql;
    struct sql_driver driver;
    struct sql *real;
    const char *table;
    int at;
    const char *statement; /* that somebody else runs then; NULL: the source is down from then on */
};

static enum database_kind kind; /* of the target */

static struct world {
    char *folders[2];
    struct arena *arena;
    struct sql *from, *to;
    struct meddled meddled;
    struct copy copy;
} w;

static void execute(struct sql *db, const char *text)
{
    if (sql_execute(db, &(struct sql_call){.text = text}, NULL) != IDP_OK)
        fail_msg("%s", text);
}

/* An empty one. */
static struct sql *open_database(enum database_kind of, const char *folder)
{
    char where[DATABASE_WHERE_MAX];
    struct sql *db = NULL;
    database_make(of, folder, where);
    assert_int_equal(sql_open(where, NULL, &db), IDP_OK);
    return db;
}

/* Rows in each table, with and without what may be left out. */
static const char *const rows[] = {
    "UPDATE generation SET value = 41",
    "INSERT INTO nodes (id, generation, lease_until_ms) VALUES ('dead', 40, 1)",
    "INSERT INTO purpose_keys (id, purpose, wrapped, created, retired) "
    "VALUES (1, 'token', 'abc', 1, NULL), (255, 'cookie', 'def', 2, 3)",
    "INSERT INTO signing_keys (kid, algorithm, public_jwk, wrapped, published, active_from) "
    "VALUES ('k1', 'ES256', '{}', 'x', 1, 2)",
    "INSERT INTO trust_lists (number, version, document, loaded, in_file, signatures, "
    "list_number) VALUES (1, 'h', '{\"名\":1}', 7, 1, '{\"signatures\":[]}', 12)",
    "INSERT INTO authorities (id, environment, listed, rights_ended) VALUES ('a', 'test', 0, 5)",
    "INSERT INTO clients (id, standing, environment, secret_hash, metadata, created, changed) "
    "VALUES ('c1', 'active', 'test', NULL, '{}', 1, 2), "
    "('c2', 'active', 'test', 'hash', '{\"client_name\":\"呼和浩特\"}', 1, 2)",
    "INSERT INTO enterprises (id, uscc, name, standing, city, legal_representative, phone, "
    "address, email, entity_types, created, changed) VALUES ('e1', '91150100MA0N000000', "
    "'内蒙古某某工程有限公司', 'active', '150100', '张三', '', '', '', 'bidder agency', 1, 2)",
    "INSERT INTO locks (id, enterprise, authority, key_hash, key_number, certificate_hash, serial, "
    "not_after, role, bound, unbound) VALUES "
    "('l1', 'e1', 'ca', 'kh', NULL, 'ch', '01', 9, 'primary', 1, NULL), "
    "('l0', 'e1', 'ca', 'kh2', '7', 'ch', '02', 9, 'secondary', 1, 5)",
    "INSERT INTO consents (enterprise, client, scope, claims_hash, given) VALUES "
    "('e1', 'c1', 'openid', 'x', 1), ('e1', 'c2', 'openid', 'x', 1)",
    "INSERT INTO grants (id, client, enterprise, lock, scope, auth_time, acr, amr, created, "
    "code_hash) VALUES (X'00112233445566778899AABBCCDDEEFF', 'c1', 'e1', 'l1', 'openid', 1, 'a', "
    "'b', 3, 'hash'), (X'FF112233445566778899AABBCCDDEEFF', 'c2', NULL, NULL, 'openid', 1, 'a', "
    "'b', 3, NULL)",
    "INSERT INTO refresh_families (grant_id, number, key_id, rotated_ms, expires) VALUES "
    "(X'00112233445566778899AABBCCDDEEFF', 3, 1, 4000, 9)",
    "INSERT INTO outbox (id, kind, target, body, created, due_ms, attempts, delivered) VALUES "
    "('o1', 'tombstone', 'x', '', 1, 1000, 0, NULL), ('o2', 'mail', 'y', 'text', 1, 1000, 2, 5)",
    "INSERT INTO audit (id, at_ms, event, enterprise, lock, client, detail) VALUES "
    "('a1', 1000, 'signed_in', 'e1', 'l1', 'c1', '{}'), "
    "('a2', 9000000000000, 'refused', NULL, NULL, NULL, '{\"x\":\"\\u0000\"}')",
    "INSERT INTO evidence_objects (hash, kind, bytes, created) VALUES "
    "('h1', 'certificate', X'3000FF', 1), ('h2', 'ocsp', X'', 1)",
    "INSERT INTO former_certificates (lock, certificate) VALUES ('l1', 'h0')",
    "INSERT INTO certificates (hash, authority, issuer, serial, uscc, not_after, reason, seen, "
    "accepted) VALUES ('h1', 'a', 'i', '01', '', 9, NULL, 7, 7), "
    "('h3', 'a', 'i', '02', 'u', 9, 'lock.weak', 7, NULL)",
    "INSERT INTO refusals (day, authority, reason, certificate, count, last) VALUES "
    "(20000, '', 'lock.authority_unknown', '', 3, 7), (20000, 'a', 'lock.weak', 'h3', 1, 7)",
    "INSERT INTO revoked (number, certificate, authority, issuer, serial, revoked_at, reason, "
    "source, learned, ended) VALUES (1, 'h1', 'a', 'i', '01', 5, -1, 'crl', 6, NULL)",
    "INSERT INTO degraded_sign_ins (id, certificate, authority, issuer, serial, at, settled, "
    "outcome) VALUES ('d1', 'h1', 'a', 'i', '01', 5, NULL, NULL), "
    "('d2', 'h3', 'a', 'i', '02', 5, 8, 'good')",
};

static void fill(struct sql *db)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        execute(db, rows[i]);
}

static int set_up(void **state)
{
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    w = (struct world){.folders = {help_temp_folder(), help_temp_folder()}, .arena = arena_new()};
    w.from = open_database(DATABASE_SQLITE, w.folders[0]);
    w.to = open_database(kind, w.folders[1]);
    assert_int_equal(migrate_run(w.from), IDP_OK);
    assert_int_equal(migrate_run(w.to), IDP_OK);
    fill(w.from);
    w.copy = (struct copy){.from = w.from, .to = w.to};
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

static int64_t number(struct sql *db, const char *text)
{
    struct sql_rows found = {0};
    assert_int_equal(sql_read_one(db, w.arena, &(struct sql_call){.text = text}, &found), IDP_OK);
    return sql_cell_int(&found, 0, 0);
}

/* --- somebody else ------------------------------------------------------------------------- */

static void *run_statement(void *statement)
{
    execute(w.from, statement);
    return NULL;
}

static void let_another_run(const char *statement)
{
    char text[512];
    pthread_t thread;
    (void)snprintf(text, sizeof(text), "%s", statement);
    assert_int_equal(pthread_create(&thread, NULL, run_statement, text), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static enum idp_err read_meddled(struct sql *db, struct arena *arena, const struct sql_call *call,
                                 struct sql_rows *out)
{
    struct meddled *meddled = (struct meddled *)db;
    bool meant = strstr(call->text, meddled->table) != NULL;
    bool now = meant && meddled->at > 0 && --meddled->at == 0;
    if (now && meddled->statement != NULL)
        let_another_run(meddled->statement);
    if (meddled->at == 0 && meddled->statement == NULL)
        return IDP_UNAVAILABLE;
    return meddled->real->driver->read(meddled->real, arena, call, out);
}

/* table "" is any. */
static void meddle(const char *table, int at, const char *statement)
{
    w.meddled = (struct meddled){.driver = *w.from->driver,
                                 .real = w.from,
                                 .table = table,
                                 .at = at,
                                 .statement = statement};
    w.meddled.driver.read = read_meddled;
    w.meddled.sql.driver = &w.meddled.driver;
    w.copy.from = &w.meddled.sql;
}

/* --- what is expected ---------------------------------------------------------------------- */

static void expect_empty(struct sql *db)
{
    for (const struct copy_table *t = copy_tables; t->table.name != NULL; t++)
        if (strcmp(t->table.name, "schema_version") != 0 && t->way != COPY_REPLACES)
            assert_int_equal(
                number(db, arena_printf(w.arena, "SELECT count(*) FROM %s", t->table.name)), 0);
    assert_int_equal(number(db, "SELECT value FROM generation"), 1);
}

/* One line that says so. */
static void expect_refused(enum idp_err err, const char *wanted)
{
    assert_int_equal(copy_everything(&w.copy), err);
    if (strstr(w.copy.why, wanted) == NULL)
        fail_msg("%s\ninstead of %s", w.copy.why, wanted);
    assert_null(strchr(w.copy.why, '\n'));
}

static const struct copy_table *find(const char *name)
{
    const struct copy_table *t = copy_tables;
    while (t->table.name != NULL && strcmp(t->table.name, name) != 0)
        t++;
    return t->table.name != NULL ? t : NULL;
}

/* --- the list ------------------------------------------------------------------------------ */

static void every_table_of_the_schema_is_in_the_list(void **state)
{
    struct sql_rows tables = {0};
    size_t listed = 0;
    (void)state;
    assert_int_equal(sql_tables(w.from, w.arena, &tables), IDP_OK);
    for (size_t i = 0; i < tables.rows; i++)
        if (find(sql_cell_text(&tables, i, 0)) == NULL)
            fail_msg("copy_tables does not list %s", sql_cell_text(&tables, i, 0));
    while (copy_tables[listed].table.name != NULL)
        listed++;
    assert_int_equal(listed, tables.rows);
    assert_in_range(listed, 1, COPY_TABLES_MAX);
}

static void every_table_is_read_in_the_order_of_its_primary_key(void **state)
{
    (void)state;
    for (const struct copy_table *t = copy_tables; t->table.name != NULL; t++) {
        struct sql_rows key = {0};
        const char *text = arena_printf(
            w.arena, "SELECT name FROM pragma_table_info('%s') WHERE pk > 0 ORDER BY pk",
            t->table.name);
        assert_int_equal(sql_read(w.from, w.arena, &(struct sql_call){.text = text}, &key), IDP_OK);
        for (size_t i = 0; i < key.rows; i++)
            assert_string_equal(t->table.key[i], sql_cell_text(&key, i, 0));
        assert_null(t->table.key[key.rows]);
    }
}

/* --- moving -------------------------------------------------------------------------------- */

static void everything_moves_and_is_the_same(void **state)
{
    (void)state;
    assert_int_equal(copy_everything(&w.copy), IDP_OK);
    assert_string_equal(w.copy.why, "");
    size_t moved = 0;
    for (const struct copy_table *t = copy_tables; t->table.name != NULL; t++) {
        struct transfer_sum from = {0};
        struct transfer_sum to = {0};
        if (t->way == COPY_STAYS)
            continue;
        assert_int_equal(transfer_sum(w.from, &t->table, &from), IDP_OK);
        assert_int_equal(transfer_sum(w.to, &t->table, &to), IDP_OK);
        if (from.rows == 0)
            fail_msg("this test puts no row into %s", t->table.name);
        assert_int_equal(to.rows, from.rows);
        assert_memory_equal(to.sum, from.sum, TRANSFER_SUM_SIZE);
        assert_string_equal(w.copy.tables[moved].name, t->table.name);
        assert_memory_equal(w.copy.tables[moved].sum.sum, from.sum, TRANSFER_SUM_SIZE);
        moved++;
    }
    assert_int_equal(w.copy.count, moved);
    assert_int_equal(number(w.to, "SELECT value FROM generation"), 41);
}

static void what_belongs_to_running_programs_stays(void **state)
{
    (void)state;
    assert_int_equal(copy_everything(&w.copy), IDP_OK);
    assert_int_equal(number(w.to, "SELECT count(*) FROM nodes"), 0);
    assert_int_equal(number(w.to, "SELECT max(version) FROM schema_version"), schema_of_program());
}

/* --- refusals ------------------------------------------------------------------------------ */

static void target_that_is_not_empty_is_refused(void **state)
{
    (void)state;
    execute(w.to, "INSERT INTO purpose_keys (id, purpose, wrapped, created) "
                  "VALUES (9, 'token', 'x', 1)");
    expect_refused(IDP_CONFLICT, "the target: expected an empty database, and purpose_keys is not");
    execute(w.to, "DELETE FROM purpose_keys");
    expect_empty(w.to);
    execute(w.to, "INSERT INTO nodes (id, generation, lease_until_ms) VALUES ('n', 1, 1)");
    expect_refused(IDP_CONFLICT, "the target: expected an empty database, and nodes is not");
}

static void copying_twice_is_refused(void **state)
{
    (void)state;
    assert_int_equal(copy_everything(&w.copy), IDP_OK);
    expect_refused(IDP_CONFLICT, "the target: expected an empty database");
    assert_int_equal(number(w.to, "SELECT count(*) FROM grants"), 2);
}

static void source_that_a_node_uses_is_refused(void **state)
{
    (void)state;
    execute(w.from,
            arena_printf(w.arena,
                         "INSERT INTO nodes (id, generation, lease_until_ms) VALUES ('alive', 1, "
                         "%lld)",
                         (long long)clock_now_ms() + 60000));
    expect_refused(IDP_CONFLICT, "the source: the node alive uses it: stop it first");
    expect_empty(w.to);
}

static void node_that_starts_while_it_is_copied_undoes_it(void **state)
{
    (void)state;
    meddle("FROM \"grants\"", 1,
           arena_printf(w.arena,
                        "INSERT INTO nodes (id, generation, lease_until_ms) "
                        "VALUES ('early', 1, %lld)",
                        (long long)clock_now_ms() + 60000));
    expect_refused(IDP_CONFLICT, "the source: the node early uses it");
    expect_empty(w.to);
}

/* It has been read twice by then, to the end, and was not read back yet. */
static void source_that_changes_while_it_is_copied_undoes_it(void **state)
{
    (void)state;
    meddle("FROM \"audit\"", 3, "UPDATE audit SET event = 'forged' WHERE id = 'a1'");
    expect_refused(IDP_CONFLICT, "audit: the source has 2 rows, the target 2, and they are not the "
                                 "same: somebody changes the source");
    assert_int_equal(w.meddled.at, 0);
    expect_empty(w.to);
}

static void source_that_goes_down_at_any_moment_leaves_an_empty_target(void **state)
{
    (void)state;
    enum idp_err err = IDP_UNAVAILABLE;
    for (int at = 1; err != IDP_OK; at++) {
        assert_in_range(at, 1, 500);
        meddle("", at, NULL);
        err = copy_everything(&w.copy);
        if (err == IDP_OK)
            break;
        assert_int_equal(err, IDP_UNAVAILABLE);
        assert_string_not_equal(w.copy.why, "");
        expect_empty(w.to);
    }
    assert_true(w.copy.count > 0);
}

static void target_without_the_schema_is_refused(void **state)
{
    (void)state;
    char *folder = help_temp_folder();
    w.copy.to = open_database(kind, folder);
    expect_refused(IDP_CONFLICT, "the target: the database has schema version 0");
    sql_close(w.copy.to);
    help_remove_folder(folder);
    free(folder);
}

/* It may hold tables that this program does not know. */
static void newer_database_is_not_copied_though_it_could_be_used(void **state)
{
    static const char later[] =
        "INSERT INTO schema_version (version, name, applied, hash, oldest_program) "
        "SELECT max(version) + 1, 'later', 0, 'x', 1 FROM schema_version";
    (void)state;
    execute(w.from, later);
    expect_refused(IDP_CONFLICT, "the source: the database has schema version");
    execute(w.from, "DELETE FROM schema_version WHERE name = 'later'");
    execute(w.to, later);
    expect_refused(IDP_CONFLICT, "the target: the database has schema version");
}

/* The source's two locks are of one enterprise. */
static void row_that_the_target_refuses_is_told_with_its_table(void **state)
{
    (void)state;
    execute(w.to, "CREATE UNIQUE INDEX in_the_way ON locks (enterprise)");
    expect_refused(IDP_CONFLICT, "locks: cannot be copied");
    expect_empty(w.to);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(every_table_of_the_schema_is_in_the_list),
        TEST(every_table_is_read_in_the_order_of_its_primary_key),
        TEST(everything_moves_and_is_the_same),
        TEST(what_belongs_to_running_programs_stays),
        TEST(target_that_is_not_empty_is_refused),
        TEST(copying_twice_is_refused),
        TEST(source_that_a_node_uses_is_refused),
        TEST(node_that_starts_while_it_is_copied_undoes_it),
        TEST(source_that_changes_while_it_is_copied_undoes_it),
        TEST(source_that_goes_down_at_any_moment_leaves_an_empty_target),
        TEST(target_without_the_schema_is_refused),
        TEST(newer_database_is_not_copied_though_it_could_be_used),
        TEST(row_that_the_target_refuses_is_told_with_its_table),
    };
    int failed = cmocka_run_group_tests_name("top/copy_tables, to sqlite", tests, NULL, NULL);
    kind = DATABASE_POSTGRES;
    return failed +
           cmocka_run_group_tests_name("top/copy_tables, to postgresql", tests, NULL, NULL);
}
