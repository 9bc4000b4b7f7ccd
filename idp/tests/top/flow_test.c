/*
 * The rooms together: what a bidder, a platform and an attacker do, over every route of the table,
 * and what holds for all routes alike.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "http/fixed.h"
#include "http/table.h"
#include "oauth/discovery.h"
#include "oauth/shared/error.h"
#include "oauth/shared/error_page.h"
#include "portal/consent.h"
#include "portal/interaction.h"
#include "portal/platforms.h"
#include "portal/session.h"
#include "portal/shared/browser.h"
#include "portal/sign_in.h"
#include "routes.h"
#include "tests/oauth/asking.h"
#include "tests/portal/visiting.h"

/* --- the main job
 * ---------------------------------------------------------------------------------- */

static const char *interaction_of(const struct answer *answer)
{
    const char *id = query_value(answer->location, "interaction");
    assert_non_null(id);
    return id;
}

static const char *body_of(const char *interaction)
{
    return arena_printf(world.arena, "{\"interaction\":\"%s\"}", interaction);
}

static const struct answer *allow(struct browser *browser, const char *interaction)
{
    return post_json(
        browser, &portal_consent_route,
        arena_printf(world.arena, "{\"interaction\":\"%s\",\"decision\":\"allow\"}", interaction));
}

/* Sign-in at a platform, from its button to its tokens. */
static const struct answer *come_in(struct browser *browser, enum world_client client)
{
    const struct asking asking = asking_of(client);
    const char *id = interaction_of(authorize(browser, &asking));
    assert_int_equal(browse(browser, &portal_session_route, NULL)->status, 200);
    assert_int_equal(sign_in(browser, LOCK_BELL, id)->status, 200);
    expect_json(post_json(browser, &portal_continue_route, body_of(id)), 200,
                "{\"next\":\"consent\"}");
    const char *location = member_text(allow(browser, id), "location");
    assert_true(text_starts(location, asking.redirect_uri));
    assert_string_equal(query_value(location, "state"), asking.state);
    const struct redeeming redeeming = redeeming_of(client, query_value(location, "code"));
    const struct answer *answer = redeem(&redeeming);
    assert_int_equal(answer->status, 200);
    return answer;
}

static void bidder_comes_in_from_a_platform(void **state)
{
    (void)state;
    struct browser browser = {.cookie = NULL};
    const struct answer *answer = come_in(&browser, CLIENT_PLATFORM);
    const json_t *payload = payload_of(member_text(answer, "id_token"), "ES256");
    const char *sub = json_string_value(json_object_get(payload, "sub"));
    const struct answer *info = userinfo(member_text(answer, "access_token"));
    assert_string_equal(member_text(info, "sub"), sub);
    assert_string_equal(member_text(info, "uscc"), REGION_USCC);
    assert_string_equal(member_text(introspect(member_text(answer, "access_token")), "sub"), sub);
}

static void second_platform_asks_for_consent_only_and_a_remembered_one_for_nothing(void **state)
{
    (void)state;
    struct browser browser = {.cookie = NULL};
    (void)come_in(&browser, CLIENT_PLATFORM);
    const struct asking other = asking_of(CLIENT_OTHER);
    const struct answer *answer = authorize(&browser, &other);
    assert_true(text_starts(answer->location, "/consent?interaction="));
    assert_int_equal(allow(&browser, interaction_of(answer))->status, 200);
    const struct asking again = asking_of(CLIENT_PLATFORM);
    assert_non_null(query_value(authorize(&browser, &again)->location, "code"));
}

static void bidder_comes_in_from_the_portal(void **state)
{
    (void)state;
    struct browser browser = visit();
    agree(LOCK_BELL, CLIENT_PLATFORM);
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    const struct answer *answer =
        post_json(&browser, &portal_launch_route, "{\"client\":\"platform\"}");
    assert_string_equal(query_value(member_text(answer, "location"), "iss"), REGION_ORIGIN);
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    answer = authorize(&browser, &asking); /* the launch asks for consent again, once */
    assert_true(text_starts(answer->location, "/consent?interaction="));
    assert_int_equal(allow(&browser, interaction_of(answer))->status, 200);
    assert_non_null(query_value(authorize(&browser, &asking)->location, "code"));
}

static void prompt_login_is_satisfied_by_the_lock_and_by_nothing_else(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    asking.prompt = "login";
    const char *id = interaction_of(authorize(&browser, &asking));
    expect_json(post_json(&browser, &portal_continue_route, body_of(id)), 200,
                "{\"next\":\"sign_in\"}");
    expect_error(allow(&browser, id), 401, "session.gone");
    world.now += 50;
    assert_int_equal(sign_in(&browser, LOCK_BELL, id)->status, 200);
    const struct answer *answer = post_json(&browser, &portal_continue_route, body_of(id));
    const char *code = query_value(member_text(answer, "location"), "code");
    const struct redeeming redeeming = redeeming_of(CLIENT_PLATFORM, code);
    const json_t *payload = payload_of(member_text(redeem(&redeeming), "id_token"), "ES256");
    assert_int_equal(json_integer_value(json_object_get(payload, "auth_time")), world.now);
}

/* Another sign-in, in another tab, is no answer to this request. */
static void sign_in_beside_it_does_not_satisfy_prompt_login(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    asking.prompt = "login";
    const char *id = interaction_of(authorize(&browser, &asking));
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    expect_error(post_json(&browser, &portal_continue_route, body_of(id)), 404, "interaction.gone");
}

static void refusing_brings_the_platform_an_error(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    const char *id = interaction_of(authorize(&browser, &asking));
    const struct answer *answer =
        post_json(&browser, &portal_consent_route,
                  arena_printf(world.arena, "{\"interaction\":\"%s\",\"decision\":\"deny\"}", id));
    assert_string_equal(query_value(member_text(answer, "location"), "error"), "access_denied");
}

static void signing_out_ends_tokens_and_codes(void **state)
{
    (void)state;
    struct browser browser = {.cookie = NULL};
    const char *token = member_text(come_in(&browser, CLIENT_PLATFORM), "access_token");
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    const char *code = code_for(&browser, &asking);
    assert_int_equal(post_json(&browser, &portal_sign_out_route, "{}")->status, 200);
    expect_json(introspect(token), 200, "{\"active\":false}");
    expect_error(userinfo(token), 401, "invalid_token");
    const struct redeeming redeeming = redeeming_of(CLIENT_PLATFORM, code);
    expect_error(redeem(&redeeming), 400, "invalid_grant");
    assert_true(text_starts(authorize(&browser, &asking)->location, "/sign-in?"));
}

/* --- attacks
 * ---------------------------------------------------------------------------------------- */

/* docs/security.md row 23. */
static void interaction_begun_in_one_browser_is_not_finished_in_another(void **state)
{
    (void)state;
    struct browser attacker = {.cookie = NULL};
    struct browser victim = signed_in(LOCK_BELL);
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    const char *id = interaction_of(authorize(&attacker, &asking));
    expect_error(
        browse(&victim, &portal_interaction_route, arena_printf(world.arena, "interaction=%s", id)),
        404, "interaction.gone");
    expect_error(post_json(&victim, &portal_continue_route, body_of(id)), 404, "interaction.gone");
    expect_error(allow(&victim, id), 404, "interaction.gone");

    struct browser guest = visit();
    const char *answer = answer_of(LOCK_BELL, challenge_for(&guest, "login", NULL));
    expect_error(post_json(&guest, &portal_sign_in_route, sign_in_body(answer, id)), 404,
                 "interaction.gone");
}

/* docs/security.md row 25. */
static void client_that_changed_while_the_bidder_read_gets_no_code(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE clients SET standing = 'suspended' WHERE id = 'platform'",
        "UPDATE clients SET standing = 'active', metadata = replace(metadata, "
        "'https://platform.example/cb', 'https://platform.example/new') WHERE id = 'platform'",
    };
    for (size_t i = 0; i < 2; i++) {
        struct browser browser = signed_in(LOCK_BELL);
        const struct asking asking = asking_of(CLIENT_PLATFORM);
        const char *id = interaction_of(authorize(&browser, &asking));
        world_sql(changes[i]);
        world_forget_clients();
        expect_error(allow(&browser, id), 404, "platform.unknown");
        const struct answer *answer = authorize(&browser, &asking);
        assert_null(answer->location);
        world_sql("UPDATE clients SET standing = 'active'");
        world_forget_clients();
    }
}

/* --- all routes alike
 * --------------------------------------------------------------------------------- */

static bool is_post(const struct route *route)
{
    return (route->methods & HTTP_POST) != 0;
}

static bool is_portal(const struct route *route)
{
    return text_starts(route->path, "/api/");
}

static void route_table_has_no_contradiction(void **state)
{
    (void)state;
    char *why = NULL;
    struct http_table *table = NULL;
    assert_int_equal(http_table_new(idp_routes, &why, &table), IDP_OK);
    http_table_free(table);
}

/* docs/security.md row 24: who may change something stands in a column, and no call has left it
 * out. */
static void every_change_of_the_portal_is_guarded(void **state)
{
    (void)state;
    int changes = 0;
    for (size_t i = 0; idp_routes[i] != NULL; i++) {
        const struct route *route = idp_routes[i];
        if (!is_portal(route) || !is_post(route))
            continue;
        changes++;
        assert_int_equal(route->body, HTTP_BODY_JSON);
        assert_int_equal(route->methods, HTTP_POST);
        assert_true(route->authenticate == portal_own_page ||
                    route->authenticate == portal_signed_in_page);
    }
    assert_int_equal(changes, 9);
}

static void every_route_answers_errors_in_the_form_of_its_room(void **state)
{
    (void)state;
    for (size_t i = 0; idp_routes[i] != NULL; i++) {
        const struct route *route = idp_routes[i];
        if (is_portal(route))
            assert_true(route->fail == portal_fail);
        if (text_starts(route->path, "/oauth2/"))
            assert_true(route->fail == oauth_fail || route->fail == oauth_fail_page ||
                        route->fail == oauth_fail_bearer);
        assert_non_null(route->spec);
    }
}

static const char *twice(const struct param *params, const struct param *which)
{
    const char *text = "";
    for (const struct param *p = params; p->name != NULL; p++)
        text = arena_printf(world.arena, "%s%s%s=x", text, *text != '\0' ? "&" : "", p->name);
    return arena_printf(world.arena, "%s&%s=x", text, which->name);
}

/* docs/security.md row 3: on every endpoint that takes a form or a query. */
static void parameter_that_comes_twice_is_refused_everywhere(void **state)
{
    (void)state;
    int tried = 0;
    for (size_t i = 0; idp_routes[i] != NULL; i++) {
        const struct route *route = idp_routes[i];
        for (const struct param *p = route->params; p != NULL && p->name != NULL; p++) {
            if (route->body == HTTP_BODY_JSON)
                continue; /* portal/session_test: member_that_comes_twice_is_refused */
            const char *text = twice(route->params, p);
            struct sent sent = {.route = route};
            if (is_post(route)) {
                sent.body = text;
                assert_int_equal(world_send(&sent)->status, 400);
            }
            if ((route->methods & HTTP_GET) != 0) {
                sent.body = NULL;
                sent.query = text;
                assert_int_equal(world_send(&sent)->status, 400);
            }
            tried++;
        }
    }
    assert_true(tried >= 25);
}

static bool is_in_table(const char *uri)
{
    if (!text_starts(uri, REGION_ORIGIN))
        return false;
    for (size_t i = 0; idp_routes[i] != NULL; i++)
        if (strcmp(idp_routes[i]->path, uri + strlen(REGION_ORIGIN)) == 0)
            return true;
    return false;
}

static void discovery_promises_every_endpoint_and_only_what_is_served(void **state)
{
    (void)state;
    const char *name = NULL;
    json_t *value = NULL;
    int endpoints = 0;
    world.app.routes = idp_routes;
    assert_int_equal(oauth_discovery_prepare(&world.app), IDP_OK);
    const struct answer *answer = world_send(&(struct sent){.route = &oauth_discovery_route});
    json_object_foreach(answer->json, name, value)
    {
        size_t len = strlen(name);
        bool endpoint =
            strcmp(name, "jwks_uri") == 0 || (len > 9 && strcmp(name + len - 9, "_endpoint") == 0);
        if (!endpoint)
            continue;
        endpoints++;
        assert_true(is_in_table(json_string_value(value)));
    }
    assert_int_equal(endpoints, 6);
    http_fixed_free(world.app.discovery);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(bidder_comes_in_from_a_platform),
        WORLD_TEST(second_platform_asks_for_consent_only_and_a_remembered_one_for_nothing),
        WORLD_TEST(bidder_comes_in_from_the_portal),
        WORLD_TEST(prompt_login_is_satisfied_by_the_lock_and_by_nothing_else),
        WORLD_TEST(sign_in_beside_it_does_not_satisfy_prompt_login),
        WORLD_TEST(refusing_brings_the_platform_an_error),
        WORLD_TEST(signing_out_ends_tokens_and_codes),
        WORLD_TEST(interaction_begun_in_one_browser_is_not_finished_in_another),
        WORLD_TEST(client_that_changed_while_the_bidder_read_gets_no_code),
        WORLD_TEST(route_table_has_no_contradiction),
        WORLD_TEST(every_change_of_the_portal_is_guarded),
        WORLD_TEST(every_route_answers_errors_in_the_form_of_its_room),
        WORLD_TEST(parameter_that_comes_twice_is_refused_everywhere),
        WORLD_TEST(discovery_promises_every_endpoint_and_only_what_is_served),
    };
    return cmocka_run_group_tests_name("top/flow", tests, world_prepare, world_forget);
}
