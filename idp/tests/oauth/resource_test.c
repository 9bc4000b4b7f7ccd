#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/code.h"
#include "access/revoke.h"
#include "oauth/introspect.h"
#include "oauth/userinfo.h"
#include "store/kv.h"
#include "tests/oauth/asking.h"

static struct grant *usual(void)
{
    struct browser browser = signed_in(LOCK_BELL);
    return granted(CLIENT_OTHER, &browser);
}

static const char *usual_token(void)
{
    return token_of(usual());
}

/* --- introspection ---------------------------------------------------------------------------- */

static void good_token_is_described(void **state)
{
    (void)state;
    const char *token = usual_token();
    world.now += 10;
    const struct answer *answer = introspect_as(CLIENT_OTHER, token);
    assert_int_equal(answer->status, 200);
    json_t *wanted = json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "active", 1,
                               "iss", REGION_ORIGIN, "client_id", "other", "sub",
                               world.holders[LOCK_BELL].enterprise.id, "scope", "openid enterprise",
                               "token_type", "Bearer", "iat", (json_int_t)REGION_NOW, "exp",
                               (json_int_t)REGION_NOW + 600, "auth_time", (json_int_t)REGION_NOW,
                               "acr", "urn:tamga:acr:lock");
    bool same = json_equal(wanted, answer->json);
    json_decref(wanted);
    assert_true(same);
}

/* docs/security.md row 10. */
static void client_sees_its_own_tokens_only_and_the_gateway_all(void **state)
{
    (void)state;
    const char *token = usual_token();
    expect_json(introspect_as(CLIENT_PLATFORM, token), 200, "{\"active\":false}");
    expect_json(introspect_as(CLIENT_POST, token), 200, "{\"active\":false}");
    assert_true(json_is_true(member(introspect_as(CLIENT_GATEWAY, token), "active")));
}

/* docs/security.md row 5. */
static void what_is_no_token_is_inactive(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    agree(LOCK_BELL, CLIENT_OTHER);
    const struct asking asking = asking_of(CLIENT_OTHER);
    const char *const others[] = {"x", code_for(&browser, &asking), browser.cookie, browser.token,
                                  session_of(&browser)->hash};
    for (size_t i = 0; i < 5; i++)
        expect_json(introspect_as(CLIENT_OTHER, others[i]), 200, "{\"active\":false}");
}

static void token_hint_changes_nothing(void **state)
{
    (void)state;
    const char *const form[] = {"token", usual_token(), "token_type_hint", "refresh_token", NULL};
    const struct answer *answer = world_send(&(struct sent){.route = &oauth_introspect_route,
                                                            .body = form_of(form),
                                                            .authorization = basic(CLIENT_OTHER)});
    assert_true(json_is_true(member(answer, "active")));
}

static void stranger_learns_nothing(void **state)
{
    (void)state;
    const char *const form[] = {"token", usual_token(), NULL};
    const char *const public_form[] = {"token", form[1], "client_id", "public", NULL};
    const struct answer *answer =
        world_send(&(struct sent){.route = &oauth_introspect_route, .body = form_of(form)});
    expect_error(answer, 401, "invalid_client");
    assert_non_null(answer->www_authenticate);
    answer =
        world_send(&(struct sent){.route = &oauth_introspect_route, .body = form_of(public_form)});
    expect_error(answer, 401, "invalid_client");
}

static void bad_introspection_forms_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "token=",
                                      "token=a&token=a",
                                      "token=a&token_type_hint=b&token_type_hint=b",
                                      "token=a&client_id=x&client_id=x",
                                      "token=a&client_secret=x&client_secret=x",
                                      "token=a%00b",
                                      "token=%zz"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        expect_error(world_send(&(struct sent){.route = &oauth_introspect_route,
                                               .body = bad[i],
                                               .authorization = basic(CLIENT_OTHER)}),
                     400, "invalid_request");
}

/* --- userinfo ----------------------------------------------------------------------------------
 */

static void userinfo_tells_what_was_agreed_to(void **state)
{
    (void)state;
    const struct answer *answer = userinfo(usual_token());
    assert_int_equal(answer->status, 200);
    json_t *wanted = json_pack("{s:s, s:s, s:s, s:[s,s], s:s, s:s}", "sub",
                               world.holders[LOCK_BELL].enterprise.id, "name", "风铃建设有限公司",
                               "uscc", REGION_USCC, "entity_types", "bidder", "supplier", "region",
                               "hohhot", "legal_representative", "张三");
    bool same = json_equal(wanted, answer->json);
    json_decref(wanted);
    assert_true(same);
}

static void every_scope_adds_its_claims(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct answer *answer = userinfo(token_of(granted(CLIENT_PLATFORM, &browser)));
    assert_string_equal(member_text(answer, "lock.issuer"), "one");
    assert_string_equal(member_text(answer, "lock.key_number"), "KEY0001");
    assert_string_equal(member_text(answer, "email"), "office@bidder.example");
    assert_true(json_is_false(member(answer, "email_verified")));
    assert_string_equal(member_text(answer, "phone_number"), "0471-555-6666");
    assert_string_equal(member_text(answer, "address.formatted"), "呼和浩特市新城区一号");
}

static void userinfo_speaks_of_today(void **state)
{
    (void)state;
    const char *token = usual_token();
    world_sql("UPDATE enterprises SET name = '风铃集团' WHERE uscc = '" REGION_USCC "'");
    world_forget_holder(LOCK_BELL);
    assert_string_equal(member_text(userinfo(token), "name"), "风铃集团");
}

static void token_may_come_in_the_body_of_a_post(void **state)
{
    (void)state;
    const char *const form[] = {"access_token", usual_token(), NULL};
    const struct answer *answer =
        world_send(&(struct sent){.route = &oauth_userinfo_route, .body = form_of(form)});
    assert_int_equal(answer->status, 200);
    answer = world_send(
        &(struct sent){.route = &oauth_userinfo_route,
                       .body = "",
                       .authorization = arena_printf(world.arena, "bearer  %s", form[1])});
    assert_int_equal(answer->status, 200);
}

/* RFC 6750 section 2: not in the address, and one way only. */
static void token_in_the_address_or_sent_twice_is_refused(void **state)
{
    (void)state;
    const char *const form[] = {"access_token", usual_token(), NULL};
    const char *header = arena_printf(world.arena, "Bearer %s", form[1]);
    const struct sent bad[] = {
        {.route = &oauth_userinfo_route, .query = form_of(form)},
        {.route = &oauth_userinfo_route, .query = form_of(form), .authorization = header},
        {.route = &oauth_userinfo_route, .body = form_of(form), .authorization = header},
        {.route = &oauth_userinfo_route,
         .body = arena_printf(world.arena, "%s&%s", form_of(form), form_of(form))},
    };
    for (size_t i = 0; i < 4; i++) {
        const struct answer *answer = world_send(&bad[i]);
        expect_error(answer, 400, "invalid_request");
        assert_non_null(strstr(answer->www_authenticate, "error=\"invalid_request\""));
    }
}

/* docs/security.md row 33. */
static void malformed_authorization_is_a_401(void **state)
{
    (void)state;
    const char *token = usual_token();
    const char *const bad[] = {"",
                               " ",
                               "Bearer",
                               "Bearer ",
                               "Bearer  ",
                               "Bearer\t",
                               "Bearer x",
                               "Bearer x y",
                               "Basic x",
                               "Basic",
                               "DPoP x",
                               "Negotiate",
                               "Bearer,",
                               "Bearer=",
                               "\"Bearer\" x",
                               "Bearer \"x\"",
                               arena_printf(world.arena, "Bearer %s ", token),
                               arena_printf(world.arena, "Bearer %s,", token),
                               arena_printf(world.arena, "Bearer %s %s", token, token),
                               arena_printf(world.arena, "Bearer\t%s", token),
                               arena_printf(world.arena, "Bearer%s", token),
                               arena_printf(world.arena, " Bearer %s", token),
                               arena_printf(world.arena, "Basic %s", token),
                               arena_printf(world.arena, "%s", token),
                               arena_printf(world.arena, "Bearer %08000d", 1),
                               "\xff\xfe"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        const struct answer *answer =
            world_send(&(struct sent){.route = &oauth_userinfo_route, .authorization = bad[i]});
        if (answer->status != 401)
            fail_msg("%d for %s", answer->status, bad[i]);
        assert_non_null(answer->www_authenticate);
        expect_error(answer, 401, "invalid_token");
    }
}

/* RFC 6750 section 3.1. */
static void call_without_a_token_is_told_the_scheme_and_no_error(void **state)
{
    (void)state;
    const struct answer *answer = world_send(&(struct sent){.route = &oauth_userinfo_route});
    assert_int_equal(answer->status, 401);
    assert_string_equal(answer->www_authenticate, "Bearer realm=\"tamga\"");
    answer = userinfo("x");
    assert_string_equal(answer->www_authenticate,
                        "Bearer realm=\"tamga\", error=\"invalid_token\"");
}

/* --- both --------------------------------------------------------------------------------------
 */

static void expect_good(const char *token, bool good)
{
    const struct answer *answer = introspect(token);
    assert_int_equal(answer->status, 200);
    assert_int_equal(json_is_true(member(answer, "active")), good);
    if (!good)
        expect_json(answer, 200, "{\"active\":false}");
    answer = userinfo(token);
    assert_int_equal(answer->status, good ? 200 : 401);
    if (!good)
        expect_error(answer, 401, "invalid_token");
}

/* docs/security.md row 9: whoever changes the rows ends the grants; where that has not come to them
 * yet, the rows are looked at when there is no copy. */
static void right_of_somebody_in_bad_standing_is_no_good(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"UPDATE clients SET standing = 'suspended' WHERE id = 'other'",
         "UPDATE clients SET standing = 'active' WHERE id = 'other'"},
        {"UPDATE enterprises SET standing = 'suspended'",
         "UPDATE enterprises SET standing = 'active'"},
        {"UPDATE locks SET unbound = 1", "UPDATE locks SET unbound = NULL"},
    };
    for (size_t i = 0; i < 3; i++) {
        const char *token = usual_token();
        expect_good(token, true);
        world_sql(changes[i][0]);
        world_forget_clients();
        world_lose_kv();
        expect_good(token, false);
        world_sql(changes[i][1]);
        world_forget_clients();
    }
}

/* Each node knows its clients: it need not wait for the ending of their grants. */
static void token_of_a_client_that_is_known_to_be_suspended_is_no_good(void **state)
{
    (void)state;
    const char *token = usual_token();
    expect_good(token, true);
    world_sql("UPDATE clients SET standing = 'suspended' WHERE id = 'other'");
    world_forget_clients();
    expect_good(token, false);
}

/* No database, and of the other store one look-up. */
static void introspection_of_a_good_token_costs_one_get(void **state)
{
    (void)state;
    const char *token = usual_token();
    world.app.config.rate_token_failures = 60;
    (void)introspect(token); /* the clients are known */
    world_sql_is_down(true);
    world.kv.asked = 0;
    const struct answer *answer = introspect(token);
    assert_int_equal(world.kv.asked, 1);
    assert_true(json_is_true(member(answer, "active")));
}

static void token_of_an_ended_grant_is_no_good(void **state)
{
    (void)state;
    const struct grant *grant = usual();
    const char *token = token_of(grant);
    assert_int_equal(revoke_grant(&world.app.access, world.arena, grant->id, "test", world.now),
                     IDP_OK);
    expect_good(token, false);
}

static void right_by_an_authority_that_left_the_trust_list_is_no_good(void **state)
{
    (void)state;
    const char *token = usual_token();
    expect_good(token, true);
    world_sql("UPDATE grants SET authority = 'gone'");
    world_lose_kv();
    expect_good(token, false);
}

static void session_that_idles_out_ends_no_right(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct grant *grant = granted(CLIENT_OTHER, &browser);
    world.now += 1900;
    assert_null(session_of(&browser));
    expect_good(token_of(grant), true);
}

/* docs/security.md row 27. */
static void token_is_no_good_from_its_expiry_on(void **state)
{
    (void)state;
    const char *token = usual_token();
    world.now = REGION_NOW + 599;
    expect_good(token, true);
    world.now++;
    expect_good(token, false);
    world.now++;
    expect_good(token, false);
}

static void store_that_restarted_empty_makes_no_good_token_bad(void **state)
{
    (void)state;
    const char *token = usual_token();
    world_lose_kv();
    expect_good(token, true);
}

static void dead_store_is_not_an_inactive_token(void **state)
{
    (void)state;
    const char *token = usual_token();
    (void)introspect(token); /* the clients are known */
    world_kv_is_down(true);
    expect_error(introspect(token), 503, "temporarily_unavailable");
    expect_error(userinfo(token), 503, "temporarily_unavailable");
    world_kv_is_down(false);
    world_lose_kv();
    world_sql_is_down(true);
    expect_error(introspect(token), 503, "temporarily_unavailable");
    expect_error(userinfo(token), 503, "temporarily_unavailable");
    assert_non_null(userinfo(token)->retry_after);
}

/* docs/security.md row 20. */
static void altered_token_is_no_good(void **state)
{
    (void)state;
    const char *good = usual_token();
    for (size_t i = 0; i < strlen(good); i++) {
        char *text = arena_strdup(world.arena, good);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        expect_good(text, false);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(good_token_is_described),
        WORLD_TEST(client_sees_its_own_tokens_only_and_the_gateway_all),
        WORLD_TEST(what_is_no_token_is_inactive),
        WORLD_TEST(token_hint_changes_nothing),
        WORLD_TEST(stranger_learns_nothing),
        WORLD_TEST(bad_introspection_forms_are_refused),
        WORLD_TEST(userinfo_tells_what_was_agreed_to),
        WORLD_TEST(every_scope_adds_its_claims),
        WORLD_TEST(userinfo_speaks_of_today),
        WORLD_TEST(token_may_come_in_the_body_of_a_post),
        WORLD_TEST(token_in_the_address_or_sent_twice_is_refused),
        WORLD_TEST(malformed_authorization_is_a_401),
        WORLD_TEST(call_without_a_token_is_told_the_scheme_and_no_error),
        WORLD_TEST(right_of_somebody_in_bad_standing_is_no_good),
        WORLD_TEST(token_of_a_client_that_is_known_to_be_suspended_is_no_good),
        WORLD_TEST(introspection_of_a_good_token_costs_one_get),
        WORLD_TEST(token_of_an_ended_grant_is_no_good),
        WORLD_TEST(right_by_an_authority_that_left_the_trust_list_is_no_good),
        WORLD_TEST(session_that_idles_out_ends_no_right),
        WORLD_TEST(token_is_no_good_from_its_expiry_on),
        WORLD_TEST(store_that_restarted_empty_makes_no_good_token_bad),
        WORLD_TEST(dead_store_is_not_an_inactive_token),
        WORLD_TEST(altered_token_is_no_good),
    };
    return cmocka_run_group_tests_name("oauth/resource", tests, world_prepare, world_forget);
}
