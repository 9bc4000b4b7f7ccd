/* Signing in while an authority is down, by a list that allows it for a time; and what becomes of
 * it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/ocsp.h>

#include "access/degraded.h"
#include "access/revoked_locks.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "tests/portal/visiting.h"

/* By the list from now on, whose authorities have answered an hour ago and cannot be had now. */
static void degrade(void)
{
    struct browser browser = visit();
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    world.now += 3600;
    world.ocsp_sent = IDP_FULL; /* something comes, which does not count: no circuit opens */
    world.degraded_until = "2026-11-23T00:00:00Z";
    assert_int_equal(pki_exchange(world.app.pki, world_trust_without(WORLD_AUTHORITIES)), IDP_OK);
}

/* Somebody who signed in then. */
static struct browser sign_in_degraded(void)
{
    struct browser browser = visit();
    degrade();
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    return browser;
}

/* The authorities can be had again. What was remembered of them for seconds goes with the list. */
static void come_back(int status)
{
    world.ocsp_sent = IDP_OK;
    world.ocsp_status = status;
    assert_int_equal(pki_exchange(world.app.pki, world_trust_without(WORLD_AUTHORITIES)), IDP_OK);
}

static enum idp_err settle(void)
{
    return degraded_settle(&world.app.access, world.now);
}

static bool is_signed_in(const struct browser *browser)
{
    const struct holder *holder = NULL;
    return session_holder(&world.app.access, world.arena, session_of(browser), &holder) == IDP_OK;
}

static int64_t open_rows(void)
{
    return world_number("SELECT COUNT(*) FROM degraded_sign_ins WHERE settled IS NULL");
}

static const char *outcome(void)
{
    return world_text("SELECT outcome FROM degraded_sign_ins WHERE settled IS NOT NULL");
}

static void degraded_sign_in_is_marked_and_stays_open(void **state)
{
    (void)state;
    struct browser browser = sign_in_degraded();
    assert_string_equal(session_of(&browser)->acr, "urn:tamga:acr:lock:degraded");
    assert_int_equal(open_rows(), 1);
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'signed_in' AND detail "
                                  "LIKE '%\"degraded\":true%'"),
                     1);
}

static void usual_sign_in_is_neither(void **state)
{
    (void)state;
    struct browser browser = visit();
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    assert_string_equal(session_of(&browser)->acr, "urn:tamga:acr:lock");
    assert_int_equal(open_rows(), 0);
}

static void without_the_lists_word_nobody_signs_in(void **state)
{
    (void)state;
    struct browser browser = visit();
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    world.now += 3600;
    world.ocsp_sent = IDP_UNAVAILABLE;
    struct browser other = visit();
    expect_error(sign_in(&other, LOCK_BELL, NULL), 503, "lock.status_unavailable");
}

/* A binding outlasts the sign-in: it waits for the authority. */
static void nobody_binds_by_a_degraded_verdict(void **state)
{
    (void)state;
    struct browser browser = visit();
    assert_int_equal(read_to_bind(&browser, LOCK_NEW)->status, 200);
    degrade();
    expect_error(read_to_bind(&browser, LOCK_NEW), 503, "lock.status_unavailable");
}

static void authority_that_is_still_away_leaves_it_open(void **state)
{
    (void)state;
    struct browser browser = sign_in_degraded();
    assert_int_equal(settle(), IDP_OK);
    assert_int_equal(open_rows(), 1);
    assert_true(is_signed_in(&browser));
}

static void good_word_settles_it(void **state)
{
    (void)state;
    struct browser browser = sign_in_degraded();
    come_back(V_OCSP_CERTSTATUS_GOOD);
    assert_int_equal(settle(), IDP_OK);
    assert_int_equal(open_rows(), 0);
    assert_string_equal(outcome(), "good");
    assert_true(is_signed_in(&browser));
}

static void revoked_ends_what_rests_on_it(void **state)
{
    (void)state;
    struct browser browser = sign_in_degraded();
    const struct grant *grant = granted_offline(CLIENT_PLATFORM, &browser);
    come_back(V_OCSP_CERTSTATUS_REVOKED);
    assert_int_equal(settle(), IDP_OK);
    assert_string_equal(outcome(), "revoked");
    assert_false(is_signed_in(&browser));
    assert_int_equal(revoked_locks_end(&world.app.access, world.now), IDP_OK);
    const struct grant *found = NULL;
    assert_int_equal(grant_find(&world.app.access, world.arena, grant->id, &found), IDP_OK);
    assert_true(found->ended);
}

static void lock_that_its_authority_does_not_know_ends_as_well(void **state)
{
    (void)state;
    struct browser browser = sign_in_degraded();
    const struct grant *grant = granted_offline(CLIENT_PLATFORM, &browser);
    come_back(V_OCSP_CERTSTATUS_UNKNOWN);
    assert_int_equal(settle(), IDP_OK);
    assert_string_equal(outcome(), "unknown");
    assert_false(is_signed_in(&browser));
    const struct grant *found = NULL;
    assert_int_equal(grant_find(&world.app.access, world.arena, grant->id, &found), IDP_OK);
    assert_true(found->ended);
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'lock_not_confirmed'"),
                     1);
}

static void lock_of_an_authority_that_left_the_list_ends_as_well(void **state)
{
    (void)state;
    struct browser browser = sign_in_degraded();
    assert_int_equal(pki_exchange(world.app.pki, world_trust_without(OF_ONE)), IDP_OK);
    assert_int_equal(settle(), IDP_OK);
    assert_string_equal(outcome(), "not_listed");
    assert_false(is_signed_in(&browser));
}

/* Nobody speaks for it any more, so nothing will ever confirm it. */
static void certificate_that_ended_meanwhile_is_not_confirmed(void **state)
{
    (void)state;
    struct browser browser = sign_in_degraded();
    (void)granted_offline(CLIENT_PLATFORM, &browser);
    come_back(V_OCSP_CERTSTATUS_GOOD);
    world.now += 4000 * (int64_t)REGION_DAY;
    assert_int_equal(settle(), IDP_OK);
    assert_string_equal(outcome(), "past_asking");
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'lock_not_confirmed'"),
                     1);
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants WHERE ended IS NULL"), 0);
}

/* Attack: one sign-in with a certificate that nothing can be said of, and none of that authority
 * was checked again. */
static void row_that_cannot_be_settled_does_not_stand_before_the_others(void **state)
{
    (void)state;
    static const char *const copies[] = {
        "INSERT INTO degraded_sign_ins (id, certificate, authority, issuer, serial, at) SELECT "
        "'first', '-', authority, issuer, serial, at FROM degraded_sign_ins WHERE id = 'own'",
        "INSERT INTO degraded_sign_ins (id, certificate, authority, issuer, serial, at) SELECT "
        "'last', 'zz', authority, issuer, serial, at FROM degraded_sign_ins WHERE id = 'own'"};
    (void)sign_in_degraded();
    come_back(V_OCSP_CERTSTATUS_GOOD);
    world_sql("UPDATE degraded_sign_ins SET id = 'own'");
    world_sql(copies[0]);
    world_sql(copies[1]);
    assert_int_equal(settle(), IDP_OK);
    assert_string_equal(outcome(), "good");
    assert_int_equal(open_rows(), 2);
}

static void store_that_is_down_settles_nothing(void **state)
{
    (void)state;
    (void)sign_in_degraded();
    come_back(V_OCSP_CERTSTATUS_GOOD);
    world_sql_is_down(true);
    assert_int_equal(settle(), IDP_UNAVAILABLE);
    world_sql_is_down(false);
    assert_int_equal(open_rows(), 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(degraded_sign_in_is_marked_and_stays_open),
        WORLD_TEST(usual_sign_in_is_neither),
        WORLD_TEST(without_the_lists_word_nobody_signs_in),
        WORLD_TEST(nobody_binds_by_a_degraded_verdict),
        WORLD_TEST(authority_that_is_still_away_leaves_it_open),
        WORLD_TEST(good_word_settles_it),
        WORLD_TEST(revoked_ends_what_rests_on_it),
        WORLD_TEST(lock_that_its_authority_does_not_know_ends_as_well),
        WORLD_TEST(lock_of_an_authority_that_left_the_list_ends_as_well),
        WORLD_TEST(certificate_that_ended_meanwhile_is_not_confirmed),
        WORLD_TEST(row_that_cannot_be_settled_does_not_stand_before_the_others),
        WORLD_TEST(store_that_is_down_settles_nothing),
    };
    return cmocka_run_group_tests_name("portal/degraded", tests, world_prepare, world_forget);
}
