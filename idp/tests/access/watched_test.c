/* Whose certificates are watched, and what ends when a lock is on hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access/watched.h"
#include "base/base64.h"
#include "pki/figures.h"
#include "pki/pki.h"
#include "pki/revocation/again.h"
#include "pki/revocation/watch.h"
#include "store/sql.h"
#include "tests/access/world.h"

static struct watch *watch;
static struct watched state_of_job;

static const struct access *access_of(void)
{
    return &world.app.access;
}

static int set_up(void **state)
{
    if (world_set_up(state) != 0)
        return 1;
    const struct watch_hook hook = {.context = &world.app.access, .turned = watched_turned};
    watch = watch_new(world.app.pki, &hook);
    state_of_job = (struct watched){.whole_at = 0};
    return watch == NULL;
}

static int tear_down(void **state)
{
    watch_free(watch);
    return world_tear_down(state);
}

/* A row of the certificate of this lock, seen so long ago. */
static void seen(enum world_lock lock, int64_t ago, const char *reason)
{
    const struct lock_identity who = identity_of(&world.locks[lock]);
    char hash[BASE64URL_LEN(LOCK_HASH_SIZE) + 1];
    char issuer[BASE64URL_LEN(LOCK_HASH_SIZE) + 1];
    base64url_encode(who.certificate_hash, LOCK_HASH_SIZE, hash);
    base64url_encode(who.anchor->hash, LOCK_HASH_SIZE, issuer);
    const struct sql_value params[] = {
        sql_text(hash),           sql_text(who.authority->id),
        sql_text(issuer),         sql_text(who.serial),
        sql_int(who.not_after),   sql_text(reason),
        sql_int(world.now - ago), reason == NULL ? sql_int(world.now - ago) : sql_null()};
    const struct sql_call call = {
        .text = "INSERT INTO certificates (hash, authority, issuer, serial, uscc, not_after, "
                "reason, seen, accepted) VALUES ($1, $2, $3, $4, '', $5, $6, $7, "
                "$8)",
        .params = params,
        .count = 8};
    assert_int_equal(sql_execute(world.sql.real, &call, NULL), IDP_OK);
}

/* Named as if by one turn of the watch: how many of the first authority. */
static size_t named(void)
{
    size_t n = 0;
    assert_int_equal(watched_follow(access_of(), watch, &state_of_job, world.now), IDP_OK);
    for (int i = 0; i < 2; i++)
        n += watch_count(watch, world.holders[i == 0 ? LOCK_BELL : LOCK_PRODUCTION].lock.authority);
    return n;
}

static void those_seen_lately_are_watched(void **state)
{
    (void)state;
    seen(LOCK_BELL, 3600, NULL);
    seen(LOCK_PRODUCTION, 3600, NULL);
    assert_int_equal(named(), 2);
}

static void those_not_seen_for_long_are_not(void **state)
{
    (void)state;
    seen(LOCK_BELL, 40 * 3600, NULL);
    assert_int_equal(named(), 0);
}

static void who_was_refused_for_what_may_be_over_is_watched_and_others_are_not(void **state)
{
    (void)state;
    seen(LOCK_BELL, 60, "lock.status_unavailable");
    seen(LOCK_HARBOUR, 60, "lock.on_hold");
    seen(LOCK_NEW, 60, "lock.revoked");
    assert_int_equal(named(), 2);
}

/* Attack: who is signed in with a stolen lock asks to bind it again, is refused, and was not
 * watched any more. */
static void who_was_accepted_is_watched_whatever_was_refused_since(void **state)
{
    (void)state;
    seen(LOCK_BELL, 60, NULL);
    world_sql("UPDATE certificates SET reason = 'lock.already_bound'");
    assert_int_equal(named(), 1);
}

/* The lock has another certificate; what the one before gave is still in use. */
static void certificate_from_before_a_renewal_is_watched(void **state)
{
    (void)state;
    struct browser bell = signed_in(LOCK_BELL);
    (void)granted_offline(CLIENT_PLATFORM, &bell);
    seen(LOCK_BELL, 20 * (int64_t)REGION_DAY, NULL);
    world_sql("INSERT INTO former_certificates (lock, certificate) SELECT l.id, "
              "l.certificate_hash FROM locks l JOIN certificates c ON c.hash = l.certificate_hash");
    world_sql("UPDATE locks SET certificate_hash = 'bmV3'");
    assert_int_equal(named(), 1);
    world_sql("UPDATE grants SET ended = 1");
    world.now += WATCHED_WHOLE_S;
    assert_int_equal(named(), 0);
}

static void offline_access_is_watched_however_long_ago_it_was_given(void **state)
{
    (void)state;
    struct browser bell = signed_in(LOCK_BELL);
    (void)granted_offline(CLIENT_PLATFORM, &bell);
    seen(LOCK_BELL, 20 * (int64_t)REGION_DAY, NULL);
    assert_int_equal(named(), 1);
    world_sql("UPDATE grants SET ended = 1");
    world.now += WATCHED_WHOLE_S;
    assert_int_equal(named(), 0);
}

static void those_that_are_new_come_in_between(void **state)
{
    (void)state;
    seen(LOCK_BELL, 60, NULL);
    assert_int_equal(named(), 1);
    world.now += 5;
    seen(LOCK_HARBOUR, 0, NULL);
    assert_int_equal(named(), 2);
}

static void database_that_is_down_is_not_an_empty_list(void **state)
{
    (void)state;
    seen(LOCK_BELL, 60, NULL);
    assert_int_equal(named(), 1);
    world.now += WATCHED_WHOLE_S;
    world_sql_is_down(true);
    assert_int_equal(watched_follow(access_of(), watch, &state_of_job, world.now), IDP_UNAVAILABLE);
    world_sql_is_down(false);
    assert_int_equal(watch_count(watch, world.holders[LOCK_BELL].lock.authority), 1);
}

/* --- what is found --------------------------------------------------------------------------- */

static struct seen_certificate bells_certificate(void)
{
    const struct lock_identity who = identity_of(&world.locks[LOCK_BELL]);
    struct seen_certificate certificate = {.authority = who.authority->id, .serial = who.serial};
    for (size_t i = 0; i < LOCK_HASH_SIZE; i++)
        certificate.hash[i] = who.certificate_hash[i];
    return certificate;
}

static enum idp_err turn(const struct seen_certificate *certificate, enum verdict_says says)
{
    const struct verdict verdict = {.says = says};
    return watched_turned(&world.app.access, certificate, &verdict, world.now);
}

static enum idp_err turn_to(enum verdict_says says)
{
    const struct seen_certificate certificate = bells_certificate();
    return turn(&certificate, says);
}

static bool is_signed_in(const struct browser *browser)
{
    const struct holder *holder = NULL;
    return session_holder(access_of(), world.arena, session_of(browser), &holder) == IDP_OK;
}

static void nothing_rests_on_a_lock_that_is_on_hold_or_whose_issuer_is_revoked(void **state)
{
    (void)state;
    static const enum verdict_says against[] = {VERDICT_ON_HOLD, VERDICT_ISSUER_REVOKED};
    for (size_t i = 0; i < 2; i++) {
        world.now++;
        struct browser bell = signed_in(LOCK_BELL);
        assert_true(is_signed_in(&bell));
        assert_int_equal(turn_to(against[i]), IDP_OK);
        assert_false(is_signed_in(&bell));
    }
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'lock_on_hold'"), 1);
}

/* The watch comes back to it: nothing else would. */
static void database_that_is_down_is_told_to_the_watch(void **state)
{
    (void)state;
    const struct seen_certificate certificate = bells_certificate();
    world_sql_is_down(true);
    assert_int_equal(turn(&certificate, VERDICT_ON_HOLD), IDP_UNAVAILABLE);
    world_sql_is_down(false);
}

static void service_that_knows_nobody_ends_nothing(void **state)
{
    (void)state;
    struct browser bell = signed_in(LOCK_BELL);
    assert_int_equal(turn_to(VERDICT_UNKNOWN), IDP_OK);
    assert_int_equal(turn_to(VERDICT_UNAVAILABLE), IDP_OK);
    assert_int_equal(turn_to(VERDICT_GOOD), IDP_OK);
    assert_true(is_signed_in(&bell));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(those_seen_lately_are_watched),
        TEST(those_not_seen_for_long_are_not),
        TEST(who_was_refused_for_what_may_be_over_is_watched_and_others_are_not),
        TEST(who_was_accepted_is_watched_whatever_was_refused_since),
        TEST(certificate_from_before_a_renewal_is_watched),
        TEST(offline_access_is_watched_however_long_ago_it_was_given),
        TEST(those_that_are_new_come_in_between),
        TEST(database_that_is_down_is_not_an_empty_list),
        TEST(nothing_rests_on_a_lock_that_is_on_hold_or_whose_issuer_is_revoked),
        TEST(database_that_is_down_is_told_to_the_watch),
        TEST(service_that_knows_nobody_ends_nothing),
    };
    return cmocka_run_group_tests_name("access/watched", tests, world_prepare, world_forget);
}
