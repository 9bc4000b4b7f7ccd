#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "http/fixed.h"
#include "jose/jwk.h"
#include "oauth/authorize.h"
#include "oauth/discovery.h"
#include "oauth/introspect.h"
#include "oauth/jwks.h"
#include "oauth/revoke.h"
#include "oauth/token.h"
#include "oauth/userinfo.h"
#include "store/generation.h"
#include "tests/oauth/asking.h"

static void expect_invalid_client(const struct answer *answer)
{
    expect_error(answer, 401, "invalid_client");
    assert_string_equal(answer->www_authenticate, "Basic realm=\"tamga\"");
    expect_json(answer, 401,
                "{\"error\":\"invalid_client\","
                "\"error_description\":\"Client authentication failed.\"}");
}

static const struct answer *ask(const char *authorization, const char *form)
{
    const char *body =
        arena_printf(world.arena, "grant_type=authorization_code&code=x&redirect_uri=x%s", form);
    return world_send(
        &(struct sent){.route = &oauth_token_route, .body = body, .authorization = authorization});
}

/* Let in, and then the made-up code is what is wrong. */
static void expect_let_in(const struct answer *answer)
{
    expect_error(answer, 400, "invalid_grant");
}

static const char *form(const char *id, const char *secret)
{
    const char *const pairs[] = {"client_id", id, "client_secret", secret, NULL};
    return arena_printf(world.arena, "&%s", form_of(pairs));
}

/* --- client authentication ----------------------------------------------------------------------
 */

static void each_client_is_let_in_by_its_own_method(void **state)
{
    (void)state;
    expect_let_in(ask(basic(CLIENT_PLATFORM), ""));
    expect_let_in(ask(basic(CLIENT_PLATFORM), "&client_id=platform"));
    expect_let_in(ask(NULL, form("post", world.secrets[CLIENT_POST])));
    expect_let_in(ask(NULL, "&client_id=public"));
}

static void no_client_is_let_in_by_another_method(void **state)
{
    (void)state;
    const char *basic_secret = world.secrets[CLIENT_PLATFORM];
    expect_invalid_client(ask(NULL, form("platform", basic_secret)));
    expect_invalid_client(ask(NULL, "&client_id=platform"));
    expect_invalid_client(ask(basic(CLIENT_POST), ""));
    expect_invalid_client(ask(NULL, "&client_id=post"));
    expect_invalid_client(ask(basic_of("public", ""), ""));
    expect_invalid_client(ask(basic_of("public", "x"), ""));
    expect_invalid_client(ask(NULL, form("public", "x")));
    /* two methods at once */
    expect_invalid_client(ask(basic(CLIENT_PLATFORM), form("platform", basic_secret)));
    expect_invalid_client(ask(basic(CLIENT_PLATFORM), "&client_secret=x"));
    expect_invalid_client(ask(basic(CLIENT_PLATFORM), "&client_id=other"));
}

static void wrong_secret_and_unknown_client_sound_the_same(void **state)
{
    (void)state;
    const char *secret = world.secrets[CLIENT_PLATFORM];
    const char *longer = arena_printf(world.arena, "%sx", secret);
    const char *shorter = arena_strndup(world.arena, secret, strlen(secret) - 1);
    expect_invalid_client(ask(basic_of("nobody", secret), ""));
    expect_invalid_client(ask(basic_of("platform", "wrong"), ""));
    expect_invalid_client(ask(basic_of("platform", longer), ""));
    expect_invalid_client(ask(basic_of("platform", shorter), ""));
    expect_invalid_client(ask(basic_of("platform", world.secrets[CLIENT_OTHER]), ""));
    expect_invalid_client(ask(NULL, ""));
    expect_invalid_client(ask(NULL, "&client_id=nobody"));
}

/* docs/security.md row 16. */
static void empty_secret_counts_as_none(void **state)
{
    (void)state;
    expect_invalid_client(ask(basic_of("platform", ""), ""));
    expect_invalid_client(ask(NULL, "&client_id=post&client_secret="));
    expect_invalid_client(ask(basic_of("", ""), ""));
    expect_let_in(ask(NULL, "&client_id=public&client_secret="));
}

static void client_that_is_not_active_is_not_let_in(void **state)
{
    (void)state;
    world_sql("UPDATE clients SET standing = 'suspended' WHERE id <> 'post'");
    world_forget_clients();
    expect_invalid_client(ask(basic(CLIENT_PLATFORM), ""));
    expect_invalid_client(ask(NULL, "&client_id=public"));
    expect_invalid_client(ask(NULL, "&client_id=soon"));
    expect_let_in(ask(NULL, form("post", world.secrets[CLIENT_POST])));
}

/* RFC 6749 section 2.3.1: id and secret are form-encoded inside the credentials. */
static void credentials_are_form_encoded(void **state)
{
    (void)state;
    const char *secret = world.secrets[CLIENT_PLATFORM];
    const char *encoded = arena_printf(world.arena, "%%%02X%s", (unsigned)secret[0], secret + 1);
    expect_let_in(ask(basic_of("platfor%6D", encoded), ""));
    expect_invalid_client(ask(basic_of("platform%00", secret), ""));
    expect_invalid_client(ask(basic_of("platform%", secret), ""));
}

/* docs/security.md row 33: a kept corpus; each of any shape is a 401. */
static void malformed_authorization_is_a_401(void **state)
{
    (void)state;
    const char *good = basic(CLIENT_PLATFORM);
    const char *const bad[] = {
        "",
        " ",
        "Basic",
        "Basic ",
        "Basic  ",
        "Basic\t",
        "basic",
        "Basic =",
        "Basic ====",
        "Basic !",
        "Basic cGxhdGZvcm0",        /* no padding */
        "Basic cGxhdGZvcm0=",       /* no colon */
        "Basic Og==",               /* ":" */
        "Basic OnNlY3JldA==",       /* no id */
        "Basic cGxhdGZvcm06",       /* no secret */
        "Basic cGxhdGZvcm06eA==\n", /* a line end */
        "Basic cGxhdGZvcm06eA== ",  /* a space behind */
        "Basic cGxhdGZvcm06eA==,",  /* a list */
        "Basic cGxhdGZvcm06eA==, Basic cGxhdGZvcm06eA==",
        "Basic cGxhdGZvcm06eB==",     /* left-over bits */
        "Basic cGxhdGZvcm06eA===",    /* too much padding */
        "Basic cGxh dGZvcm06eA==",    /* a space inside */
        "Basic cGxhdGZvcm06-_-_",     /* the other alphabet */
        "Basic AAAA",                 /* NUL bytes */
        "Basic cGxhdGZvcm0AOng=",     /* a NUL in the id */
        "Basic cGxhdGZvcm06eAA=",     /* a NUL in the secret */
        "Basic cGxhdGZvcm0mYT1iOng=", /* & in the id */
        "Basic cGxhdGZvcm06eCZ2PXk=", /* & in the secret */
        "Basic JTp4",                 /* a lone % */
        "Basic //79",                 /* not UTF-8 */
        "Bearer cGxhdGZvcm06eA==",
        "Digest username=\"platform\"",
        "Negotiate oYIB",
        "Basic realm=\"tamga\"",
        "Basic\xc2\xa0"
        "cGxhdGZvcm06eA==",
        "BasicBasic cGxhdGZvcm06eA==",
        ":",
        "\xff",
        arena_printf(world.arena, "%s=", good),
        arena_printf(world.arena, "%s%s", good, good),
        arena_printf(world.arena, " %s", good),
        arena_printf(world.arena, "Basic %04000d", 0),
        arena_printf(world.arena, "Basic %01368d", 0),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        const struct answer *answer = ask(bad[i], "");
        if (answer->status != 401)
            fail_msg("%d for %s", answer->status, bad[i]);
        expect_invalid_client(answer);
    }
}

static void dead_store_is_not_a_wrong_secret(void **state)
{
    (void)state;
    world_sql_is_down(true);
    expect_error(ask(basic(CLIENT_PLATFORM), ""), 503, "temporarily_unavailable");
}

static void guesses_from_one_address_are_limited_and_other_clients_are_not(void **state)
{
    (void)state;
    world.app.config.rate_token_failures = 3;
    for (int i = 0; i < 3; i++)
        expect_invalid_client(ask(basic_of("platform", "guess"), ""));
    const struct answer *answer = ask(basic_of("platform", "guess"), "");
    expect_error(answer, 429, "temporarily_unavailable");
    assert_string_equal(answer->retry_after, "60");
    /* The right secret tells nothing any more, so that the last guess cannot be seen. */
    expect_error(ask(basic(CLIENT_PLATFORM), ""), 429, "temporarily_unavailable");
    expect_let_in(ask(basic(CLIENT_OTHER), ""));
    world.now += 60;
    expect_let_in(ask(basic(CLIENT_PLATFORM), ""));
}

static void dead_counter_store_lets_nobody_guess(void **state)
{
    (void)state;
    world.app.config.rate_token_failures = 3;
    world_kv_is_down(true);
    expect_error(ask(basic_of("platform", "guess"), ""), 503, "temporarily_unavailable");
}

/* --- discovery and keys
 * --------------------------------------------------------------------------- */

static const struct route *const all_routes[] = {
    &oauth_discovery_route, &oauth_jwks_route,       &oauth_authorize_route, &oauth_token_route,
    &oauth_userinfo_route,  &oauth_introspect_route, &oauth_revoke_route,    NULL};

static void forget_documents(void)
{
    http_fixed_free(world.app.discovery);
    oauth_jwks_forget(&world.app);
}

static const struct answer *discover(const struct route *const *routes)
{
    world.app.routes = routes;
    assert_int_equal(oauth_discovery_prepare(&world.app), IDP_OK);
    return world_send(&(struct sent){.route = &oauth_discovery_route});
}

static void document_is_whole(void **state)
{
    (void)state;
    expect_json(
        discover(all_routes), 200,
        "{\"issuer\":\"" REGION_ORIGIN "\","
        "\"authorization_endpoint\":\"" REGION_ORIGIN "/oauth2/authorize\","
        "\"token_endpoint\":\"" REGION_ORIGIN "/oauth2/token\","
        "\"userinfo_endpoint\":\"" REGION_ORIGIN "/oauth2/userinfo\","
        "\"introspection_endpoint\":\"" REGION_ORIGIN "/oauth2/introspect\","
        "\"revocation_endpoint\":\"" REGION_ORIGIN "/oauth2/revoke\","
        "\"jwks_uri\":\"" REGION_ORIGIN "/oauth2/jwks\","
        "\"response_types_supported\":[\"code\"],\"response_modes_supported\":[\"query\"],"
        "\"grant_types_supported\":[\"authorization_code\",\"refresh_token\",\"client_"
        "credentials\"],"
        "\"subject_types_supported\":[\"public\"],"
        "\"id_token_signing_alg_values_supported\":[\"ES256\",\"RS256\"],"
        "\"token_endpoint_auth_methods_supported\":"
        "[\"client_secret_basic\",\"client_secret_post\",\"none\"],"
        "\"introspection_endpoint_auth_methods_supported\":"
        "[\"client_secret_basic\",\"client_secret_post\"],"
        "\"revocation_endpoint_auth_methods_supported\":"
        "[\"client_secret_basic\",\"client_secret_post\",\"none\"],"
        "\"code_challenge_methods_supported\":[\"S256\"],"
        "\"prompt_values_supported\":[\"none\",\"login\",\"consent\"],"
        "\"acr_values_supported\":[\"urn:tamga:acr:lock\","
        "\"urn:tamga:acr:lock:degraded\"],"
        "\"claim_types_supported\":[\"normal\"],\"ui_locales_supported\":[\"zh-CN\",\"en\"],"
        "\"scopes_supported\":"
        "[\"openid\",\"enterprise\",\"lock\",\"email\",\"phone\",\"address\",\"offline_access\","
        "\"service\"],"
        "\"claims_supported\":[\"iss\",\"sub\",\"aud\",\"exp\",\"iat\",\"auth_time\",\"nonce\","
        "\"acr\",\"amr\",\"lock_status\",\"at_hash\",\"name\",\"uscc\",\"entity_types\",\"region\","
        "\"legal_representative\",\"lock\",\"email\",\"phone_number\",\"address\"],"
        "\"claims_parameter_supported\":true,\"request_parameter_supported\":false,"
        "\"request_uri_parameter_supported\":false,"
        "\"authorization_response_iss_parameter_supported\":true}");
    forget_documents();
}

static void endpoint_that_is_not_served_is_not_promised(void **state)
{
    (void)state;
    static const struct route *const few[] = {&oauth_discovery_route, &oauth_token_route, NULL};
    const struct answer *answer = discover(few);
    assert_non_null(member(answer, "token_endpoint"));
    assert_null(member(answer, "authorization_endpoint"));
    assert_null(member(answer, "introspection_endpoint"));
    assert_null(member(answer, "jwks_uri"));
    forget_documents();
}

static const char *header(const struct http_fixed *fixed, const char *name)
{
    for (size_t i = 0; i < fixed->answer.header_count; i++)
        if (strcmp(fixed->answer.headers[i].name, name) == 0)
            return fixed->answer.headers[i].value;
    return NULL;
}

static void documents_may_be_kept_and_read_by_scripts(void **state)
{
    (void)state;
    (void)discover(all_routes);
    assert_string_equal(header(world.app.discovery, "Cache-Control"), "public, max-age=900");
    assert_string_equal(header(world.app.discovery, "Access-Control-Allow-Origin"), "*");
    forget_documents();
}

static void published_keys_are_public_and_verify_what_we_sign(void **state)
{
    (void)state;
    struct jwk_set keys;
    assert_int_equal(oauth_jwks_prepare(&world.app), IDP_OK);
    const struct answer *answer = world_send(&(struct sent){.route = &oauth_jwks_route});
    assert_int_equal(answer->status, 200);
    assert_int_equal(json_array_size(member(answer, "keys")), 2);
    static const char *const secret[] = {"\"d\"", "\"p\"", "\"q\"", "\"k\"", "\"dp\""};
    for (size_t i = 0; i < 5; i++)
        assert_null(strstr(answer->body, secret[i]));
    assert_int_equal(jwk_set_parse(world.arena, answer->body, strlen(answer->body), &keys), IDP_OK);
    assert_int_equal(keys.count, 2);
    forget_documents();
}

static void keys_can_be_made_ready_again_while_they_are_read(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        free(world.app.jwks_text); /* as if they had been others */
        world.app.jwks_text = NULL;
        assert_int_equal(oauth_jwks_prepare(&world.app), IDP_OK);
        assert_int_equal(world_send(&(struct sent){.route = &oauth_jwks_route})->status, 200);
    }
    forget_documents();
}

static void keys_that_did_not_change_are_left_as_they_are(void **state)
{
    (void)state;
    assert_int_equal(oauth_jwks_prepare(&world.app), IDP_OK);
    const struct http_fixed *first =
        world_send(&(struct sent){.route = &oauth_jwks_route})->rs.fixed;
    assert_int_equal(oauth_jwks_prepare(&world.app), IDP_OK);
    assert_ptr_equal(world_send(&(struct sent){.route = &oauth_jwks_route})->rs.fixed, first);
    forget_documents();
}

static enum idp_err hear_nothing(void *with, int64_t generation)
{
    (void)with, (void)generation;
    return IDP_OK;
}

static const char *keys_may_be_kept(void)
{
    return header(world_send(&(struct sent){.route = &oauth_jwks_route})->rs.fixed,
                  "Cache-Control");
}

/* A node that has lost the database does not know of keys that others publish, so nobody may keep
 * its set: a client that did would meet a key it cannot know. When such a key may have begun to
 * sign, another node has to be asked. */
static void keys_of_a_node_without_database_may_not_be_kept(void **state)
{
    (void)state;
    static const struct generation_listener listener = {.changed = hear_nothing};
    assert_int_equal(oauth_jwks_prepare(&world.app), IDP_OK);
    assert_int_equal(generation_watch_start(world.app.db, "a", &listener, &world.app.watch),
                     IDP_OK);
    assert_string_equal(keys_may_be_kept(), "public, max-age=900");
    world_sql_is_down(true);
    while (!generation_stale(world.app.watch))
        (void)sched_yield();
    assert_string_equal(keys_may_be_kept(), "no-cache");
    world.app.config.jwks_cache_s = 1;
    expect_error(world_send(&(struct sent){.route = &oauth_jwks_route}), 503,
                 "temporarily_unavailable");
    world.app.config.jwks_cache_s = 900;
    world_sql_is_down(false);
    while (generation_stale(world.app.watch))
        (void)sched_yield();
    assert_string_equal(keys_may_be_kept(), "public, max-age=900");
    generation_watch_stop(world.app.watch);
    forget_documents();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(each_client_is_let_in_by_its_own_method),
        WORLD_TEST(no_client_is_let_in_by_another_method),
        WORLD_TEST(wrong_secret_and_unknown_client_sound_the_same),
        WORLD_TEST(empty_secret_counts_as_none),
        WORLD_TEST(client_that_is_not_active_is_not_let_in),
        WORLD_TEST(credentials_are_form_encoded),
        WORLD_TEST(malformed_authorization_is_a_401),
        WORLD_TEST(dead_store_is_not_a_wrong_secret),
        WORLD_TEST(guesses_from_one_address_are_limited_and_other_clients_are_not),
        WORLD_TEST(dead_counter_store_lets_nobody_guess),
        WORLD_TEST(document_is_whole),
        WORLD_TEST(endpoint_that_is_not_served_is_not_promised),
        WORLD_TEST(documents_may_be_kept_and_read_by_scripts),
        WORLD_TEST(published_keys_are_public_and_verify_what_we_sign),
        WORLD_TEST(keys_can_be_made_ready_again_while_they_are_read),
        WORLD_TEST(keys_that_did_not_change_are_left_as_they_are),
        WORLD_TEST(keys_of_a_node_without_database_may_not_be_kept),
    };
    return cmocka_run_group_tests_name("oauth/client", tests, world_prepare, world_forget);
}
