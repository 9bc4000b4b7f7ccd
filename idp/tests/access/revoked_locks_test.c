/* What rests on a lock ends when its certificate was called revoked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access/grant.h"
#include "access/revoked_locks.h"
#include "access/session.h"
#include "enterprise/lock.h"
#include "store/sql.h"
#include "tests/access/world.h"

static const struct access *access_of(void)
{
    return &world.app.access;
}

/* The certificate of this lock, as the record has it, was called revoked. */
static void call_revoked(enum world_lock lock)
{
    world_sql(arena_printf(world.arena,
                           "INSERT INTO revoked (number, certificate, authority, issuer, serial, "
                           "revoked_at, reason, source, learned) SELECT (SELECT COUNT(*) FROM "
                           "revoked) + 1, certificate_hash, authority, '', serial, 0, 1, 'ocsp', 0 "
                           "FROM locks WHERE id = '%s'",
                           world.holders[lock].lock.id));
}

static bool lives(const struct grant *grant)
{
    const struct grant *found = NULL;
    assert_int_equal(grant_find(access_of(), world.arena, grant->id, &found), IDP_OK);
    return !found->ended;
}

static bool is_signed_in(const struct browser *browser)
{
    const struct holder *holder = NULL;
    enum idp_err err = session_holder(access_of(), world.arena, session_of(browser), &holder);
    assert_true(err == IDP_OK || err == IDP_NOT_FOUND);
    return err == IDP_OK;
}

static int64_t open_rows(void)
{
    return world_number("SELECT COUNT(*) FROM revoked WHERE ended IS NULL");
}

static void sessions_and_grants_of_the_lock_end_and_no_others(void **state)
{
    (void)state;
    struct browser bell = signed_in(LOCK_BELL);
    struct browser harbour = signed_in(LOCK_HARBOUR);
    const struct grant *plain = granted(CLIENT_PLATFORM, &bell);
    const struct grant *offline = granted_offline(CLIENT_OTHER, &bell);
    const struct grant *other = granted(CLIENT_PLATFORM, &harbour);
    call_revoked(LOCK_BELL);
    assert_int_equal(revoked_locks_end(access_of(), world.now), IDP_OK);
    assert_false(is_signed_in(&bell));
    assert_true(is_signed_in(&harbour));
    assert_false(lives(plain) || lives(offline));
    assert_true(lives(other));
    assert_int_equal(open_rows(), 0);
    assert_string_equal(world_text("SELECT ended_why FROM grants WHERE ended IS NOT NULL LIMIT 1"),
                        "certificate_revoked");
}

static void the_binding_stays_for_a_renewed_certificate(void **state)
{
    (void)state;
    call_revoked(LOCK_BELL);
    assert_int_equal(revoked_locks_end(access_of(), world.now), IDP_OK);
    assert_int_equal(world_number(arena_printf(world.arena,
                                               "SELECT COUNT(*) FROM locks WHERE id = '%s' AND "
                                               "unbound IS NULL",
                                               world.holders[LOCK_BELL].lock.id)),
                     1);
}

static void it_is_noted_and_the_enterprise_told_once(void **state)
{
    (void)state;
    world.app.access.tells = true;
    call_revoked(LOCK_BELL);
    for (int i = 0; i < 2; i++)
        assert_int_equal(revoked_locks_end(access_of(), world.now), IDP_OK);
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'lock_revoked'"), 1);
    assert_string_equal(world_text("SELECT lock FROM audit WHERE event = 'lock_revoked'"),
                        world.holders[LOCK_BELL].lock.id);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox WHERE kind = 'mail' AND body LIKE "
                                  "'%\"lock_revoked\"%'"),
                     1);
}

static void certificate_that_no_lock_has_ends_nothing(void **state)
{
    (void)state;
    struct browser bell = signed_in(LOCK_BELL);
    world_sql("INSERT INTO revoked (number, certificate, authority, issuer, serial, revoked_at, "
              "reason, source, learned) VALUES (1, 'b3RoZXI', 'one', '', '01', 0, 1, 'crl', 0)");
    assert_int_equal(revoked_locks_end(access_of(), world.now), IDP_OK);
    assert_true(is_signed_in(&bell));
    assert_int_equal(open_rows(), 0);
}

static enum idp_err renew_in(struct sql_tx *tx, void *with)
{
    return lock_renew(tx, with);
}

/* Another certificate of the lock signed in. */
static void renew(void)
{
    struct lock lock = world.holders[LOCK_BELL].lock;
    lock.certificate_hash = "bmV3";
    assert_int_equal(sql_transact(world.app.db, renew_in, &lock), IDP_OK);
    world_forget_holder(LOCK_BELL);
}

/* A session from before the certificate was renewed rests on the lock, which is good again, and
 * its authority says that nothing was wrong with the old key. */
static void renewed_lock_goes_on(void **state)
{
    (void)state;
    struct browser bell = signed_in(LOCK_BELL);
    call_revoked(LOCK_BELL);
    world_sql("UPDATE revoked SET reason = 4"); /* superseded */
    renew();
    assert_int_equal(revoked_locks_end(access_of(), world.now), IDP_OK);
    assert_true(is_signed_in(&bell));
    assert_int_equal(open_rows(), 0);
}

/* Attack: a stolen lock is signed in with; the company renews its certificate, has the old one
 * revoked, and the thief went on for as long as a family of refresh tokens lives. */
static void certificate_from_before_a_renewal_takes_what_it_gave_with_it(void **state)
{
    (void)state;
    world.app.access.tells = true;
    struct browser bell = signed_in(LOCK_BELL);
    const struct grant *offline = granted_offline(CLIENT_OTHER, &bell);
    call_revoked(LOCK_BELL);
    renew();
    assert_int_equal(revoked_locks_end(access_of(), world.now), IDP_OK);
    assert_false(is_signed_in(&bell));
    assert_false(lives(offline));
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'lock_revoked'"), 1);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox WHERE kind = 'mail'"), 0);
}

static void all_that_are_open_are_carried_out(void **state)
{
    (void)state;
    struct browser browsers[] = {signed_in(LOCK_BELL), signed_in(LOCK_HARBOUR)};
    call_revoked(LOCK_BELL);
    call_revoked(LOCK_HARBOUR);
    assert_int_equal(revoked_locks_end(access_of(), world.now), IDP_OK);
    assert_false(is_signed_in(&browsers[0]) || is_signed_in(&browsers[1]));
}

static void store_that_is_down_leaves_it_for_the_next_time(void **state)
{
    (void)state;
    struct browser bell = signed_in(LOCK_BELL);
    const struct grant *offline = granted_offline(CLIENT_OTHER, &bell);
    call_revoked(LOCK_BELL);
    world_sql_is_down(true);
    assert_int_equal(revoked_locks_end(access_of(), world.now), IDP_UNAVAILABLE);
    world_sql_is_down(false);
    assert_int_equal(open_rows(), 1);
    world_kv_is_down(true);
    assert_int_equal(revoked_locks_end(access_of(), world.now), IDP_UNAVAILABLE);
    world_kv_is_down(false);
    assert_int_equal(open_rows(), 0); /* ended in SQL: the outbox goes on with the copies */
    assert_int_equal(outbox_deliver(access_of(), OUTBOX_TOMBSTONES, (world.now + 3) * 1000),
                     IDP_OK);
    assert_false(lives(offline));
    assert_false(is_signed_in(&bell));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(sessions_and_grants_of_the_lock_end_and_no_others),
        WORLD_TEST(the_binding_stays_for_a_renewed_certificate),
        WORLD_TEST(it_is_noted_and_the_enterprise_told_once),
        WORLD_TEST(certificate_that_no_lock_has_ends_nothing),
        WORLD_TEST(renewed_lock_goes_on),
        WORLD_TEST(certificate_from_before_a_renewal_takes_what_it_gave_with_it),
        WORLD_TEST(all_that_are_open_are_carried_out),
        WORLD_TEST(store_that_is_down_leaves_it_for_the_next_time),
    };
    return cmocka_run_group_tests_name("access/revoked_locks", tests, world_prepare, world_forget);
}
