#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/refusal.h"
#include "evidence/over.h"
#include "evidence/refusals.h"
#include "evidence/seen.h"
#include "pki/lock/verify.h"
#include "pki/trust/trust.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "store/sweep.h"
#include "tests/help.h"
#include "tests/store/database.h"
#include "tests/store/doubles.h"

/* Noon of a day in China. */
enum { NOW = 20000 * 86400 + 4 * 3600, DAY = 20000 };

static enum database_kind kind; /* under test */

static struct world {
    char *folder;
    struct arena *arena;
    struct faulty_sql sql;
    struct sql *db;
    struct seen *seen;
    struct refusals *refusals;
} w;

static const struct reason personal = {.code = "lock.personal"};
static const struct reason expired = {.code = "lock.expired"};
static const struct authority one = {.id = "one"};
static const unsigned char anchor_hash[DIGEST_SIZE] = {9};
static const struct trust_certificate anchor = {.hash = anchor_hash};

static int set_up(void **state)
{
    char where[DATABASE_WHERE_MAX];
    struct sql *db = NULL;
    (void)state;
    log_set_level(LOG_ERROR);
    w = (struct world){.folder = help_temp_folder(), .arena = arena_new(), .seen = seen_new()};
    database_make(kind, w.folder, where);
    assert_int_equal(sql_open(where, NULL, &db), IDP_OK);
    assert_int_equal(migrate_run(db), IDP_OK);
    faulty_sql_init(&w.sql, db);
    w.db = &w.sql.sql;
    w.refusals = refusals_new(w.seen);
    return w.refusals == NULL || w.seen == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    refusals_free(w.refusals);
    seen_free(w.seen);
    sql_close(w.sql.real);
    arena_free(w.arena);
    help_remove_folder(w.folder);
    free(w.folder);
    return 0;
}

/* The lock of that number: a certificate of eight bytes. */
static struct lock_identity lock_of(int number)
{
    struct lock_identity who = {.authority = &one,
                                .uscc = "91150100MA0TEAT1XD",
                                .serial = "0A",
                                .not_after = NOW + 1000,
                                .anchor = &anchor,
                                .certificate_len = 8};
    char *der = arena_printf(w.arena, "%08d", number);
    assert_non_null(der);
    who.certificate = (const unsigned char *)der;
    assert_int_equal(digest(DIGEST_SHA256, der, 8, who.certificate_hash), IDP_OK);
    return who;
}

static const char *hash_of(const struct lock_identity *who)
{
    char text[64];
    base64url_encode(who->certificate_hash, DIGEST_SIZE, text);
    return arena_strdup(w.arena, text);
}

static void refuse(const struct reason *reason, const struct lock_identity *who, int64_t now)
{
    struct refusal why = {.count = 0};
    refusal_fact(&why, "authority", "one");
    (void)refusal_set(&why, reason);
    refusals_add(w.refusals, &why, who, now);
}

static void refuse_numbered(const struct reason *reason, int number, int64_t now)
{
    const struct lock_identity who = lock_of(number);
    refuse(reason, &who, now);
}

static void flush(void)
{
    assert_int_equal(refusals_flush(w.refusals, w.db), IDP_OK);
    assert_int_equal(refusals_waiting(w.refusals), 0);
}

static int64_t number_of(const char *query)
{
    struct sql_rows rows = {0};
    assert_int_equal(sql_read_one(w.db, w.arena, &(struct sql_call){.text = query}, &rows), IDP_OK);
    return sql_cell_int(&rows, 0, 0);
}

static int64_t count_of(const char *reason, int64_t day, const char *certificate)
{
    return number_of(arena_printf(
        w.arena,
        "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM refusals WHERE authority = "
        "'one' AND reason = '%s' AND day = %lld AND certificate = '%s'",
        reason, (long long)day, certificate));
}

/* --- rows ----------------------------------------------------------------------------------- */

static void equal_refusals_are_one_row_with_a_count(void **state)
{
    (void)state;
    const struct lock_identity who = lock_of(1);
    for (int i = 0; i < 3; i++)
        refuse(&personal, &who, NOW + i);
    flush();
    refuse(&personal, &who, NOW + 9);
    refuse(&expired, &who, NOW + 10);
    flush();
    assert_int_equal(count_of("lock.personal", DAY, hash_of(&who)), 4);
    assert_int_equal(count_of("lock.expired", DAY, hash_of(&who)), 1);
    assert_int_equal(number_of("SELECT last FROM refusals WHERE reason = 'lock.personal'"),
                     NOW + 9);
    assert_int_equal(number_of("SELECT COUNT(*) FROM refusals"), 2);
}

static void days_begin_at_midnight_in_china(void **state)
{
    (void)state;
    refuse_numbered(&personal, 1, DAY * INT64_C(86400) - 8 * 3600 - 1);
    refuse_numbered(&personal, 1, DAY * INT64_C(86400) - 8 * 3600);
    flush();
    assert_int_equal(number_of("SELECT MIN(day) FROM refusals"), DAY - 1);
    assert_int_equal(number_of("SELECT MAX(day) FROM refusals"), DAY);
}

static void certificate_that_nobody_vouches_for_only_counts(void **state)
{
    (void)state;
    const struct lock_identity unknown = {.certificate = NULL};
    refuse(&personal, NULL, NOW);
    refuse(&personal, &unknown, NOW);
    flush();
    assert_int_equal(count_of("lock.personal", DAY, ""), 2);
    assert_int_equal(number_of("SELECT COUNT(*) FROM certificates"), 0);
    assert_int_equal(number_of("SELECT COUNT(*) FROM evidence_objects"), 0);
}

static void refused_certificate_is_kept_with_its_reason(void **state)
{
    (void)state;
    const struct lock_identity who = lock_of(1);
    refuse(&personal, &who, NOW);
    flush();
    struct sql_rows rows = {0};
    const struct sql_call call = {
        .text = "SELECT c.hash, c.authority, c.serial, c.uscc, c.not_after, c.reason, c.seen, "
                "o.kind, o.bytes FROM certificates c JOIN evidence_objects o ON o.hash = c.hash"};
    assert_int_equal(sql_read_one(w.db, w.arena, &call, &rows), IDP_OK);
    assert_string_equal(sql_cell_text(&rows, 0, 0), hash_of(&who));
    assert_string_equal(sql_cell_text(&rows, 0, 1), "one");
    assert_string_equal(sql_cell_text(&rows, 0, 2), "0A");
    assert_string_equal(sql_cell_text(&rows, 0, 3), "91150100MA0TEAT1XD");
    assert_int_equal(sql_cell_int(&rows, 0, 4), NOW + 1000);
    assert_string_equal(sql_cell_text(&rows, 0, 5), "lock.personal");
    assert_int_equal(sql_cell_int(&rows, 0, 6), NOW);
    assert_string_equal(sql_cell_text(&rows, 0, 7), "refused");
    assert_int_equal(sql_cell(&rows, 0, 8)->len, 8);
    assert_memory_equal(sql_cell(&rows, 0, 8)->bytes, who.certificate, 8);
}

static enum idp_err accept(struct sql_tx *tx, void *with)
{
    return seen_accepted(tx, w.seen, with, NOW + 5);
}

/* A refusal reaches the table seconds after it was. */
static void refusal_from_before_does_not_undo_an_acceptance(void **state)
{
    (void)state;
    struct lock_identity who = lock_of(1);
    refuse(&personal, &who, NOW);
    assert_int_equal(sql_transact(w.db, accept, &who), IDP_OK);
    seen_committed(w.seen, &who, NOW + 5);
    flush();
    assert_int_equal(number_of("SELECT COUNT(*) FROM certificates WHERE reason IS NULL"), 1);
    refuse(&personal, &who, NOW + 6);
    flush();
    assert_int_equal(number_of("SELECT COUNT(*) FROM certificates WHERE reason IS NULL"), 0);
    assert_int_equal(sql_transact(w.db, accept, &who), IDP_OK); /* an older one does not undo it */
    assert_int_equal(number_of("SELECT COUNT(*) FROM certificates WHERE reason IS NULL"), 0);
    /* somebody may be signed in with it: it stays among those that are watched */
    assert_int_equal(number_of("SELECT accepted FROM certificates"), NOW + 5);
}

/* --- bounds --------------------------------------------------------------------------------- */

static void too_many_certificates_at_once_only_count(void **state)
{
    (void)state;
    for (int i = 0; i < REFUSALS_WAITING_MAX; i++)
        refuse_numbered(&personal, i, NOW);
    assert_true(refusals_waiting(w.refusals) <= REFUSALS_WAITING_MAX);
    flush();
    assert_int_equal(number_of("SELECT CAST(SUM(count) AS BIGINT) FROM refusals"),
                     REFUSALS_WAITING_MAX);
    assert_int_equal(count_of("lock.personal", DAY, ""), REFUSALS_WAITING_MAX / 2);
}

static void full_day_names_no_more_certificates_and_goes_on_counting(void **state)
{
    (void)state;
    refuse_numbered(&personal, 1, NOW);
    flush();
    const struct sql_call fill = {
        .text = "INSERT INTO refusals (day, authority, reason, certificate, count, last) "
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) "
                "SELECT 20000, 'two', 'lock.path', 'filler ' || i, 1, 1 FROM n"};
    assert_int_equal(sql_execute(w.db, &fill, NULL), IDP_OK);
    refuse_numbered(&personal, 1, NOW); /* it has its row */
    refuse_numbered(&personal, 2, NOW);
    refuse_numbered(&personal, 3, NOW);
    refuse_numbered(&personal, 2, NOW + 86400);
    flush();
    const struct lock_identity first = lock_of(1);
    assert_int_equal(count_of("lock.personal", DAY, hash_of(&first)), 2);
    assert_int_equal(count_of("lock.personal", DAY, ""), 2);
    assert_int_equal(number_of("SELECT COUNT(*) FROM refusals WHERE day = 20001"), 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM certificates"), 2);
}

static void reasons_and_authorities_beyond_the_figures_are_other(void **state)
{
    (void)state;
    struct refusal_figure figures[REFUSALS_FIGURES_MAX + 1];
    for (int i = 0; i < REFUSALS_FIGURES_MAX + 5; i++) {
        const struct reason *reason =
            arena_copy(w.arena, &(struct reason){.code = arena_printf(w.arena, "lock.%d", i)},
                       sizeof(*reason));
        refuse(reason, NULL, NOW);
    }
    size_t count = refusals_figures(w.refusals, figures, REFUSALS_FIGURES_MAX + 1);
    assert_int_equal(count, REFUSALS_FIGURES_MAX + 1);
    assert_string_equal(figures[0].authority, "one");
    assert_string_equal(figures[0].reason, "lock.0");
    assert_int_equal(figures[0].count, 1);
    assert_string_equal(figures[count - 1].authority, "");
    assert_string_equal(figures[count - 1].reason, "other");
    assert_int_equal(figures[count - 1].count, 5);
}

static void nothing_is_lost_while_the_store_is_down(void **state)
{
    (void)state;
    const struct lock_identity who = lock_of(1);
    refuse(&personal, &who, NOW);
    atomic_store(&w.sql.transact, IDP_UNAVAILABLE);
    assert_int_equal(refusals_flush(w.refusals, w.db), IDP_UNAVAILABLE);
    refuse(&personal, &who, NOW + 1);
    refuse(&expired, NULL, NOW + 1);
    assert_int_equal(refusals_flush(w.refusals, w.db), IDP_UNAVAILABLE);
    atomic_store(&w.sql.transact, IDP_OK);
    flush();
    assert_int_equal(count_of("lock.personal", DAY, hash_of(&who)), 2);
    assert_int_equal(count_of("lock.expired", DAY, ""), 1);
}

/* --- what is over --------------------------------------------------------------------------- */

static void sweep(int64_t before)
{
    struct sweep_walk walk = {.len = 0};
    assert_int_equal(sweep_step(w.db, &over_certificates, before, &walk), IDP_OK);
    assert_true(walk.whole);
}

static void certificate_not_seen_for_long_is_forgotten_with_its_object(void **state)
{
    (void)state;
    refuse_numbered(&personal, 1, NOW);
    refuse_numbered(&personal, 2, NOW + 1);
    flush();
    sweep(NOW + 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM certificates"), 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM evidence_objects"), 1);
}

static void object_that_a_proof_names_outlives_the_certificates_row(void **state)
{
    (void)state;
    refuse_numbered(&personal, 1, NOW);
    flush();
    const struct sql_call named = {.text = "UPDATE evidence_objects SET kind = 'certificate'"};
    assert_int_equal(sql_execute(w.db, &named, NULL), IDP_OK);
    sweep(NOW + 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM certificates"), 0);
    assert_int_equal(number_of("SELECT COUNT(*) FROM evidence_objects"), 1);
}

static void certificate_of_a_bound_lock_stays(void **state)
{
    (void)state;
    const struct lock_identity who = lock_of(1);
    const struct sql_call enterprise = {
        .text = "INSERT INTO enterprises (id, uscc, name, standing, city, legal_representative, "
                "phone, address, email, entity_types, created, changed) VALUES "
                "('e', 'u', 'n', 'active', 'c', 'l', 'p', 'a', 'm', 't', 1, 1)"};
    const struct sql_call lock = {
        .text = arena_printf(w.arena,
                             "INSERT INTO locks (id, enterprise, authority, key_hash, "
                             "certificate_hash, serial, not_after, role, bound) VALUES "
                             "('l', 'e', 'one', 'k', '%s', '0A', 1, 'primary', 1)",
                             hash_of(&who))};
    const struct sql_call former = {.text = "INSERT INTO former_certificates (lock, certificate) "
                                            "SELECT id, certificate_hash FROM locks"};
    const struct sql_call renew = {.text = "UPDATE locks SET certificate_hash = 'new'"};
    const struct sql_call unbind = {.text = "UPDATE locks SET unbound = 2"};
    assert_int_equal(sql_execute(w.db, &enterprise, NULL), IDP_OK);
    assert_int_equal(sql_execute(w.db, &lock, NULL), IDP_OK);
    refuse(&personal, &who, NOW);
    flush();
    sweep(NOW + 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM certificates"), 1);
    assert_int_equal(sql_execute(w.db, &former, NULL), IDP_OK); /* as a renewal leaves it */
    assert_int_equal(sql_execute(w.db, &renew, NULL), IDP_OK);
    sweep(NOW + 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM certificates"), 1);
    assert_int_equal(sql_execute(w.db, &unbind, NULL), IDP_OK);
    sweep(NOW + 1);
    assert_int_equal(number_of("SELECT COUNT(*) FROM certificates"), 0);
}

static void old_refusals_go_a_day_at_a_time(void **state)
{
    (void)state;
    int64_t deleted = 0;
    for (int64_t day = 0; day < 4; day++)
        refuse_numbered(&personal, 1, NOW + day * 86400);
    flush();
    const int64_t before = NOW + INT64_C(2) * 86400; /* on the third day */
    assert_int_equal(over_refusals(w.db, before, &deleted), IDP_OK);
    assert_int_equal(deleted, 1);
    assert_int_equal(over_refusals(w.db, before, &deleted), IDP_OK);
    assert_int_equal(deleted, 1);
    assert_int_equal(over_refusals(w.db, before, &deleted), IDP_OK);
    assert_int_equal(deleted, 0);
    assert_int_equal(number_of("SELECT MIN(day) FROM refusals"), DAY + 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(equal_refusals_are_one_row_with_a_count),
        TEST(days_begin_at_midnight_in_china),
        TEST(certificate_that_nobody_vouches_for_only_counts),
        TEST(refused_certificate_is_kept_with_its_reason),
        TEST(refusal_from_before_does_not_undo_an_acceptance),
        TEST(too_many_certificates_at_once_only_count),
        TEST(full_day_names_no_more_certificates_and_goes_on_counting),
        TEST(reasons_and_authorities_beyond_the_figures_are_other),
        TEST(nothing_is_lost_while_the_store_is_down),
        TEST(certificate_not_seen_for_long_is_forgotten_with_its_object),
        TEST(object_that_a_proof_names_outlives_the_certificates_row),
        TEST(certificate_of_a_bound_lock_stays),
        TEST(old_refusals_go_a_day_at_a_time),
    };
    int failed = cmocka_run_group_tests_name("evidence/refusals, sqlite", tests, NULL, NULL);
    kind = DATABASE_POSTGRES;
    return failed + cmocka_run_group_tests_name("evidence/refusals, postgresql", tests, NULL, NULL);
}
