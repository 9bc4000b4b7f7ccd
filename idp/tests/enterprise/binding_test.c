#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/arena.h"
#include "base/lane.h"
#include "base/log.h"
#include "base/refusal.h"
#include "enterprise/binding.h"
#include "enterprise/choices.h"
#include "enterprise/holder.h"
#include "enterprise/reasons.h"
#include "pki/lock/verify.h"
#include "pki/trust/trust.h"
#include "store/kv.h"
#include "store/memory.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/database.h"
#include "tests/store/doubles.h"

enum { NOW = 1795353600, DAY = 86400, ROUNDS = 16 };

#define BELL "91150100MA0TEAT1XD"
#define HARBOUR "91150200MA0TEAT2YN"

static const struct authority one = {
    .id = "one", .name_zh = "一号", .name_en = "One", .phone = "0471-1"};
static const struct authority two = {
    .id = "two", .name_zh = "二号", .name_en = "Two", .phone = "0471-2"};

static const struct binding_form form = {.city = "hohhot",
                                         .legal_representative = "张三",
                                         .phone = "0471-555-6666",
                                         .address = "一号",
                                         .email = "a@bell.example",
                                         .entity_types = "bidder"};

static struct {
    struct arena *arena;
    char *folder;
    struct faulty_sql sql;
    struct faulty_kv kv;
    struct sql *db;
    struct refusal why;
    struct recognised who;
} w;

static int set_up(void **state)
{
    (void)state;
    char *why = NULL;
    char where[DATABASE_WHERE_MAX];
    struct sql *db = NULL;
    struct kv *kv = NULL;
    log_set_level(LOG_ERROR);
    w.arena = arena_new();
    w.folder = help_temp_folder();
    database_make(database_kind(), w.folder, where);
    assert_int_equal(sql_open(where, &why, &db), IDP_OK);
    assert_int_equal(migrate_run(db), IDP_OK);
    assert_int_equal(kv_memory_open(NULL, NULL, &kv), IDP_OK);
    faulty_sql_init(&w.sql, db);
    faulty_kv_init(&w.kv, kv);
    w.db = &w.sql.sql;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lane_set_may_wait(true);
    kv_close(w.kv.real);
    sql_close(w.sql.real);
    help_remove_folder(w.folder);
    free(w.folder);
    arena_free(w.arena);
    return 0;
}

/* A lock of Bell with this key and certificate, each named by a character. */
static struct lock_identity lock_of(char key, char certificate)
{
    struct lock_identity identity = {.authority = &one,
                                     .uscc = BELL,
                                     .name = "风铃建设有限公司",
                                     .serial = "0A",
                                     .not_before = NOW - DAY,
                                     .not_after = NOW + 100 * DAY};
    memset(identity.key_hash, key, sizeof(identity.key_hash));
    memset(identity.certificate_hash, certificate, sizeof(identity.certificate_hash));
    return identity;
}

static struct lock_identity lock_of_harbour(char key, char certificate)
{
    struct lock_identity identity = lock_of(key, certificate);
    identity.uscc = HARBOUR;
    return identity;
}

struct making {
    const struct lock_identity *identity;
    struct holder holder;
};

static enum idp_err make(struct sql_tx *tx, void *with)
{
    struct making *m = with;
    return binding_make(tx, w.arena, m->identity, &form, NOW, &m->holder);
}

static enum idp_err try_bind(const struct lock_identity *identity, struct holder *out)
{
    struct making m = {.identity = identity};
    enum idp_err err = sql_transact(w.db, make, &m);
    if (err == IDP_OK)
        *out = m.holder;
    return err;
}

static struct holder bind_lock(const struct lock_identity *identity)
{
    struct holder holder;
    assert_int_equal(try_bind(identity, &holder), IDP_OK);
    return holder;
}

static enum idp_err recognise(const struct lock_identity *identity)
{
    w.why = (struct refusal){.count = 0};
    return binding_recognise(w.db, w.arena, identity, NOW, &w.why, &w.who);
}

static void expect_refused(enum idp_err err, const struct reason *reason)
{
    assert_int_equal(err, IDP_REFUSED);
    assert_string_equal(w.why.reason->code, reason->code);
}

static void expect_stranger(const struct lock_identity *identity, const struct reason *reason)
{
    expect_refused(recognise(identity), reason);
}

static enum idp_err may_begin(const struct lock_identity *identity)
{
    w.why = (struct refusal){.count = 0};
    return binding_may_begin(w.db, w.arena, identity, NOW, &w.why);
}

static void run(const char *statement)
{
    assert_int_equal(sql_execute(w.sql.real, &(struct sql_call){.text = statement}, NULL), IDP_OK);
}

static enum idp_err renew(struct sql_tx *tx, void *with)
{
    return binding_renew(tx, w.arena, with, NOW);
}

static const char *text(const char *query)
{
    struct sql_rows rows;
    assert_int_equal(sql_read_one(w.sql.real, w.arena, &(struct sql_call){.text = query}, &rows),
                     IDP_OK);
    return sql_cell_text(&rows, 0, 0);
}

/* --- recognising ---------------------------------------------------------------------------------
 */

static void lock_is_recognised_by_authority_uscc_and_key(void **state)
{
    (void)state;
    const struct lock_identity identity = lock_of('A', 'a');
    const struct holder bound = bind_lock(&identity);
    assert_int_equal(recognise(&identity), IDP_OK);
    assert_string_equal(w.who.holder.enterprise.id, bound.enterprise.id);
    assert_string_equal(w.who.holder.lock.id, bound.lock.id);
    assert_string_equal(w.who.holder.enterprise.email, "a@bell.example");
    assert_true(w.who.holder.lock.primary);
    assert_false(w.who.renewed || w.who.renamed);
}

static void renewed_certificate_of_the_same_key_is_recognised(void **state)
{
    (void)state;
    const struct lock_identity old = lock_of('A', 'a');
    struct lock_identity renewed = lock_of('A', 'b');
    const struct holder bound = bind_lock(&old);
    renewed.serial = "0B";
    renewed.not_after = NOW + 900 * DAY;
    assert_int_equal(recognise(&renewed), IDP_OK);
    assert_true(w.who.renewed);
    assert_false(w.who.renamed);
    assert_string_equal(w.who.holder.lock.id, bound.lock.id);
    assert_int_equal(sql_transact(w.db, renew, &w.who), IDP_OK);
    assert_string_equal(text("SELECT serial FROM locks"), "0B");
    assert_int_equal(recognise(&renewed), IDP_OK);
    assert_false(w.who.renewed);
}

static void renewed_certificate_of_the_same_key_number_is_recognised(void **state)
{
    (void)state;
    struct lock_identity old = lock_of('A', 'a');
    struct lock_identity renewed = lock_of('B', 'b');
    old.key_number = renewed.key_number = "KEY1";
    renewed.not_after = NOW + 900 * DAY;
    const struct holder bound = bind_lock(&old);
    assert_int_equal(recognise(&renewed), IDP_OK);
    assert_true(w.who.renewed);
    assert_string_equal(w.who.holder.lock.id, bound.lock.id);
    assert_string_equal(w.who.holder.enterprise.id, bound.enterprise.id);
    assert_int_equal(sql_transact(w.db, renew, &w.who), IDP_OK);
    assert_int_equal(recognise(&renewed), IDP_OK);
    assert_false(w.who.renewed);
}

static void key_that_was_replaced_does_not_come_back_by_its_number(void **state)
{
    (void)state;
    struct lock_identity old = lock_of('A', 'a');
    struct lock_identity renewed = lock_of('B', 'b');
    old.key_number = renewed.key_number = "KEY1";
    renewed.not_after = NOW + 900 * DAY;
    (void)bind_lock(&renewed);
    assert_int_equal(recognise(&old), IDP_REFUSED);
    assert_string_equal(w.why.reason->code, "lock.uscc_has_lock");
}

static void older_certificate_of_the_same_key_changes_nothing(void **state)
{
    (void)state;
    struct lock_identity old = lock_of('A', 'a');
    struct lock_identity renewed = lock_of('A', 'b');
    renewed.not_after = NOW + 900 * DAY;
    renewed.serial = "0B";
    (void)bind_lock(&renewed);
    assert_int_equal(recognise(&old), IDP_OK);
    assert_false(w.who.renewed);
    assert_string_equal(w.who.holder.lock.serial, "0B");
}

static void name_follows_the_certificate(void **state)
{
    (void)state;
    const struct lock_identity old = lock_of('A', 'a');
    struct lock_identity renamed = lock_of('A', 'b');
    (void)bind_lock(&old);
    renamed.name = "风铃集团";
    assert_int_equal(recognise(&renamed), IDP_OK);
    assert_true(w.who.renamed && w.who.renewed);
    assert_string_equal(w.who.holder.enterprise.name, "风铃集团");
    assert_int_equal(sql_transact(w.db, renew, &w.who), IDP_OK);
    assert_string_equal(text("SELECT name FROM enterprises"), "风铃集团");
}

static void nothing_to_renew_writes_nothing(void **state)
{
    (void)state;
    const struct lock_identity identity = lock_of('A', 'a');
    (void)bind_lock(&identity);
    assert_int_equal(recognise(&identity), IDP_OK);
    run("UPDATE locks SET serial = 'FF'");
    assert_int_equal(sql_transact(w.db, renew, &w.who), IDP_OK);
    assert_string_equal(text("SELECT serial FROM locks"), "FF");
}

/* --- refusing
 * ------------------------------------------------------------------------------------- */

static void unknown_lock_is_not_bound(void **state)
{
    (void)state;
    const struct lock_identity bell = lock_of('A', 'a');
    struct lock_identity harbour = lock_of('C', 'c');
    harbour.uscc = HARBOUR;
    (void)bind_lock(&bell);
    expect_stranger(&harbour, &enterprise_not_bound);
    assert_string_equal(refusal_find(&w.why, "authority_en"), "One");
    assert_string_equal(refusal_find(&w.why, "authority_phone"), "0471-1");
    assert_int_equal(may_begin(&harbour), IDP_OK);
}

static void another_key_of_the_company_is_another_lock(void **state)
{
    (void)state;
    const struct lock_identity bell = lock_of('A', 'a');
    const struct lock_identity other = lock_of('B', 'b');
    (void)bind_lock(&bell);
    expect_stranger(&other, &enterprise_uscc_has_lock);
    assert_string_equal(refusal_find(&w.why, "uscc"), BELL);
    assert_null(refusal_find(&w.why, "name")); /* a stranger learns no name from the record */
    expect_refused(may_begin(&other), &enterprise_uscc_has_lock);
}

/* An absent key number is not the same as an absent one. */
static void locks_without_key_number_are_not_taken_for_one_another(void **state)
{
    (void)state;
    struct lock_identity bell = lock_of('A', 'a');
    struct lock_identity other = lock_of('B', 'b');
    bell.key_number = NULL;
    other.key_number = NULL;
    (void)bind_lock(&bell);
    expect_stranger(&other, &enterprise_uscc_has_lock);
}

static void certificate_that_follows_one_that_is_over_has_to_be_checked(void **state)
{
    (void)state;
    struct lock_identity bell = lock_of('A', 'a');
    const struct lock_identity other = lock_of('B', 'b');
    bell.not_after = NOW;
    (void)bind_lock(&bell);
    expect_stranger(&other, &enterprise_renewal_unproved);
    expect_refused(may_begin(&other), &enterprise_renewal_unproved);
}

/* docs/security.md row 39. */
static void second_authority_does_not_get_in_whatever_its_key(void **state)
{
    (void)state;
    struct lock_identity bell = lock_of('A', 'a');
    struct lock_identity of_two = lock_of('B', 'b');
    bell.key_number = of_two.key_number = "KEY1";
    of_two.authority = &two;
    (void)bind_lock(&bell);
    expect_stranger(&of_two, &enterprise_other_authority);
    expect_refused(may_begin(&of_two), &enterprise_other_authority);
    memcpy(of_two.key_hash, bell.key_hash, sizeof(bell.key_hash)); /* even with the same key */
    expect_stranger(&of_two, &enterprise_other_authority);
}

static void key_that_moved_to_another_company_has_to_be_checked(void **state)
{
    (void)state;
    const struct lock_identity bell = lock_of('A', 'a');
    struct lock_identity moved = lock_of('A', 'b');
    moved.uscc = HARBOUR;
    (void)bind_lock(&bell);
    expect_stranger(&moved, &enterprise_renewal_unproved);
    expect_refused(may_begin(&moved), &enterprise_renewal_unproved);
}

/* Also when its certificate names the container of a lock that its own company has bound. */
static void key_that_moved_is_not_taken_for_a_renewal(void **state)
{
    (void)state;
    const struct lock_identity harbour = lock_of_harbour('B', 'x');
    struct lock_identity old = lock_of('A', 'a');
    struct lock_identity renewed = lock_of('B', 'b');
    old.key_number = renewed.key_number = "KEY1";
    renewed.not_after = NOW + 900 * DAY;
    (void)bind_lock(&harbour);
    (void)bind_lock(&old);
    expect_stranger(&renewed, &enterprise_renewal_unproved);
}

/* It broke the row's key, and the bidder heard of a fault. */
static void key_that_was_unbound_does_not_come_back_by_its_number(void **state)
{
    (void)state;
    struct lock_identity lost = lock_of('B', 'b');
    struct lock_identity present = lock_of('A', 'a');
    lost.key_number = present.key_number = "KEY1";
    lost.not_after = NOW + 900 * DAY;
    (void)bind_lock(&lost);
    run("UPDATE locks SET unbound = 1");
    (void)bind_lock(&present);
    expect_stranger(&lost, &enterprise_renewal_unproved);
    assert_int_equal(recognise(&present), IDP_OK);
}

/* The record changes between looking and writing. */
static void renewal_that_lost_a_race_is_a_conflict(void **state)
{
    (void)state;
    struct lock_identity old = lock_of('A', 'a');
    struct lock_identity renewed = lock_of('B', 'b');
    const struct lock_identity harbour = lock_of_harbour('B', 'x');
    old.key_number = renewed.key_number = "KEY1";
    renewed.not_after = NOW + 900 * DAY;
    (void)bind_lock(&old);
    assert_int_equal(recognise(&renewed), IDP_OK);
    struct recognised before = w.who;
    (void)bind_lock(&harbour);
    assert_int_equal(sql_transact(w.db, renew, &before), IDP_CONFLICT);
    run("UPDATE locks SET unbound = 1, enterprise = (SELECT id FROM enterprises WHERE uscc = '" BELL
        "') WHERE certificate_hash <> (SELECT certificate_hash FROM locks WHERE key_number = "
        "'KEY1')");
    assert_int_equal(sql_transact(w.db, renew, &before), IDP_CONFLICT);
    expect_stranger(&renewed, &enterprise_renewal_unproved);
}

static void unbound_lock_is_a_stranger_again(void **state)
{
    (void)state;
    const struct lock_identity bell = lock_of('A', 'a');
    (void)bind_lock(&bell);
    run("UPDATE locks SET unbound = 1");
    expect_stranger(&bell, &enterprise_not_bound);
    assert_int_equal(may_begin(&bell), IDP_OK);
}

static void suspended_enterprise_is_named_as_the_record_has_it(void **state)
{
    (void)state;
    const struct lock_identity bell = lock_of('A', 'a');
    (void)bind_lock(&bell);
    run("UPDATE enterprises SET standing = 'suspended'");
    expect_stranger(&bell, &enterprise_suspended);
    assert_string_equal(refusal_find(&w.why, "name"), "风铃建设有限公司");
}

static void bound_lock_is_told_that_it_is_bound(void **state)
{
    (void)state;
    const struct lock_identity bell = lock_of('A', 'a');
    (void)bind_lock(&bell);
    expect_refused(may_begin(&bell), &enterprise_already_bound);
}

static void dead_database_is_not_an_unbound_lock(void **state)
{
    (void)state;
    const struct lock_identity bell = lock_of('A', 'a');
    (void)bind_lock(&bell);
    w.sql.read = IDP_UNAVAILABLE;
    assert_int_equal(recognise(&bell), IDP_UNAVAILABLE);
    assert_int_equal(may_begin(&bell), IDP_UNAVAILABLE);
}

/* --- making
 * ---------------------------------------------------------------------------------------- */

static void uscc_is_bound_once(void **state)
{
    (void)state;
    struct holder holder;
    const struct lock_identity bell = lock_of('A', 'a');
    const struct lock_identity other = lock_of('B', 'b');
    (void)bind_lock(&bell);
    assert_int_equal(try_bind(&other, &holder), IDP_CONFLICT);
    assert_int_equal(try_bind(&bell, &holder), IDP_CONFLICT);
    assert_string_equal(text("SELECT CAST(COUNT(*) AS TEXT) FROM locks"), "1");
}

static void key_is_bound_to_one_company(void **state)
{
    (void)state;
    struct holder holder;
    const struct lock_identity bell = lock_of('A', 'a');
    const struct lock_identity harbour = lock_of_harbour('A', 'b');
    (void)bind_lock(&bell);
    assert_int_equal(try_bind(&harbour, &holder), IDP_CONFLICT);
    assert_string_equal(text("SELECT CAST(COUNT(*) AS TEXT) FROM enterprises"), "1");
    run("UPDATE locks SET unbound = 1");
    assert_int_equal(try_bind(&harbour, &holder), IDP_OK);
}

/* One of those who bind a key at once. */
struct racer {
    struct lock_identity identity;
    struct holder holder;
    struct arena *arena;
    pthread_barrier_t *start;
    enum idp_err err;
};

static enum idp_err make_in_race(struct sql_tx *tx, void *with)
{
    struct racer *r = with;
    return binding_make(tx, r->arena, &r->identity, &form, NOW, &r->holder);
}

static void *race(void *with)
{
    struct racer *r = with;
    (void)pthread_barrier_wait(r->start);
    r->err = sql_transact(w.sql.real, make_in_race, r);
    return NULL;
}

static void of_two_who_bind_one_key_at_once_one_succeeds(void **state)
{
    (void)state;
    for (char key = 'A'; key < 'A' + ROUNDS; key++) {
        pthread_t threads[2];
        pthread_barrier_t start;
        struct racer racers[2] = {{.identity = lock_of(key, 'a')},
                                  {.identity = lock_of_harbour(key, 'b')}};
        run("UPDATE locks SET unbound = 1");
        assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
        for (int i = 0; i < 2; i++) {
            racers[i].start = &start;
            racers[i].arena = arena_new();
            assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
        }
        for (int i = 0; i < 2; i++) {
            (void)pthread_join(threads[i], NULL);
            arena_free(racers[i].arena);
        }
        (void)pthread_barrier_destroy(&start);
        assert_true(racers[0].err == IDP_OK || racers[1].err == IDP_OK);
        assert_true(racers[0].err == IDP_CONFLICT || racers[1].err == IDP_CONFLICT);
    }
}

static void enterprise_that_binds_again_keeps_its_subject(void **state)
{
    (void)state;
    const struct lock_identity bell = lock_of('A', 'a');
    const struct lock_identity other = lock_of('B', 'b');
    const struct holder first = bind_lock(&bell);
    run("UPDATE locks SET unbound = 1");
    const struct holder second = bind_lock(&other);
    assert_string_equal(second.enterprise.id, first.enterprise.id);
    assert_string_not_equal(second.lock.id, first.lock.id);
    assert_int_equal(recognise(&other), IDP_OK);
    expect_stranger(&bell, &enterprise_uscc_has_lock);
}

static void same_lock_bound_again_keeps_its_row(void **state)
{
    (void)state;
    const struct lock_identity bell = lock_of('A', 'a');
    struct lock_identity renewed = lock_of('A', 'b');
    const struct holder first = bind_lock(&bell);
    run("UPDATE locks SET unbound = 1, role = 'secondary'");
    renewed.serial = "0C";
    const struct holder second = bind_lock(&renewed);
    assert_string_equal(second.lock.id, first.lock.id);
    assert_string_equal(text("SELECT role || serial FROM locks WHERE unbound IS NULL"),
                        "primary0C");
}

/* --- copies
 * ------------------------------------------------------------------------------------------ */

static const struct holder *find(const char *lock)
{
    const struct holder *holder = NULL;
    assert_int_equal(holder_find(w.db, &w.kv.kv, w.arena, lock, &holder), IDP_OK);
    return holder;
}

static enum idp_err look_for(const char *lock)
{
    const struct holder *holder = NULL;
    return holder_find(w.db, &w.kv.kv, w.arena, lock, &holder);
}

static void holder_is_found_in_the_row_and_then_in_its_copy(void **state)
{
    (void)state;
    struct lock_identity identity = lock_of('A', 'a');
    identity.key_number = "KEY1";
    const struct holder bound = bind_lock(&identity);
    for (int again = 0; again < 2; again++) {
        const struct holder *holder = find(bound.lock.id);
        assert_string_equal(holder->enterprise.id, bound.enterprise.id);
        assert_string_equal(holder->enterprise.uscc, BELL);
        assert_string_equal(holder->enterprise.name, "风铃建设有限公司");
        assert_string_equal(holder->enterprise.city, "hohhot");
        assert_string_equal(holder->enterprise.legal_representative, "张三");
        assert_string_equal(holder->enterprise.phone, "0471-555-6666");
        assert_string_equal(holder->enterprise.address, "一号");
        assert_string_equal(holder->enterprise.email, "a@bell.example");
        assert_string_equal(holder->enterprise.entity_types, "bidder");
        assert_string_equal(holder->lock.authority, "one");
        assert_string_equal(holder->lock.key_number, "KEY1");
        assert_string_equal(holder->lock.serial, "0A");
        assert_int_equal(holder->lock.not_after, NOW + 100 * DAY);
        assert_true(holder->lock.primary && holder_in_good_standing(holder));
        w.sql.read = IDP_UNAVAILABLE; /* the second time from the copy */
    }
}

static void copy_tells_of_bad_standing_too(void **state)
{
    (void)state;
    const struct lock_identity identity = lock_of('A', 'a');
    const struct holder bound = bind_lock(&identity);
    run("UPDATE enterprises SET standing = 'suspended'");
    assert_false(holder_in_good_standing(find(bound.lock.id)));
    assert_false(holder_in_good_standing(find(bound.lock.id)));
    assert_null(find(bound.lock.id)->lock.key_number);
}

static void fresh_copy_takes_the_place_of_a_stale_one(void **state)
{
    (void)state;
    const struct lock_identity identity = lock_of('A', 'a');
    const struct holder bound = bind_lock(&identity);
    struct holder changed = *find(bound.lock.id);
    changed.lock.unbound = true;
    assert_int_equal(holder_remember(&w.kv.kv, &changed), IDP_OK);
    assert_false(holder_in_good_standing(find(bound.lock.id)));
}

static void copy_that_cannot_be_read_is_as_good_as_none(void **state)
{
    (void)state;
    const struct lock_identity identity = lock_of('A', 'a');
    const struct holder bound = bind_lock(&identity);
    assert_int_equal(kv_put(w.kv.real, KV_HOLDER, kv_text(bound.lock.id), kv_text("old"), 60000),
                     IDP_OK);
    assert_string_equal(find(bound.lock.id)->enterprise.uscc, BELL);
}

static void missing_holder_and_dead_stores_are_told_apart(void **state)
{
    (void)state;
    const struct lock_identity identity = lock_of('A', 'a');
    const struct holder bound = bind_lock(&identity);
    assert_int_equal(look_for("nobody"), IDP_NOT_FOUND);
    w.sql.read = IDP_UNAVAILABLE;
    assert_int_equal(look_for(bound.lock.id), IDP_UNAVAILABLE);
    w.sql.read = IDP_OK;
    w.kv.error = IDP_UNAVAILABLE;
    w.kv.calls = FAULTY_ALL;
    assert_int_equal(look_for(bound.lock.id), IDP_UNAVAILABLE);
    assert_int_equal(holder_remember(&w.kv.kv, &bound), IDP_UNAVAILABLE);
}

static void network_thread_is_told_to_wait_on_a_miss_only(void **state)
{
    (void)state;
    const struct lock_identity identity = lock_of('A', 'a');
    const struct holder bound = bind_lock(&identity);
    lane_set_may_wait(false);
    assert_int_equal(look_for(bound.lock.id), IDP_WAIT);
    lane_set_may_wait(true);
    (void)find(bound.lock.id);
    lane_set_may_wait(false);
    assert_int_equal(look_for(bound.lock.id), IDP_OK);
}

static void choices_are_found_by_their_ids(void **state)
{
    (void)state;
    assert_string_equal(enterprise_choice_find(enterprise_cities, "wuhai")->zh, "乌海市");
    assert_null(enterprise_choice_find(enterprise_cities, "Wuhai"));
    assert_null(enterprise_choice_find(enterprise_cities, ""));
    assert_string_equal(enterprise_choice_find(enterprise_entity_types, "agency")->en,
                        "Tendering agency");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(lock_is_recognised_by_authority_uscc_and_key),
        TEST(renewed_certificate_of_the_same_key_is_recognised),
        TEST(renewed_certificate_of_the_same_key_number_is_recognised),
        TEST(key_that_was_replaced_does_not_come_back_by_its_number),
        TEST(older_certificate_of_the_same_key_changes_nothing),
        TEST(name_follows_the_certificate),
        TEST(nothing_to_renew_writes_nothing),
        TEST(unknown_lock_is_not_bound),
        TEST(another_key_of_the_company_is_another_lock),
        TEST(locks_without_key_number_are_not_taken_for_one_another),
        TEST(certificate_that_follows_one_that_is_over_has_to_be_checked),
        TEST(second_authority_does_not_get_in_whatever_its_key),
        TEST(key_that_moved_to_another_company_has_to_be_checked),
        TEST(key_that_moved_is_not_taken_for_a_renewal),
        TEST(key_that_was_unbound_does_not_come_back_by_its_number),
        TEST(renewal_that_lost_a_race_is_a_conflict),
        TEST(unbound_lock_is_a_stranger_again),
        TEST(suspended_enterprise_is_named_as_the_record_has_it),
        TEST(bound_lock_is_told_that_it_is_bound),
        TEST(dead_database_is_not_an_unbound_lock),
        TEST(uscc_is_bound_once),
        TEST(key_is_bound_to_one_company),
        TEST(of_two_who_bind_one_key_at_once_one_succeeds),
        TEST(enterprise_that_binds_again_keeps_its_subject),
        TEST(same_lock_bound_again_keeps_its_row),
        TEST(holder_is_found_in_the_row_and_then_in_its_copy),
        TEST(copy_tells_of_bad_standing_too),
        TEST(fresh_copy_takes_the_place_of_a_stale_one),
        TEST(copy_that_cannot_be_read_is_as_good_as_none),
        TEST(missing_holder_and_dead_stores_are_told_apart),
        TEST(network_thread_is_told_to_wait_on_a_miss_only),
        TEST(choices_are_found_by_their_ids),
    };
    return cmocka_run_group_tests_name("enterprise/binding", tests, NULL, NULL);
}
