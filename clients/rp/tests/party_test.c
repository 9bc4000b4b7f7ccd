/* Settings, discovery, the authorization request, and logins that others initiate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rp/address.h"
#include "rp/tests/world.h"

static void expect_settings(struct world *w, struct rp_settings settings, enum rp_err err)
{
    w->settings = settings;
    assert_int_equal(rp_settings_check(&settings, &w->note), err);
    assert_int_equal(world_meet(w), err);
    assert_true((err == RP_OK) == (w->rp != NULL));
    assert_true((err == RP_OK) == (w->note.text[0] == '\0'));
}

static void incomplete_settings_are_refused(void **state)
{
    struct world *w = *state;
    const struct rp_settings good = w->settings;
    struct rp_settings bad = good;
    expect_settings(w, good, RP_OK);
    bad.issuer = NULL;
    expect_settings(w, bad, RP_BAD_SETTINGS);
    bad = good, bad.client_id = "";
    expect_settings(w, bad, RP_BAD_SETTINGS);
    bad = good, bad.client_secret = NULL;
    expect_settings(w, bad, RP_BAD_SETTINGS);
    bad = good, bad.client_auth = RP_CLIENT_NONE; /* and yet a secret */
    expect_settings(w, bad, RP_BAD_SETTINGS);
    bad = good, bad.redirect_uri = "/callback";
    expect_settings(w, bad, RP_BAD_SETTINGS);
    bad = good, bad.scope = "openidx enterprise";
    expect_settings(w, bad, RP_BAD_SETTINGS);
    bad = good, bad.development = false; /* http is for development */
    expect_settings(w, bad, RP_BAD_SETTINGS);
}

static void only_https_is_safe_save_loopback_in_development(void **state)
{
    (void)state;
    static const char *const safe[] = {"https://idp.example", "https://idp.example:8443/a?b=c",
                                       "https://[2001:db8::1]/"};
    static const char *const loopback[] = {"http://127.0.0.1:8080", "http://127.0.0.11:9000/x",
                                           "http://localhost:8080/", "http://[::1]:1"};
    static const char *const unsafe[] = {
        "",
        "idp.example",
        "http://idp.example",
        "http://127.0.0.1.evil.example",
        "http://127.evil.example/",
        "http://localhost.evil.example/",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https://user@idp.example",
        "https://user:pw@idp.example",
        "https://idp.example/#x",
        "https://idp.example/a b",
        "https://idp.example\\@evil.example",
        " https://idp.example",
        "https://idp.example\n",
        "https://\xe4\xbe\x8b.example",
    };
    for (size_t i = 0; i < sizeof(safe) / sizeof(*safe); i++)
        assert_true(rp_address_is_safe(safe[i], false));
    for (size_t i = 0; i < sizeof(loopback) / sizeof(*loopback); i++) {
        assert_true(rp_address_is_safe(loopback[i], true));
        assert_false(rp_address_is_safe(loopback[i], false));
    }
    for (size_t i = 0; i < sizeof(unsafe) / sizeof(*unsafe); i++)
        assert_false(rp_address_is_safe(unsafe[i], true));
}

/* One member of the discovery document changed (NULL: left out). */
static void expect_document(struct world *w, const char *name, json_t *value, enum rp_err err)
{
    json_t *document = world_discovery(w);
    if (value != NULL)
        assert_int_equal(json_object_set_new(document, name, value), 0);
    else
        (void)json_object_del(document, name);
    fake_says_json(w->provider, FAKE_DISCOVERY, document);
    assert_int_equal(world_meet(w), err);
}

/* Discovery section 4.3: byte for byte */
static void issuer_has_to_match_exactly(void **state)
{
    struct world *w = *state;
    char with_slash[96];
    (void)snprintf(with_slash, sizeof(with_slash), "%s/", fake_issuer(w->provider));
    expect_document(w, "issuer", json_string("https://idp.example"), RP_BAD_PROVIDER);
    expect_document(w, "issuer", json_string(with_slash), RP_BAD_PROVIDER);
    expect_document(w, "issuer", NULL, RP_BAD_PROVIDER);
    expect_document(w, "issuer", json_integer(1), RP_BAD_PROVIDER);
    w->settings.issuer = with_slash; /* the document is found, without a double slash */
    expect_document(w, "issuer", json_string(with_slash), RP_OK);
}

static void provider_without_what_we_need_is_refused(void **state)
{
    struct world *w = *state;
    expect_document(w, "response_types_supported", json_pack("[s]", "id_token"), RP_BAD_PROVIDER);
    expect_document(w, "id_token_signing_alg_values_supported", json_pack("[s]", "HS256"),
                    RP_BAD_PROVIDER);
    expect_document(w, "code_challenge_methods_supported", json_pack("[s]", "plain"),
                    RP_BAD_PROVIDER);
    expect_document(w, "code_challenge_methods_supported", NULL, RP_OK);
    expect_document(w, "token_endpoint_auth_methods_supported", json_pack("[s]", "private_key_jwt"),
                    RP_BAD_PROVIDER);
    expect_document(w, "token_endpoint_auth_methods_supported", NULL, RP_OK);
    w->settings.client_auth = RP_CLIENT_SECRET_POST;
    expect_document(w, "token_endpoint_auth_methods_supported", NULL, RP_BAD_PROVIDER);
}

static void unsafe_endpoints_are_refused(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"authorization_endpoint", "token_endpoint", "jwks_uri",
                                        "userinfo_endpoint"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        expect_document(w, names[i], json_string("http://idp.example/x"), RP_BAD_PROVIDER);
        expect_document(w, names[i], json_string("file:///etc/passwd"), RP_BAD_PROVIDER);
        expect_document(w, names[i], json_integer(1), RP_BAD_PROVIDER);
        expect_document(w, names[i], NULL, i == 3 ? RP_OK : RP_BAD_PROVIDER);
    }
}

static void broken_document_is_refused(void **state)
{
    struct world *w = *state;
    fake_says(w->provider, FAKE_DISCOVERY, 200, "text/html", "{}");
    assert_int_equal(world_meet(w), RP_BAD_PROVIDER);
    fake_says(w->provider, FAKE_DISCOVERY, 200, NULL, "{\"issuer\":\"a\",\"issuer\":\"b\"}");
    assert_int_equal(world_meet(w), RP_BAD_PROVIDER);
    fake_says(w->provider, FAKE_DISCOVERY, 301, NULL, "{}");
    assert_int_equal(world_meet(w), RP_BAD_PROVIDER);
    fake_says(w->provider, FAKE_DISCOVERY, 503, NULL, "{}");
    assert_int_equal(world_meet(w), RP_UNREACHABLE);
}

static void dead_provider_is_unreachable(void **state)
{
    struct world *w = *state;
    w->settings.issuer = "http://127.0.0.1:1";
    assert_int_equal(world_meet(w), RP_UNREACHABLE);
    assert_non_null(strstr(w->note.text, "127.0.0.1:1"));
}

static void request_names_all_it_has_to(void **state)
{
    struct world *w = *state;
    static const struct rp_request request = {
        .prompt = "login", .max_age = 0, .ui_locales = "zh-CN", .claims = "{\"a\":1}"};
    world_begin(w, &request);
    const struct {
        const char *name, *value;
    } wanted[] = {{"response_type", "code"},
                  {"client_id", CLIENT},
                  {"redirect_uri", "http%3A%2F%2F127.0.0.11%3A9000%2Fcallback"},
                  {"scope", "openid%20enterprise"},
                  {"code_challenge_method", "S256"},
                  {"prompt", "login"},
                  {"max_age", "0"},
                  {"ui_locales", "zh-CN"},
                  {"claims", "%7B%22a%22%3A1%7D"},
                  {"state", w->start.state}};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        char *value = world_param(w->start.url, wanted[i].name);
        assert_non_null(value);
        assert_string_equal(value, wanted[i].value);
        free(value);
    }
    assert_int_equal(strlen(w->start.state), RP_STATE_LEN);
    assert_true(strlen(w->start.pending) <= RP_PENDING_MAX);
}

static void no_two_requests_share_a_secret(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"state", "nonce", "code_challenge"};
    world_begin(w, NULL);
    char *first = strdup(w->start.url);
    world_begin(w, NULL);
    for (size_t i = 0; i < 3; i++) {
        char *a = world_param(first, names[i]);
        char *b = world_param(w->start.url, names[i]);
        assert_string_not_equal(a, b);
        free(a);
        free(b);
    }
    assert_null(world_param(w->start.url, "max_age"));
    free(first);
}

static void endpoint_keeps_the_query_it_has(void **state)
{
    struct world *w = *state;
    expect_document(w, "authorization_endpoint", json_string("https://idp.example/a?tenant=1"),
                    RP_OK);
    world_begin(w, NULL);
    static const char start[] = "https://idp.example/a?tenant=1&response_type=code&";
    assert_memory_equal(w->start.url, start, sizeof(start) - 1);
}

static void request_that_is_too_long_is_refused(void **state)
{
    struct world *w = *state;
    char *claims = calloc(1, 9001);
    assert_non_null(claims);
    memset(claims, 'c', 9000);
    const struct rp_request request = {.max_age = RP_NO_MAX_AGE, .claims = claims};
    struct rp_start start = {0};
    assert_int_equal(world_meet(w), RP_OK);
    assert_int_equal(rp_begin(w->rp, &request, &w->note, &start), RP_BAD_SETTINGS);
    assert_null(start.url);
    free(claims);
}

/* The initiation with our issuer and this rest. */
static enum rp_err initiate(struct world *w, const char *rest, char **target)
{
    char query[1024];
    (void)snprintf(query, sizeof(query), "iss=%s%s", fake_issuer(w->provider), rest);
    return rp_login_initiation(w->rp, query, &w->note, target);
}

static void portal_may_initiate_a_login(void **state)
{
    struct world *w = *state;
    char *target = NULL;
    assert_int_equal(world_meet(w), RP_OK);
    assert_int_equal(initiate(w, "&target_link_uri=" OWN "/home%3Fa=1&login_hint=x", &target),
                     RP_OK);
    assert_string_equal(target, OWN "/home?a=1");
    free(target);
    assert_int_equal(initiate(w, "", &target), RP_OK);
    assert_null(target);
}

static void strangers_may_not_initiate_a_login(void **state)
{
    struct world *w = *state;
    static const char *const bad[] = {"", "iss=", "iss=https://idp.example",
                                      ("target_link_uri=" OWN "/home"), "%zz"};
    char *target = NULL;
    assert_int_equal(world_meet(w), RP_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(rp_login_initiation(w->rp, bad[i], &w->note, &target), RP_BAD_TARGET);
    assert_int_equal(rp_login_initiation(w->rp, NULL, &w->note, &target), RP_BAD_TARGET);
    assert_int_equal(initiate(w, "&iss=x", &target), RP_BAD_TARGET);
    assert_null(target);
}

static void login_leads_to_pages_of_our_own_only(void **state)
{
    struct world *w = *state;
    static const char *const bad[] = {
        "https://evil.example/",  "http://127.0.0.11:90001/home",
        "http://127.0.0.11/home", "https://127.0.0.11:9000/home",
        OWN ".evil.example/",     OWN "@evil.example/",
        OWN "%23@evil.example/",  OWN "%5C@evil.example/",
        OWN "/%5Cevil.example",   OWN "/a%20b",
        OWN "/%E4%BE%8B",         "HTTP://127.0.0.11:9000/home",
        "//127.0.0.11:9000/home", "/home",
        "javascript:alert(1)",
    };
    char *target = NULL;
    assert_int_equal(world_meet(w), RP_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char rest[256];
        (void)snprintf(rest, sizeof(rest), "&target_link_uri=%s", bad[i]);
        assert_int_equal(initiate(w, rest, &target), RP_BAD_TARGET);
        assert_null(target);
    }
}

static void every_code_has_a_sentence(void **state)
{
    (void)state;
    for (int i = RP_OK; i <= RP_BAD_USERINFO; i++)
        assert_non_null(rp_err_text((enum rp_err)i));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(incomplete_settings_are_refused),
        TEST(only_https_is_safe_save_loopback_in_development),
        TEST(issuer_has_to_match_exactly),
        TEST(provider_without_what_we_need_is_refused),
        TEST(unsafe_endpoints_are_refused),
        TEST(broken_document_is_refused),
        TEST(dead_provider_is_unreachable),
        TEST(request_names_all_it_has_to),
        TEST(no_two_requests_share_a_secret),
        TEST(endpoint_keeps_the_query_it_has),
        TEST(request_that_is_too_long_is_refused),
        TEST(portal_may_initiate_a_login),
        TEST(strangers_may_not_initiate_a_login),
        TEST(login_leads_to_pages_of_our_own_only),
        TEST(every_code_has_a_sentence),
    };
    return cmocka_run_group_tests_name("rp/party", tests, world_make_keys, world_drop_keys);
}
