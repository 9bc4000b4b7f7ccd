#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oauth/revoke.h"
#include "store/kv.h"
#include "tests/oauth/asking.h"

/* What a code with offline access brought. */
static struct {
    const char *access_token, *refresh_token;
} got;

static void get_tokens(void)
{
    const struct answer *answer = offline_tokens(CLIENT_PLATFORM, LOCK_BELL);
    got.access_token = member_text(answer, "access_token");
    got.refresh_token = member_text(answer, "refresh_token");
}

static bool is_active(const char *token)
{
    return json_is_true(member(introspect_as(CLIENT_PLATFORM, token), "active"));
}

static void expect_done(const struct answer *answer)
{
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer->body, "");
}

static void expect_dead(void)
{
    assert_false(is_active(got.access_token));
    assert_false(is_active(got.refresh_token));
    expect_error(userinfo(got.access_token), 401, "invalid_token");
    expect_error(refresh(CLIENT_PLATFORM, got.refresh_token, NULL), 400, "invalid_grant");
}

static void expect_alive(void)
{
    assert_true(is_active(got.access_token));
    assert_true(is_active(got.refresh_token));
}

/* --- good ------------------------------------------------------------------------------------- */

static void refresh_token_takes_all_with_it(void **state)
{
    (void)state;
    get_tokens();
    expect_done(give_back(CLIENT_PLATFORM, got.refresh_token));
    expect_dead();
    world_lose_kv();
    expect_dead();
    assert_string_equal(world_text("SELECT ended_why FROM grants"), "revoked");
}

static void access_token_takes_all_with_it(void **state)
{
    (void)state;
    get_tokens();
    expect_done(give_back(CLIENT_PLATFORM, got.access_token));
    expect_dead();
}

static void one_that_was_replaced_takes_all_with_it(void **state)
{
    (void)state;
    get_tokens();
    const char *old = got.refresh_token;
    got.refresh_token = member_text(refresh(CLIENT_PLATFORM, old, NULL), "refresh_token");
    expect_done(give_back(CLIENT_PLATFORM, old));
    expect_dead();
}

static void other_grants_stay(void **state)
{
    (void)state;
    get_tokens();
    const char *other = got.access_token;
    get_tokens();
    expect_done(give_back(CLIENT_PLATFORM, got.access_token));
    assert_true(is_active(other));
}

static void public_client_gives_back_by_its_id(void **state)
{
    (void)state;
    const struct answer *answer = offline_tokens(CLIENT_PUBLIC, LOCK_BELL);
    expect_done(give_back(CLIENT_PUBLIC, member_text(answer, "refresh_token")));
    assert_false(json_is_true(member(introspect(member_text(answer, "access_token")), "active")));
}

static void hint_changes_nothing(void **state)
{
    (void)state;
    static const char *const hints[] = {"access_token", "refresh_token", "something_else"};
    for (size_t i = 0; i < 3; i++) {
        get_tokens();
        const char *const pairs[] = {"token", got.refresh_token, "token_type_hint", hints[i], NULL};
        expect_done(world_send(&(struct sent){.route = &oauth_revoke_route,
                                              .body = form_of(pairs),
                                              .authorization = basic(CLIENT_PLATFORM)}));
        expect_dead();
    }
}

/* RFC 7009 section 2.2. */
static void token_that_is_nothing_is_no_error(void **state)
{
    (void)state;
    get_tokens();
    expect_done(give_back(CLIENT_PLATFORM, got.access_token));
    expect_done(give_back(CLIENT_PLATFORM, got.access_token)); /* again */
    expect_done(give_back(CLIENT_PLATFORM, got.refresh_token));
    expect_done(give_back(CLIENT_PLATFORM, "x"));
    get_tokens();
    world.now += 600;
    expect_done(give_back(CLIENT_PLATFORM, got.access_token)); /* over */
    assert_true(is_active(got.refresh_token));
}

static void altered_token_ends_nothing(void **state)
{
    (void)state;
    get_tokens();
    for (size_t i = 0; i < strlen(got.refresh_token); i++) {
        char *altered = arena_strdup(world.arena, got.refresh_token);
        altered[i] = altered[i] == 'A' ? 'B' : 'A';
        expect_done(give_back(CLIENT_PLATFORM, altered));
    }
    expect_alive();
}

/* --- refusals --------------------------------------------------------------------------------- */

/* RFC 7009 section 2.1. */
static void token_of_another_client_is_refused_and_stays(void **state)
{
    (void)state;
    get_tokens();
    static const enum world_client others[] = {CLIENT_OTHER, CLIENT_PUBLIC, CLIENT_GATEWAY};
    for (size_t i = 0; i < 3; i++) {
        expect_error(give_back(others[i], got.access_token), 400, "invalid_grant");
        expect_error(give_back(others[i], got.refresh_token), 400, "invalid_grant");
    }
    expect_alive();
}

static void stranger_ends_nothing(void **state)
{
    (void)state;
    get_tokens();
    const char *const form[] = {"token", got.access_token, NULL};
    const char *const named[] = {"token", got.access_token, "client_id", "platform", NULL};
    const char *const wrong[] = {
        "token", got.access_token, "client_id", "post", "client_secret", "x", NULL};
    const char *const *const forms[] = {form, named, wrong};
    for (size_t i = 0; i < 3; i++)
        expect_error(
            world_send(&(struct sent){.route = &oauth_revoke_route, .body = form_of(forms[i])}),
            401, "invalid_client");
    expect_alive();
}

static void bad_forms_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "token=",
                                      "token=a&token=a",
                                      "token=a&token_type_hint=b&token_type_hint=b",
                                      "token=a%00b",
                                      "token=%zz"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        expect_error(world_send(&(struct sent){.route = &oauth_revoke_route,
                                               .body = bad[i],
                                               .authorization = basic(CLIENT_PLATFORM)}),
                     400, "invalid_request");
}

/* --- stores that fail (docs/security.md row 8) ------------------------------------------------ */

static void store_that_fails_is_an_error_and_nothing_is_half_revoked(void **state)
{
    (void)state;
    get_tokens();
    world_sql_is_down(true);
    expect_error(give_back(CLIENT_PLATFORM, got.access_token), 503, "temporarily_unavailable");
    world_sql_is_down(false);
    expect_alive();
    world_kv_is_down(true);
    expect_error(give_back(CLIENT_PLATFORM, got.access_token), 503, "temporarily_unavailable");
    world_kv_is_down(false);
    expect_alive();
}

static void client_does_not_hear_done_before_the_tombstone_stands(void **state)
{
    (void)state;
    get_tokens();
    world.kv.error = IDP_UNAVAILABLE;
    world.kv.calls = FAULTY_PUT;
    world.kv.kinds = 1u << KV_GRANT;
    expect_error(give_back(CLIENT_PLATFORM, got.access_token), 503, "temporarily_unavailable");
    expect_error(give_back(CLIENT_PLATFORM, got.access_token), 503, "temporarily_unavailable");
    world_kv_is_down(false);
    expect_done(give_back(CLIENT_PLATFORM, got.access_token));
    expect_dead();
}

/* --- introspection of what can be given back -------------------------------------------------- */

static void refresh_token_is_described_to_its_client_only(void **state)
{
    (void)state;
    get_tokens();
    const struct answer *answer = introspect_as(CLIENT_PLATFORM, got.refresh_token);
    json_t *wanted = json_pack("{s:b, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "active", 1, "iss",
                               REGION_ORIGIN, "client_id", "platform", "sub",
                               world.holders[LOCK_BELL].enterprise.id, "scope",
                               "openid enterprise offline_access", "iat", (json_int_t)REGION_NOW,
                               "exp", (json_int_t)REGION_NOW + 2592000, "auth_time",
                               (json_int_t)REGION_NOW, "acr", "urn:tamga:acr:lock");
    bool same = json_equal(wanted, answer->json);
    json_decref(wanted);
    assert_true(same);
    expect_json(introspect_as(CLIENT_OTHER, got.refresh_token), 200, "{\"active\":false}");
    expect_json(introspect(got.refresh_token), 200, "{\"active\":false}");
}

static void refresh_token_that_was_replaced_or_is_over_is_inactive(void **state)
{
    (void)state;
    get_tokens();
    const char *successor =
        member_text(refresh(CLIENT_PLATFORM, got.refresh_token, NULL), "refresh_token");
    expect_json(introspect_as(CLIENT_PLATFORM, got.refresh_token), 200, "{\"active\":false}");
    assert_true(is_active(successor)); /* asking is not using */
    world.now += 2592000;
    expect_json(introspect_as(CLIENT_PLATFORM, successor), 200, "{\"active\":false}");
}

static void dead_stores_are_not_an_inactive_refresh_token(void **state)
{
    (void)state;
    get_tokens();
    world_sql_is_down(true);
    expect_error(introspect_as(CLIENT_PLATFORM, got.refresh_token), 503, "temporarily_unavailable");
    world_sql_is_down(false);
    world_kv_is_down(true);
    expect_error(introspect_as(CLIENT_PLATFORM, got.refresh_token), 503, "temporarily_unavailable");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(refresh_token_takes_all_with_it),
        WORLD_TEST(access_token_takes_all_with_it),
        WORLD_TEST(one_that_was_replaced_takes_all_with_it),
        WORLD_TEST(other_grants_stay),
        WORLD_TEST(public_client_gives_back_by_its_id),
        WORLD_TEST(hint_changes_nothing),
        WORLD_TEST(token_that_is_nothing_is_no_error),
        WORLD_TEST(altered_token_ends_nothing),
        WORLD_TEST(token_of_another_client_is_refused_and_stays),
        WORLD_TEST(stranger_ends_nothing),
        WORLD_TEST(bad_forms_are_refused),
        WORLD_TEST(store_that_fails_is_an_error_and_nothing_is_half_revoked),
        WORLD_TEST(client_does_not_hear_done_before_the_tombstone_stands),
        WORLD_TEST(refresh_token_is_described_to_its_client_only),
        WORLD_TEST(refresh_token_that_was_replaced_or_is_over_is_inactive),
        WORLD_TEST(dead_stores_are_not_an_inactive_refresh_token),
    };
    return cmocka_run_group_tests_name("oauth/revoke", tests, world_prepare, world_forget);
}
