#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/access.h"
#include "access/grant.h"
#include "access/outbox.h"
#include "access/revoke.h"
#include "base/lane.h"
#include "base/random.h"
#include "store/kv.h"
#include "tests/access/world.h"

static const struct grant *find(const struct grant *grant)
{
    const struct grant *found = NULL;
    assert_int_equal(grant_find(&world.app.access, world.arena, grant->id, &found), IDP_OK);
    return found;
}

static enum idp_err look_for(const struct grant *grant)
{
    const struct grant *found = NULL;
    return grant_find(&world.app.access, world.arena, grant->id, &found);
}

static struct grant *usual(void)
{
    struct browser browser = signed_in(LOCK_BELL);
    return granted(CLIENT_PLATFORM, &browser);
}

static struct kv_bytes key_of(const struct grant *grant)
{
    return (struct kv_bytes){grant->id, GRANT_ID_SIZE};
}

static void forget_copy(const struct grant *grant)
{
    (void)kv_take(world.kv.real, KV_GRANT, key_of(grant), NULL, NULL);
}

static void expect_same(const struct grant *a, const struct grant *b)
{
    assert_memory_equal(a->id, b->id, GRANT_ID_SIZE);
    assert_string_equal(a->client, b->client);
    assert_string_equal(a->enterprise, b->enterprise);
    assert_string_equal(a->lock, b->lock);
    assert_string_equal(a->session, b->session);
    assert_string_equal(a->scope, b->scope);
    assert_string_equal(a->acr, b->acr);
    assert_string_equal(a->amr, b->amr);
    assert_int_equal(a->claims.userinfo, b->claims.userinfo);
    assert_int_equal(a->claims.id_token, b->claims.id_token);
    assert_int_equal(a->auth_time, b->auth_time);
    assert_int_equal(a->created, b->created);
    assert_int_equal(a->ended, b->ended);
}

static void grant_is_found_as_it_was_made(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    world_sql_is_down(true); /* from the copy */
    expect_same(find(grant), grant);
}

static void grant_whose_copy_was_lost_is_found_as_it_was_made(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    world_lose_kv();
    expect_same(find(grant), grant);
    world_sql_is_down(true); /* the copy is there again */
    expect_same(find(grant), grant);
}

static void copy_that_cannot_be_read_is_as_good_as_none(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    assert_int_equal(
        kv_put(world.kv.real, KV_GRANT, key_of(grant), kv_text("of another version"), 60000),
        IDP_OK);
    expect_same(find(grant), grant);
}

static void unknown_grant_is_not_found(void **state)
{
    (void)state;
    struct grant grant = {.client = NULL};
    assert_int_equal(random_bytes(grant.id, sizeof(grant.id)), IDP_OK);
    assert_int_equal(look_for(&grant), IDP_NOT_FOUND);
}

static void dead_stores_are_not_an_unknown_grant(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    world_kv_is_down(true);
    assert_int_equal(look_for(grant), IDP_UNAVAILABLE);
    world_kv_is_down(false);
    forget_copy(grant);
    world_sql_is_down(true);
    assert_int_equal(look_for(grant), IDP_UNAVAILABLE);
}

static void network_thread_is_told_to_wait_on_a_miss_only(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    lane_set_may_wait(false);
    assert_int_equal(look_for(grant), IDP_OK);
    forget_copy(grant);
    assert_int_equal(look_for(grant), IDP_WAIT);
    lane_set_may_wait(true);
    assert_int_equal(look_for(grant), IDP_OK);
}

/* --- making ---------------------------------------------------------------------------------- */

static enum idp_err make(struct grant *grant, const char *code_hash)
{
    const struct grant_code code = {.hash = code_hash, .issued = world.now};
    return grant_make(&world.app.access, world.arena, grant, &code);
}

static enum idp_err make_again(const char *code_hash)
{
    struct grant grant = *usual();
    return make(&grant, code_hash);
}

static void one_code_makes_one_grant(void **state)
{
    (void)state;
    unsigned char id[GRANT_ID_SIZE];
    assert_int_equal(make_again("the one code"), IDP_OK);
    assert_int_equal(make_again("the one code"), IDP_CONFLICT);
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants WHERE code_hash = 'the one code'"),
                     1);
    assert_int_equal(grant_find_by_code(&world.app.access, world.arena, "the one code", id),
                     IDP_OK);
    assert_int_equal(grant_find_by_code(&world.app.access, world.arena, "another", id),
                     IDP_NOT_FOUND);
}

/* docs/security.md row 9: the row is written only where everybody is in good standing, in one
 * statement. */
static void nobody_in_bad_standing_gets_a_grant(void **state)
{
    (void)state;
    static const char *const undo[][2] = {
        {"UPDATE clients SET standing = 'suspended'", "UPDATE clients SET standing = 'active'"},
        {"UPDATE clients SET standing = 'announced'", "UPDATE clients SET standing = 'active'"},
        {"UPDATE enterprises SET standing = 'suspended'",
         "UPDATE enterprises SET standing = 'active'"},
        {"UPDATE locks SET unbound = 1", "UPDATE locks SET unbound = NULL"},
    };
    struct grant grant = *usual();
    int64_t before = world_number("SELECT COUNT(*) FROM grants");
    for (size_t i = 0; i < 4; i++) {
        world_sql(undo[i][0]);
        assert_int_equal(make(&grant, "a code"), IDP_DENIED);
        world_sql(undo[i][1]);
    }
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants"), before);
    assert_int_equal(make(&grant, "a code"), IDP_OK);
}

static void lock_of_another_enterprise_gets_no_grant(void **state)
{
    (void)state;
    struct grant grant = *usual();
    grant.lock = world.holders[LOCK_HARBOUR].lock.id;
    assert_int_equal(make(&grant, "a code"), IDP_DENIED);
}

static void grant_stands_when_its_copy_could_not_be_put(void **state)
{
    (void)state;
    struct grant grant = *usual();
    world_kv_is_down(true);
    assert_int_equal(make(&grant, "a code"), IDP_OK);
    world_kv_is_down(false);
    expect_same(find(&grant), &grant);
}

static void dead_database_makes_no_grant(void **state)
{
    (void)state;
    struct grant grant = *usual();
    world_sql_is_down(true);
    assert_int_equal(make(&grant, "a code"), IDP_UNAVAILABLE);
    world_sql_is_down(false);
    assert_int_equal(look_for(&grant), IDP_NOT_FOUND);
}

/* --- ending ---------------------------------------------------------------------------------- */

static enum idp_err revoke(const struct grant *grant)
{
    return revoke_grant(&world.app.access, world.arena, grant->id, "test", world.now);
}

static void revoked_grant_is_ended_everywhere(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    assert_int_equal(revoke(grant), IDP_OK);
    assert_true(find(grant)->ended);
    forget_copy(grant);
    assert_true(find(grant)->ended);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox WHERE delivered IS NULL"), 0);
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'grant_ended'"), 1);
    assert_string_equal(world_text("SELECT ended_why FROM grants WHERE ended IS NOT NULL"), "test");
}

static void revoking_twice_is_no_error_and_one_end(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    assert_int_equal(revoke(grant), IDP_OK);
    world.now += 100;
    assert_int_equal(revoke(grant), IDP_OK);
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'grant_ended'"), 1);
    assert_int_equal(world_number("SELECT ended FROM grants"), REGION_NOW);
}

static void revoking_one_grant_leaves_the_others(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct grant *one = granted(CLIENT_PLATFORM, &browser);
    const struct grant *two = granted(CLIENT_OTHER, &browser);
    assert_int_equal(revoke(one), IDP_OK);
    assert_true(find(one)->ended);
    assert_false(find(two)->ended);
}

/* Whoever found no copy and read the row before it was ended puts what it read after the tombstone:
 * it adds, and the tombstone stands. */
static void tombstone_beats_a_late_refill(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    assert_int_equal(grant_bury(&world.app.access, grant->id), IDP_OK);
    world.kv.calls = FAULTY_GET; /* as it was before */
    world.kv.error = IDP_NOT_FOUND;
    assert_false(find(grant)->ended);
    world.kv.error = IDP_OK;
    assert_true(find(grant)->ended);
}

static void store_that_lost_the_tombstone_revives_nothing(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    assert_int_equal(revoke(grant), IDP_OK);
    world_lose_kv();
    assert_true(find(grant)->ended);
    world_sql_is_down(true); /* the refill was a tombstone */
    assert_true(find(grant)->ended);
}

static void sign_out_ends_the_sessions_grants_only(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct browser another = signed_in(LOCK_BELL);
    const struct grant *ours[] = {granted(CLIENT_PLATFORM, &browser),
                                  granted(CLIENT_OTHER, &browser)};
    const struct grant *theirs = granted(CLIENT_PLATFORM, &another);
    assert_int_equal(
        revoke_session(&world.app.access, world.arena, session_of(&browser), "test", world.now),
        IDP_OK);
    assert_null(session_of(&browser));
    assert_true(find(ours[0])->ended && find(ours[1])->ended);
    assert_false(find(theirs)->ended);
}

/* docs/security.md row 8. */
static void database_that_fails_revokes_nothing_at_all(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    world_sql_is_down(true);
    assert_int_equal(revoke(grant), IDP_UNAVAILABLE);
    world_sql_is_down(false);
    assert_false(find(grant)->ended);
    forget_copy(grant);
    assert_false(find(grant)->ended);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox"), 0);
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'grant_ended'"), 0);
}

static void caller_does_not_hear_success_before_the_tombstone_stands(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    world.kv.error = IDP_UNAVAILABLE;
    world.kv.calls = FAULTY_PUT;
    world.kv.kinds = 1u << KV_GRANT;
    assert_int_equal(revoke(grant), IDP_UNAVAILABLE);
    assert_int_equal(revoke(grant), IDP_UNAVAILABLE); /* nor when asked again */
    world_kv_is_down(false);
    assert_int_equal(revoke(grant), IDP_OK);
    assert_true(find(grant)->ended);
}

/* --- the outbox ------------------------------------------------------------------------------ */

/* The program died between the commit and the tombstone: the copy says the grant is good. */
static void die_before_the_tombstone(const struct grant *grant)
{
    world.kv.error = IDP_UNAVAILABLE;
    world.kv.calls = FAULTY_PUT;
    world.kv.kinds = 1u << KV_GRANT;
    assert_int_equal(revoke(grant), IDP_UNAVAILABLE);
    world_kv_is_down(false);
    assert_false(find(grant)->ended);
}

static enum idp_err deliver(int64_t after_ms)
{
    return outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, world.now * 1000 + after_ms);
}

static void outbox_puts_the_tombstone_that_a_crash_left_out(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    die_before_the_tombstone(grant);
    assert_int_equal(deliver(1999), IDP_OK); /* its writer may still be at it */
    assert_false(find(grant)->ended);
    assert_int_equal(deliver(2000), IDP_OK);
    assert_true(find(grant)->ended);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox WHERE delivered IS NULL"), 0);
}

static void outbox_tries_again_later_and_later(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    die_before_the_tombstone(grant);
    world_kv_is_down(true);
    int64_t longest = 1000;
    for (int i = 0; i < 9; i++) {
        int64_t due = world_number("SELECT due_ms FROM outbox");
        assert_int_equal(deliver(due - world.now * 1000), IDP_OK);
        int64_t wait = world_number("SELECT due_ms FROM outbox") - due;
        assert_true(wait > longest * 3 / 4 && wait <= longest);
        longest = longest < 8000 ? longest * 2 : 10000;
    }
    assert_int_equal(world_number("SELECT attempts FROM outbox"), 9);
    world_kv_is_down(false);
    assert_false(find(grant)->ended);
    assert_int_equal(deliver(world_number("SELECT due_ms FROM outbox") - world.now * 1000), IDP_OK);
    assert_true(find(grant)->ended);
}

static void row_that_cannot_be_delivered_does_not_stop_the_others(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    world_sql("INSERT INTO outbox (id, kind, target, body, created, due_ms, attempts) "
              "VALUES ('a', 'tombstone', 'no grant', '', 0, 0, 0)");
    world_sql("INSERT INTO outbox (id, kind, target, body, created, due_ms, attempts) "
              "VALUES ('b', 'pigeon', '', '', 0, 1, 0)");
    die_before_the_tombstone(grant);
    assert_int_equal(deliver(5000), IDP_OK);
    assert_true(find(grant)->ended);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox WHERE delivered IS NULL"), 2);
}

static void what_was_delivered_is_not_delivered_again(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    assert_int_equal(revoke(grant), IDP_OK);
    world_kv_is_down(true);
    assert_int_equal(deliver(100000), IDP_OK);
    assert_int_equal(world_number("SELECT attempts FROM outbox"), 0);
}

static void dead_database_is_an_error_to_the_outbox(void **state)
{
    (void)state;
    world_sql_is_down(true);
    assert_int_equal(deliver(0), IDP_UNAVAILABLE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(grant_is_found_as_it_was_made),
        WORLD_TEST(grant_whose_copy_was_lost_is_found_as_it_was_made),
        WORLD_TEST(copy_that_cannot_be_read_is_as_good_as_none),
        WORLD_TEST(unknown_grant_is_not_found),
        WORLD_TEST(dead_stores_are_not_an_unknown_grant),
        WORLD_TEST(network_thread_is_told_to_wait_on_a_miss_only),
        WORLD_TEST(one_code_makes_one_grant),
        WORLD_TEST(nobody_in_bad_standing_gets_a_grant),
        WORLD_TEST(lock_of_another_enterprise_gets_no_grant),
        WORLD_TEST(grant_stands_when_its_copy_could_not_be_put),
        WORLD_TEST(dead_database_makes_no_grant),
        WORLD_TEST(revoked_grant_is_ended_everywhere),
        WORLD_TEST(revoking_twice_is_no_error_and_one_end),
        WORLD_TEST(revoking_one_grant_leaves_the_others),
        WORLD_TEST(tombstone_beats_a_late_refill),
        WORLD_TEST(store_that_lost_the_tombstone_revives_nothing),
        WORLD_TEST(sign_out_ends_the_sessions_grants_only),
        WORLD_TEST(database_that_fails_revokes_nothing_at_all),
        WORLD_TEST(caller_does_not_hear_success_before_the_tombstone_stands),
        WORLD_TEST(outbox_puts_the_tombstone_that_a_crash_left_out),
        WORLD_TEST(outbox_tries_again_later_and_later),
        WORLD_TEST(row_that_cannot_be_delivered_does_not_stop_the_others),
        WORLD_TEST(what_was_delivered_is_not_delivered_again),
        WORLD_TEST(dead_database_is_an_error_to_the_outbox),
    };
    return cmocka_run_group_tests_name("access/grant", tests, world_prepare, world_forget);
}
