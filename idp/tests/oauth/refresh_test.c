#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/revoke.h"
#include "oauth/token.h"
#include "store/kv.h"
#include "tests/oauth/asking.h"

static const char *first_token(void)
{
    return member_text(offline_tokens(CLIENT_PLATFORM, LOCK_BELL), "refresh_token");
}

static const struct answer *use(const char *token)
{
    return refresh(CLIENT_PLATFORM, token, NULL);
}

/* The successor. */
static const char *rotate(const char *token)
{
    const struct answer *answer = use(token);
    assert_int_equal(answer->status, 200);
    const char *successor = member_text(answer, "refresh_token");
    assert_non_null(successor);
    return successor;
}

static bool is_active(const char *token)
{
    return json_is_true(member(introspect(token), "active"));
}

static int64_t living_grants(void)
{
    return world_number("SELECT COUNT(*) FROM grants WHERE ended IS NULL");
}

/* --- good ------------------------------------------------------------------------------------- */

static void refresh_token_brings_tokens_and_its_successor(void **state)
{
    (void)state;
    const struct answer *first = offline_tokens(CLIENT_PLATFORM, LOCK_BELL);
    const char *token = member_text(first, "refresh_token");
    world.now += 3600;
    const struct answer *answer = use(token);
    assert_int_equal(answer->status, 200);
    assert_int_equal(json_object_size(answer->json), 6);
    assert_string_equal(member_text(answer, "token_type"), "Bearer");
    assert_int_equal(json_integer_value(member(answer, "expires_in")), 600);
    assert_string_equal(member_text(answer, "scope"), "openid enterprise offline_access");
    assert_string_not_equal(member_text(answer, "refresh_token"), token);
    assert_true(is_active(member_text(answer, "access_token")));
    assert_string_equal(member_text(userinfo(member_text(answer, "access_token")), "sub"),
                        world.holders[LOCK_BELL].enterprise.id);
    assert_non_null(rotate(member_text(answer, "refresh_token")));
}

/* docs/claims.md: a platform may refuse it by either. */
static void degraded_sign_in_shows_in_every_token_and_answer(void **state)
{
    (void)state;
    const struct answer *first = offline_tokens(CLIENT_PLATFORM, LOCK_BELL);
    assert_null(member(introspect(member_text(first, "access_token")), "lock_status"));
    world_sql("UPDATE grants SET acr = 'urn:tamga:acr:lock:degraded'");
    world_lose_kv();
    const struct answer *second = use(member_text(first, "refresh_token"));
    const struct answer *told[] = {
        introspect(member_text(second, "access_token")),
        introspect_as(CLIENT_PLATFORM, member_text(second, "refresh_token")),
    };
    const json_t *token = payload_of(member_text(second, "id_token"), "ES256");
    assert_string_equal(json_string_value(json_object_get(token, "lock_status")), "degraded");
    assert_string_equal(json_string_value(json_object_get(token, "acr")),
                        "urn:tamga:acr:lock:degraded");
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(member_text(told[i], "lock_status"), "degraded");
        assert_string_equal(member_text(told[i], "acr"), "urn:tamga:acr:lock:degraded");
    }
}

/* OpenID Connect Core section 12.2. */
static void id_token_says_what_the_first_one_said_and_no_nonce(void **state)
{
    (void)state;
    static const char *const same[] = {"iss", "sub", "aud", "auth_time", "acr", "amr"};
    const struct answer *first = offline_tokens(CLIENT_PLATFORM, LOCK_BELL);
    world.now += 3600;
    const struct answer *second = use(member_text(first, "refresh_token"));
    const json_t *before = payload_of(member_text(first, "id_token"), "ES256");
    const json_t *after = payload_of(member_text(second, "id_token"), "ES256");
    for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
        assert_true(json_equal(json_object_get(before, same[i]), json_object_get(after, same[i])));
    assert_int_equal(json_integer_value(json_object_get(after, "iat")), world.now);
    assert_null(json_object_get(after, "nonce"));
    assert_non_null(json_object_get(before, "nonce"));
}

static void public_client_gets_another_token_each_time(void **state)
{
    (void)state;
    const char *token = member_text(offline_tokens(CLIENT_PUBLIC, LOCK_BELL), "refresh_token");
    const struct answer *answer = refresh(CLIENT_PUBLIC, token, NULL);
    assert_int_equal(answer->status, 200);
    assert_string_not_equal(member_text(answer, "refresh_token"), token);
}

static void only_offline_access_brings_a_refresh_token(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct redeeming redeeming =
        redeeming_of(CLIENT_PLATFORM, agreed_code(CLIENT_PLATFORM, &browser, "openid enterprise"));
    assert_null(member(redeem(&redeeming), "refresh_token"));
    /* Registered for it when it asked, and not any more when it redeems. */
    const char *code = agreed_code(CLIENT_OTHER, &browser, "openid offline_access");
    redeeming = redeeming_of(CLIENT_OTHER, code);
    const struct answer *answer = redeem(&redeeming);
    assert_int_equal(answer->status, 200);
    assert_null(member(answer, "refresh_token"));
}

static void store_that_restarted_empty_changes_nothing(void **state)
{
    (void)state;
    const char *token = first_token();
    world_lose_kv();
    assert_non_null(rotate(token));
}

static void signing_out_leaves_offline_access(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const char *code = agreed_code(CLIENT_PLATFORM, &browser, "openid enterprise offline_access");
    const struct redeeming redeeming = redeeming_of(CLIENT_PLATFORM, code);
    const struct answer *answer = redeem(&redeeming);
    assert_int_equal(revoke_session(&world.app.access, world.arena, session_of(&browser),
                                    "signed_out", world.now),
                     IDP_OK);
    assert_true(is_active(member_text(answer, "access_token")));
    assert_non_null(rotate(member_text(answer, "refresh_token")));
}

/* --- scope (RFC 6749 section 6) --------------------------------------------------------------- */

static void narrower_scope_holds_for_these_tokens_only(void **state)
{
    (void)state;
    const char *token = first_token();
    const struct answer *answer = refresh(CLIENT_PLATFORM, token, "openid nonsense");
    assert_int_equal(answer->status, 200);
    assert_string_equal(member_text(answer, "scope"), "openid");
    const char *access_token = member_text(answer, "access_token");
    assert_string_equal(member_text(introspect(access_token), "scope"), "openid");
    const struct answer *who = userinfo(access_token);
    assert_string_equal(member_text(who, "sub"), world.holders[LOCK_BELL].enterprise.id);
    assert_null(member(who, "uscc"));
    answer = use(member_text(answer, "refresh_token"));
    assert_string_equal(member_text(answer, "scope"), "openid enterprise offline_access");
    assert_string_equal(member_text(userinfo(member_text(answer, "access_token")), "uscc"),
                        REGION_USCC);
}

static void without_openid_there_is_no_id_token(void **state)
{
    (void)state;
    const struct answer *answer = refresh(CLIENT_PLATFORM, first_token(), "enterprise");
    assert_int_equal(answer->status, 200);
    assert_string_equal(member_text(answer, "scope"), "enterprise");
    assert_null(member(answer, "id_token"));
}

/* docs/security.md row 11. A scope that is refused uses up no token. */
static void scope_that_was_not_granted_is_refused(void **state)
{
    (void)state;
    const char *token = first_token();
    static const char *const scopes[] = {"openid email", "lock", "nonsense", "OPENID"};
    for (size_t i = 0; i < 4; i++)
        expect_error(refresh(CLIENT_PLATFORM, token, scopes[i]), 400, "invalid_scope");
    assert_non_null(rotate(token));
}

static void scope_that_the_client_lost_is_left_out(void **state)
{
    (void)state;
    const char *token = first_token();
    world_sql("UPDATE clients SET metadata = replace(metadata, 'openid enterprise lock', "
              "'openid lock') WHERE id = 'platform'");
    world_forget_clients();
    assert_string_equal(member_text(use(token), "scope"), "openid offline_access");
}

/* --- used twice ------------------------------------------------------------------------------- */

static void repeat_within_the_grace_gets_the_same_successor(void **state)
{
    (void)state;
    const char *token = first_token();
    const char *successor = rotate(token);
    world.now += 10;
    assert_string_equal(rotate(token), successor);
    assert_string_equal(rotate(token), successor);
    assert_int_equal(world_number("SELECT number FROM refresh_families"), 2);
    assert_non_null(rotate(successor));
}

static void expect_all_dead(const char *access_token, const char *refresh_token)
{
    assert_int_equal(living_grants(), 0);
    assert_false(is_active(access_token));
    expect_error(userinfo(access_token), 401, "invalid_token");
    expect_error(use(refresh_token), 400, "invalid_grant");
    assert_string_equal(world_text("SELECT ended_why FROM grants"), "refresh_token_used_twice");
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'grant_ended' AND "
                                  "detail = '{\"why\":\"refresh_token_used_twice\"}'"),
                     1);
}

static void repeat_after_the_grace_ends_the_family(void **state)
{
    (void)state;
    const char *token = first_token();
    const struct answer *answer = use(token);
    world.now += 11;
    expect_error(use(token), 400, "invalid_grant");
    expect_all_dead(member_text(answer, "access_token"), member_text(answer, "refresh_token"));
}

/* Another node's clock is so far behind that to it the token has not been used yet. */
static void clock_that_is_behind_prolongs_no_grace(void **state)
{
    (void)state;
    const char *token = first_token();
    const struct answer *answer = use(token);
    world.now -= 11;
    expect_error(use(token), 400, "invalid_grant");
    expect_all_dead(member_text(answer, "access_token"), member_text(answer, "refresh_token"));
}

static void older_one_ends_the_family_also_within_the_grace(void **state)
{
    (void)state;
    const char *token = first_token();
    const struct answer *answer = use(rotate(token));
    expect_error(use(token), 400, "invalid_grant");
    expect_all_dead(member_text(answer, "access_token"), member_text(answer, "refresh_token"));
}

/* The database came back from a copy that was older than this token. */
static void one_that_was_not_made_yet_ends_the_family(void **state)
{
    (void)state;
    const struct answer *answer = use(first_token());
    world_sql("UPDATE refresh_families SET number = 1");
    expect_error(use(member_text(answer, "refresh_token")), 400, "invalid_grant");
    assert_int_equal(living_grants(), 0);
}

static void without_a_grace_every_repeat_ends_the_family(void **state)
{
    (void)state;
    world.app.access.refresh_grace_s = 0;
    const char *token = first_token();
    const struct answer *answer = use(token);
    expect_error(use(token), 400, "invalid_grant");
    expect_all_dead(member_text(answer, "access_token"), member_text(answer, "refresh_token"));
}

/* docs/security.md row 7: nothing that a restart loses is needed. */
static void old_one_is_refused_after_everything_in_memory_was_lost(void **state)
{
    (void)state;
    const char *token = first_token();
    (void)rotate(token);
    world_lose_kv();
    world_forget_clients();
    world.now += 11;
    expect_error(use(token), 400, "invalid_grant");
    assert_int_equal(living_grants(), 0);
}

/* docs/security.md row 6. */
static void of_many_who_use_one_token_all_get_one_successor(void **state)
{
    (void)state;
    enum { MANY = 64 };
    struct sent sent[MANY];
    const struct answer *answers[MANY];
    const char *token = first_token();
    for (size_t i = 0; i < MANY; i++)
        sent[i] = refreshing(CLIENT_PLATFORM, token, NULL);
    world_send_at_once(sent, MANY, answers);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(answers[i]->status, 200);
        assert_string_equal(member_text(answers[i], "refresh_token"),
                            member_text(answers[0], "refresh_token"));
    }
    assert_int_equal(world_number("SELECT number FROM refresh_families"), 2);
    assert_non_null(rotate(member_text(answers[0], "refresh_token")));
}

static void of_many_without_a_grace_one_succeeds_and_the_family_ends(void **state)
{
    (void)state;
    enum { MANY = 64 };
    struct sent sent[MANY];
    const struct answer *answers[MANY];
    int succeeded = 0;
    world.app.access.refresh_grace_s = 0;
    world.app.config.rate_token_failures = 0;
    const char *token = first_token();
    for (size_t i = 0; i < MANY; i++)
        sent[i] = refreshing(CLIENT_PLATFORM, token, NULL);
    world_send_at_once(sent, MANY, answers);
    for (size_t i = 0; i < MANY; i++) {
        succeeded += answers[i]->status == 200;
        if (answers[i]->status == 200)
            assert_false(is_active(member_text(answers[i], "access_token")));
    }
    assert_int_equal(succeeded, 1);
    assert_int_equal(living_grants(), 0);
}

/* --- refusals --------------------------------------------------------------------------------- */

/* docs/security.md row 4. */
static void token_of_another_client_ends_the_family(void **state)
{
    (void)state;
    const struct answer *first = offline_tokens(CLIENT_PLATFORM, LOCK_BELL);
    expect_error(refresh(CLIENT_PUBLIC, member_text(first, "refresh_token"), NULL), 400,
                 "invalid_grant");
    assert_int_equal(living_grants(), 0);
    assert_false(is_active(member_text(first, "access_token")));
    expect_error(use(member_text(first, "refresh_token")), 400, "invalid_grant");
}

/* docs/security.md row 27. */
static void family_is_over_at_its_end(void **state)
{
    (void)state;
    for (int64_t after = -1; after <= 1; after++) {
        world.now = REGION_NOW;
        const char *token = first_token();
        world.now += 2592000 + after;
        assert_int_equal(use(token)->status, after < 0 ? 200 : 400);
    }
}

/* The family's end does not move with its use. */
static void using_it_makes_the_family_live_no_longer(void **state)
{
    (void)state;
    const char *token = first_token();
    world.now += 2591000;
    token = rotate(token);
    world.now += 1000;
    expect_error(use(token), 400, "invalid_grant");
}

static void what_is_something_else_is_no_refresh_token(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct answer *tokens = offline_tokens(CLIENT_PLATFORM, LOCK_BELL);
    const char *const others[] = {member_text(tokens, "access_token"),
                                  member_text(tokens, "id_token"), browser.cookie,
                                  agreed_code(CLIENT_PLATFORM, &browser, "openid"), "x"};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (strlen(others[i]) <= 512)
            expect_error(use(others[i]), 400, "invalid_grant");
    assert_int_equal(living_grants(), 1);
}

/* docs/security.md row 5. */
static void refresh_token_is_nothing_else(void **state)
{
    (void)state;
    const char *token = first_token();
    const struct redeeming redeeming = redeeming_of(CLIENT_PLATFORM, token);
    expect_error(redeem(&redeeming), 400, "invalid_grant");
    expect_error(userinfo(token), 401, "invalid_token");
    assert_non_null(rotate(token));
}

/* docs/security.md row 20. */
static void made_up_or_altered_token_touches_no_store(void **state)
{
    (void)state;
    const char *good = first_token();
    expect_error(use("x"), 400, "invalid_grant"); /* the client is known */
    world_kv_is_down(true);
    world_sql_is_down(true);
    for (size_t i = 0; i < strlen(good); i++) {
        char *altered = arena_strdup(world.arena, good);
        altered[i] = altered[i] == 'A' ? 'B' : 'A';
        expect_error(use(altered), 400, "invalid_grant");
    }
    world_kv_is_down(false);
    world_sql_is_down(false);
    assert_non_null(rotate(good));
}

static void client_that_is_not_registered_for_it_is_refused(void **state)
{
    (void)state;
    expect_error(refresh(CLIENT_OTHER, first_token(), NULL), 400, "unauthorized_client");
    assert_int_equal(living_grants(), 1);
}

static void malformed_requests_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"grant_type=refresh_token",
                                      "grant_type=refresh_token&refresh_token=",
                                      "grant_type=refresh_token&refresh_token=a&refresh_token=b",
                                      "grant_type=refresh_token&refresh_token=a&scope=b&scope=c"};
    for (size_t i = 0; i < 4; i++)
        expect_error(world_send(&(struct sent){.route = &oauth_token_route,
                                               .body = bad[i],
                                               .authorization = basic(CLIENT_PLATFORM)}),
                     400, "invalid_request");
}

static void authority_that_left_the_trust_list_stops_it(void **state)
{
    (void)state;
    const char *token = first_token();
    world_sql("UPDATE grants SET authority = 'gone'");
    world_lose_kv();
    expect_error(use(token), 400, "invalid_grant");
}

/* --- stores that fail (docs/security.md row 8) ------------------------------------------------ */

static void dead_stores_are_not_a_bad_token(void **state)
{
    (void)state;
    const char *token = first_token();
    world_sql_is_down(true);
    expect_error(use(token), 503, "temporarily_unavailable");
    world_sql_is_down(false);
    world_kv_is_down(true);
    assert_non_null(use(token)->retry_after);
    world_kv_is_down(false);
    assert_non_null(rotate(token));
}

static void reuse_that_could_not_end_the_family_is_an_error_and_ends_it_later(void **state)
{
    (void)state;
    const char *token = first_token();
    const struct answer *answer = use(token);
    world.now += 11;
    world.sql.transact = IDP_UNAVAILABLE;
    world.sql.transactions_left = 1; /* the rotation's own */
    expect_error(use(token), 503, "temporarily_unavailable");
    world.sql.transact = IDP_OK;
    assert_true(is_active(member_text(answer, "access_token"))); /* nothing half revoked */
    expect_error(use(token), 400, "invalid_grant");
    expect_all_dead(member_text(answer, "access_token"), member_text(answer, "refresh_token"));
}

static void reuse_whose_tombstone_could_not_be_put_is_an_error(void **state)
{
    (void)state;
    const char *token = first_token();
    const struct answer *answer = use(token);
    world.now += 11;
    world.kv.error = IDP_UNAVAILABLE;
    world.kv.calls = FAULTY_PUT;
    world.kv.kinds = 1u << KV_GRANT;
    expect_error(use(token), 503, "temporarily_unavailable");
    world_kv_is_down(false);
    expect_error(use(member_text(answer, "refresh_token")), 400, "invalid_grant");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(refresh_token_brings_tokens_and_its_successor),
        WORLD_TEST(degraded_sign_in_shows_in_every_token_and_answer),
        WORLD_TEST(id_token_says_what_the_first_one_said_and_no_nonce),
        WORLD_TEST(public_client_gets_another_token_each_time),
        WORLD_TEST(only_offline_access_brings_a_refresh_token),
        WORLD_TEST(store_that_restarted_empty_changes_nothing),
        WORLD_TEST(signing_out_leaves_offline_access),
        WORLD_TEST(narrower_scope_holds_for_these_tokens_only),
        WORLD_TEST(without_openid_there_is_no_id_token),
        WORLD_TEST(scope_that_was_not_granted_is_refused),
        WORLD_TEST(scope_that_the_client_lost_is_left_out),
        WORLD_TEST(repeat_within_the_grace_gets_the_same_successor),
        WORLD_TEST(repeat_after_the_grace_ends_the_family),
        WORLD_TEST(clock_that_is_behind_prolongs_no_grace),
        WORLD_TEST(older_one_ends_the_family_also_within_the_grace),
        WORLD_TEST(one_that_was_not_made_yet_ends_the_family),
        WORLD_TEST(without_a_grace_every_repeat_ends_the_family),
        WORLD_TEST(old_one_is_refused_after_everything_in_memory_was_lost),
        WORLD_TEST(of_many_who_use_one_token_all_get_one_successor),
        WORLD_TEST(of_many_without_a_grace_one_succeeds_and_the_family_ends),
        WORLD_TEST(token_of_another_client_ends_the_family),
        WORLD_TEST(family_is_over_at_its_end),
        WORLD_TEST(using_it_makes_the_family_live_no_longer),
        WORLD_TEST(what_is_something_else_is_no_refresh_token),
        WORLD_TEST(refresh_token_is_nothing_else),
        WORLD_TEST(made_up_or_altered_token_touches_no_store),
        WORLD_TEST(client_that_is_not_registered_for_it_is_refused),
        WORLD_TEST(malformed_requests_are_refused),
        WORLD_TEST(authority_that_left_the_trust_list_stops_it),
        WORLD_TEST(dead_stores_are_not_a_bad_token),
        WORLD_TEST(reuse_that_could_not_end_the_family_is_an_error_and_ends_it_later),
        WORLD_TEST(reuse_whose_tombstone_could_not_be_put_is_an_error),
    };
    return cmocka_run_group_tests_name("oauth/refresh", tests, world_prepare, world_forget);
}
