#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/arena.h"
#include "client/metadata.h"

static struct {
    struct arena *arena;
    struct client client;
    struct metadata_problem problem;
} w;

static int set_up(void **state)
{
    (void)state;
    w.arena = arena_new();
    w.client = (struct client){.id = NULL};
    return w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(w.arena);
    return 0;
}

/* The text goes in an exact-size block, so that ASan sees a byte too many read. */
static enum idp_err parse_n(const char *text, size_t len)
{
    static const struct address_rules rules = {.development = false};
    char *exact = malloc(len + (len == 0));
    assert_non_null(exact);
    memcpy(exact, text, len);
    enum idp_err err = metadata_parse(w.arena, &rules, exact, len, &w.problem, &w.client);
    free(exact);
    return err;
}

static enum idp_err parse(const char *text)
{
    return parse_n(text, strlen(text));
}

#define NAME "\"client_name\":\"包头交易平台\""
#define REDIRECT "\"redirect_uris\":[\"https://platform.example/cb\"]"
#define LEAST NAME "," REDIRECT

static void least_metadata_get_the_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse("{" LEAST "}"), IDP_OK);
    assert_string_equal(w.client.id, "");
    assert_string_equal(w.client.name_zh, "包头交易平台");
    assert_string_equal(w.client.name_en, "包头交易平台");
    assert_int_equal(w.client.standing, CLIENT_ACTIVE);
    assert_int_equal(w.client.environment, CLIENT_PRODUCTION);
    assert_int_equal(w.client.auth_method, CLIENT_SECRET_BASIC);
    assert_int_equal(w.client.id_token_alg, JOSE_ES256);
    assert_int_equal(w.client.may_introspect, CLIENT_INTROSPECT_OWN);
    assert_int_equal(w.client.group, CLIENT_GROUP_NONE);
    assert_true(w.client.require_pkce);
    assert_string_equal(w.client.scope, client_default_scope);
    assert_string_equal(w.client.grant_types, "authorization_code");
    assert_int_equal(w.client.redirect_uri_count, 1);
    assert_null(w.client.secret_hash);
    assert_null(w.client.initiate_login_uri);
    assert_null(w.client.logo_uri);
    assert_null(w.client.default_acr_values);
}

static const char whole[] =
    "{\"client_id\":\"baotou.trade\",\"client_name\":\"Baotou\",\"client_name#en\":\"Baotou "
    "trade\","
    "\"client_name#zh-CN\":\"包头市公共资源交易平台\","
    "\"redirect_uris\":[\"https://baotou.example/cb\",\"https://BAOTOU.example/CB?x=%e4\"],"
    "\"initiate_login_uri\":\"https://baotou.example/login\","
    "\"client_uri\":\"https://baotou.example/\",\"logo_uri\":\"https://baotou.example/l.svg\","
    "\"policy_uri\":\"https://baotou.example/p\",\"tos_uri\":\"https://baotou.example/t\","
    "\"contacts\":[\"ops@baotou.example\",\"help@baotou.example\"],"
    "\"token_endpoint_auth_method\":\"client_secret_post\","
    "\"id_token_signed_response_alg\":\"RS256\",\"grant_types\":[\"authorization_code\"],"
    "\"response_types\":[\"code\"],\"scope\":\"openid enterprise certificate\","
    "\"default_acr_values\":[\"urn:a\",\"urn:b\"],"
    "\"tamga_group\":\"west\",\"tamga_city\":\"baotou\",\"tamga_phone\":\"0472-5180000\","
    "\"tamga_joined\":true,\"tamga_environment\":\"test\",\"tamga_introspect\":\"all\","
    "\"tamga_order\":2}";

static void every_member_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse(whole), IDP_OK);
    assert_string_equal(w.client.id, "baotou.trade");
    assert_string_equal(w.client.name_zh, "包头市公共资源交易平台");
    assert_string_equal(w.client.name_en, "Baotou trade");
    assert_string_equal(w.client.initiate_login_uri, "https://baotou.example/login");
    assert_string_equal(w.client.client_uri, "https://baotou.example/");
    assert_string_equal(w.client.logo_uri, "https://baotou.example/l.svg");
    assert_string_equal(w.client.policy_uri, "https://baotou.example/p");
    assert_string_equal(w.client.tos_uri, "https://baotou.example/t");
    assert_int_equal(w.client.auth_method, CLIENT_SECRET_POST);
    assert_int_equal(w.client.id_token_alg, JOSE_RS256);
    assert_string_equal(w.client.scope, "openid enterprise certificate");
    assert_string_equal(w.client.default_acr_values, "urn:a urn:b");
    assert_int_equal(w.client.group, CLIENT_WEST);
    assert_string_equal(w.client.city, "baotou");
    assert_string_equal(w.client.phone, "0472-5180000");
    assert_int_equal(w.client.environment, CLIENT_TEST);
    assert_int_equal(w.client.may_introspect, CLIENT_INTROSPECT_ALL);
    assert_int_equal(w.client.order, 2);
}

static void grant_types_are_those_of_the_token_endpoint(void **state)
{
    (void)state;
    assert_int_equal(
        parse("{" LEAST ",\"grant_types\":[\"refresh_token\",\"authorization_code\"]}"), IDP_OK);
    assert_string_equal(w.client.grant_types, "refresh_token authorization_code");
    /* For itself only: it has nowhere to be sent back to. */
    assert_int_equal(parse("{\"client_name\":\"a\",\"grant_types\":[\"client_credentials\"],"
                           "\"response_types\":[]}"),
                     IDP_OK);
    assert_int_equal(parse("{\"client_name\":\"a\",\"grant_types\":[\"client_credentials\"]}"),
                     IDP_OK);
    assert_int_equal(w.client.redirect_uri_count, 0);
}

static void redirect_uris_are_kept_byte_for_byte(void **state)
{
    (void)state;
    assert_int_equal(parse(whole), IDP_OK);
    assert_int_equal(w.client.redirect_uri_count, 2);
    assert_true(client_has_redirect_uri(&w.client, "https://BAOTOU.example/CB?x=%e4"));
    assert_false(client_has_redirect_uri(&w.client, "https://baotou.example/CB?x=%e4"));
    assert_false(client_has_redirect_uri(&w.client, "https://BAOTOU.example/CB?x=%E4"));
    assert_false(client_has_redirect_uri(&w.client, "https://baotou.example/cb/"));
    assert_false(client_has_redirect_uri(&w.client, "https://baotou.example/c"));
    assert_false(client_has_redirect_uri(&w.client, ""));
}

static void platform_that_has_not_joined_needs_a_name_only(void **state)
{
    (void)state;
    assert_int_equal(parse("{" NAME ",\"tamga_joined\":false,\"tamga_group\":\"east\"}"), IDP_OK);
    assert_int_equal(w.client.standing, CLIENT_ANNOUNCED);
    assert_int_equal(w.client.redirect_uri_count, 0);
    assert_int_equal(w.client.group, CLIENT_EAST);
}

static void one_language_serves_for_both(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"client_name#en\":\"Wuhai\"," REDIRECT "}"), IDP_OK);
    assert_string_equal(w.client.name_zh, "Wuhai");
}

struct vector {
    const char *text, *field;
};

/* What is wrong goes beside what is enough. */
#define WITH(member) "{" LEAST "," member "}"
#define WITH_NAME(value) "{" REDIRECT ",\"client_name\":" value "}"
#define WITH_URIS(value) "{" NAME ",\"redirect_uris\":" value "}"
#define CB "\"https://platform.example/cb\""

static const struct vector bad[] = {
    /* the document */
    {"", ""},
    {" ", ""},
    {"[]", ""},
    {"null", ""},
    {"\"x\"", ""},
    {"{", ""},
    {"{" LEAST "} {}", ""},
    {"{" LEAST ",}", ""},
    {"{'client_name':1}", ""},
    {WITH(NAME), ""},
    {WITH(REDIRECT), ""},
    {"{}", "client_name"},
    {"{" REDIRECT "}", "client_name"},
    {"{" NAME "}", "redirect_uris"},
    /* unknown members, also those that would raise its rights */
    {WITH("\"x\":1"), "x"},
    {WITH("\"\":1"), ""},
    {WITH("\"Client_name\":\"x\""), "Client_name"},
    {WITH("\"client_name \":\"x\""), "client_name "},
    {WITH("\"client_name#zh\":\"x\""), "client_name#zh"},
    {WITH("\"client_name#\":\"x\""), "client_name#"},
    {WITH("\"client_secret\":\"x\""), "client_secret"},
    {WITH("\"secret_hash\":\"1.x\""), "secret_hash"},
    {WITH("\"standing\":\"active\""), "standing"},
    {WITH("\"require_pkce\":false"), "require_pkce"},
    {WITH("\"jwks_uri\":\"https://platform.example/jwks\""), "jwks_uri"},
    {WITH("\"sector_identifier_uri\":\"https://platform.example/\""), "sector_identifier_uri"},
    {WITH("\"__proto__\":{}"), "__proto__"},
    {WITH("\"\\u001b[2J\":1"), "?[2J"},
    /* names */
    {WITH_NAME("null"), "client_name"},
    {WITH_NAME("1"), "client_name"},
    {WITH_NAME("[\"x\"]"), "client_name"},
    {WITH_NAME("{\"en\":\"x\"}"), "client_name"},
    {WITH_NAME("\"\""), "client_name"},
    {WITH_NAME("\" x\""), "client_name"},
    {WITH_NAME("\"x \""), "client_name"},
    {WITH_NAME("\"a\\nb\""), "client_name"},
    {WITH_NAME("\"a\\u0085b\""), "client_name"},
    {WITH_NAME("\"a\\u202eb\""), "client_name"},
    {WITH_NAME("\"a\\u200bb\""), "client_name"},
    {WITH_NAME("\"a\\u2066b\""), "client_name"},
    {WITH_NAME("\"\\ufeffb\""), "client_name"},
    {WITH("\"client_name#en\":null"), "client_name#en"},
    {WITH("\"client_name#zh-CN\":\"\""), "client_name#zh-CN"},
    /* ids */
    {WITH("\"client_id\":\"ab\""), "client_id"},
    {WITH("\"client_id\":\"-abc\""), "client_id"},
    {WITH("\"client_id\":\"..abc\""), "client_id"},
    {WITH("\"client_id\":\"a b\""), "client_id"},
    {WITH("\"client_id\":\"a/b\""), "client_id"},
    {WITH("\"client_id\":\"a:bc\""), "client_id"},
    {WITH("\"client_id\":\"包头平台\""), "client_id"},
    {WITH("\"client_id\":null"), "client_id"},
    {WITH("\"client_id\":"
          "\"01234567890123456789012345678901234567890123456789012345678901234\""),
     "client_id"},
    /* redirect URIs */
    {WITH_URIS("null"), "redirect_uris"},
    {WITH_URIS(CB), "redirect_uris"},
    {WITH_URIS("{}"), "redirect_uris"},
    {WITH_URIS("{\"0\":" CB "}"), "redirect_uris"},
    {WITH_URIS("[]"), "redirect_uris"},
    {WITH_URIS("[null]"), "redirect_uris[0]"},
    {WITH_URIS("[" CB ",null]"), "redirect_uris[1]"},
    {WITH_URIS("[" CB ",[" CB "]]"), "redirect_uris[1]"},
    {WITH_URIS("[" CB ",1]"), "redirect_uris[1]"},
    {WITH_URIS("[" CB "," CB "]"), "redirect_uris[1]"},
    {WITH_URIS("[\"\"]"), "redirect_uris[0]"},
    {WITH_URIS("[\"*\"]"), "redirect_uris[0]"},
    {WITH_URIS("[" CB ",\"https://a.example/#x\"]"), "redirect_uris[1]"},
    {WITH_URIS("[\"javascript:alert(1)\"]"), "redirect_uris[0]"},
    {WITH_URIS("[\"http://127.0.0.1/cb\"]"), "redirect_uris[0]"},
    {WITH_URIS("[\"https://a.example/cb?code=1\"]"), "redirect_uris[0]"},
    {WITH_URIS("[\"https://a.example/c\\u0000b\"]"), ""},
    {WITH_URIS("[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]"), "redirect_uris"},
    /* other addresses */
    {WITH("\"initiate_login_uri\":\"http://platform.example/\""), "initiate_login_uri"},
    {WITH("\"initiate_login_uri\":null"), "initiate_login_uri"},
    {WITH("\"client_uri\":\"javascript:alert(1)\""), "client_uri"},
    {WITH("\"logo_uri\":\"data:image/png;base64,AA\""), "logo_uri"},
    {WITH("\"logo_uri\":\"https://x.example/\\\"onerror=\""), "logo_uri"},
    {WITH("\"policy_uri\":[]"), "policy_uri"},
    {WITH("\"tos_uri\":\"\""), "tos_uri"},
    /* contacts */
    {WITH("\"contacts\":\"a@b.example\""), "contacts"},
    {WITH("\"contacts\":[]"), "contacts"},
    {WITH("\"contacts\":[\"a\"]"), "contacts[0]"},
    {WITH("\"contacts\":[\"a@b@c\"]"), "contacts[0]"},
    {WITH("\"contacts\":[\"a <a@b.example>\"]"), "contacts[0]"},
    {WITH("\"contacts\":[\"a@b.example\",\"a@b.example\"]"), "contacts[1]"},
    /* what it may do */
    {WITH("\"token_endpoint_auth_method\":\"None\""), "token_endpoint_auth_method"},
    {WITH("\"token_endpoint_auth_method\":\"private_key_jwt\""), "token_endpoint_auth_method"},
    {WITH("\"token_endpoint_auth_method\":\"\""), "token_endpoint_auth_method"},
    {WITH("\"token_endpoint_auth_method\":[\"none\"]"), "token_endpoint_auth_method"},
    {WITH("\"id_token_signed_response_alg\":\"none\""), "id_token_signed_response_alg"},
    {WITH("\"id_token_signed_response_alg\":\"HS256\""), "id_token_signed_response_alg"},
    {WITH("\"grant_types\":[]"), "grant_types"},
    {WITH("\"grant_types\":\"authorization_code\""), "grant_types"},
    {WITH("\"grant_types\":[\"authorization_code\",\"implicit\"]"), "grant_types[1]"},
    {WITH("\"grant_types\":[\"authorization_code\",\"authorization_code\"]"), "grant_types[1]"},
    {WITH("\"grant_types\":[\"password\"]"), "grant_types[0]"},
    {WITH("\"grant_types\":[\"authorization_code refresh_token\"]"), "grant_types[0]"},
    {WITH("\"grant_types\":[\"refresh_token\"]"), "grant_types"},
    {WITH("\"grant_types\":[\"client_credentials\",\"refresh_token\"]"), "grant_types"},
    {WITH("\"grant_types\":[\"client_credentials\"],\"token_endpoint_auth_method\":\"none\""),
     "grant_types"},
    {WITH("\"grant_types\":[\"authorization_code\"],\"response_types\":[]"), "response_types"},
    {WITH("\"response_types\":[\"code\",\"code\"]"), "response_types"},
    {"{\"client_name\":\"a\",\"grant_types\":[\"authorization_code\"]}", "redirect_uris"},
    {WITH("\"response_types\":[\"token\"]"), "response_types"},
    {WITH("\"response_types\":[\"code\",null]"), "response_types"},
    {WITH("\"response_types\":[null]"), "response_types"},
    {WITH("\"scope\":\"\""), "scope"},
    {WITH("\"scope\":\"openid  enterprise\""), "scope"},
    {WITH("\"scope\":\" openid\""), "scope"},
    {WITH("\"scope\":\"openid openid\""), "scope"},
    {WITH("\"scope\":\"a b a\""), "scope"},
    {WITH("\"scope\":\"open\\\"id\""), "scope"},
    {WITH("\"scope\":\"open\\\\id\""), "scope"},
    {WITH("\"scope\":\"企业\""), "scope"},
    {WITH("\"scope\":[\"openid\"]"), "scope"},
    {WITH("\"default_acr_values\":[\"a b\"]"), "default_acr_values[0]"},
    {WITH("\"default_acr_values\":[\"a\",\"a\"]"), "default_acr_values[1]"},
    /* our own members */
    {WITH("\"tamga_group\":\"north\""), "tamga_group"},
    {WITH("\"tamga_group\":null"), "tamga_group"},
    {WITH("\"tamga_group\":\"west\\u0000\""), ""},
    {WITH("\"tamga_city\":\"Baotou\""), "tamga_city"},
    {WITH("\"tamga_city\":\"1a\""), "tamga_city"},
    {WITH("\"tamga_phone\":\"call me\""), "tamga_phone"},
    {WITH("\"tamga_phone\":\"12\""), "tamga_phone"},
    {WITH("\"tamga_phone\":4725180000"), "tamga_phone"},
    {WITH("\"tamga_joined\":\"false\""), "tamga_joined"},
    {WITH("\"tamga_joined\":0"), "tamga_joined"},
    {WITH("\"tamga_joined\":null"), "tamga_joined"},
    {WITH("\"tamga_environment\":\"dev\""), "tamga_environment"},
    {WITH("\"tamga_introspect\":\"ALL\""), "tamga_introspect"},
    {WITH("\"tamga_introspect\":true"), "tamga_introspect"},
    {WITH("\"tamga_introspect\":\"all\",\"token_endpoint_auth_method\":\"none\""),
     "tamga_introspect"},
    {WITH("\"tamga_order\":-1"), "tamga_order"},
    {WITH("\"tamga_order\":10000"), "tamga_order"},
    {WITH("\"tamga_order\":1.5"), "tamga_order"},
    {WITH("\"tamga_order\":\"1\""), "tamga_order"},
    {WITH("\"tamga_order\":99999999999999999999"), ""},
    {WITH("\"tamga_admin\":true"), "tamga_admin"},
};

static void what_breaks_a_rule_is_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (parse(bad[i].text) != IDP_BAD_REQUEST)
            fail_msg("accepted: %s", bad[i].text);
        if (strcmp(w.problem.field, bad[i].field) != 0)
            fail_msg("%s: names %s", bad[i].text, w.problem.field);
        if (w.problem.problem[0] == '\0')
            fail_msg("%s: tells nothing", bad[i].text);
    }
}

/* A problem goes to terminals: nothing of the document may move the cursor there. */
static void problem_is_printable(void **state)
{
    (void)state;
    static const char text[] = "{\"a\x1b[2J\xFF\":1}";
    assert_int_equal(parse(text), IDP_BAD_REQUEST);
    assert_null(strpbrk(w.problem.problem, "\x1b\xFF\n"));
    assert_int_equal(parse("{\"\\u001b\\u0085\\u202e\":1}"), IDP_BAD_REQUEST);
    for (const char *s = w.problem.field; *s != '\0'; s++)
        assert_in_range(*s, ' ', '~');
}

static void member_name_of_any_length_fits_the_problem(void **state)
{
    (void)state;
    char text[600] = "{\"";
    memset(text + 2, 'a', 500);
    memcpy(text + 502, "\":1}", 5);
    assert_int_equal(parse(text), IDP_BAD_REQUEST);
    assert_int_equal(strlen(w.problem.field), sizeof(w.problem.field) - 1);
}

static void document_is_bounded(void **state)
{
    (void)state;
    char *text = arena_alloc(w.arena, METADATA_TEXT_MAX + 1);
    memset(text, ' ', METADATA_TEXT_MAX + 1);
    memcpy(text, "{" LEAST "}", sizeof("{" LEAST "}") - 1);
    assert_int_equal(parse_n(text, METADATA_TEXT_MAX), IDP_OK);
    assert_int_equal(parse_n(text, METADATA_TEXT_MAX + 1), IDP_BAD_REQUEST);
}

static void text_after_nul_is_refused(void **state)
{
    (void)state;
    static const char text[] = "{" LEAST "}\0{}";
    assert_int_equal(parse_n(text, sizeof(text) - 1), IDP_BAD_REQUEST);
}

static void development_allows_http_on_loopback(void **state)
{
    (void)state;
    static const struct address_rules rules = {.development = true};
    static const char text[] = "{" NAME ",\"redirect_uris\":[\"http://127.0.0.11:9000/cb\"],"
                               "\"initiate_login_uri\":\"http://[::1]:9000/login\"}";
    assert_int_equal(metadata_parse(w.arena, &rules, text, strlen(text), &w.problem, &w.client),
                     IDP_OK);
}

static void public_client_has_no_secret_method(void **state)
{
    (void)state;
    assert_int_equal(parse(WITH("\"token_endpoint_auth_method\":\"none\"")), IDP_OK);
    assert_int_equal(w.client.auth_method, CLIENT_AUTH_NONE);
}

/* Jansson's n-th allocation fails, for every n until the document is read. */
static int allocations_left;

static void *scarce_malloc(size_t n)
{
    return allocations_left-- > 0 ? malloc(n) : NULL;
}

static void no_memory_never_drops_a_member(void **state)
{
    (void)state;
    enum idp_err err = IDP_FAULT;
    json_set_alloc_funcs(scarce_malloc, free);
    for (int n = 0; err != IDP_OK && n < 1000; n++) {
        allocations_left = n;
        err = parse(whole);
    }
    json_set_alloc_funcs(malloc, free);
    assert_int_equal(err, IDP_OK);
    assert_int_equal(w.client.redirect_uri_count, 2);
    assert_int_equal(w.client.order, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(least_metadata_get_the_defaults),
        TEST(every_member_is_read),
        TEST(grant_types_are_those_of_the_token_endpoint),
        TEST(redirect_uris_are_kept_byte_for_byte),
        TEST(platform_that_has_not_joined_needs_a_name_only),
        TEST(one_language_serves_for_both),
        TEST(what_breaks_a_rule_is_refused_by_name),
        TEST(problem_is_printable),
        TEST(member_name_of_any_length_fits_the_problem),
        TEST(document_is_bounded),
        TEST(text_after_nul_is_refused),
        TEST(development_allows_http_on_loopback),
        TEST(public_client_has_no_secret_method),
        TEST(no_memory_never_drops_a_member),
    };
    return cmocka_run_group_tests_name("client/metadata", tests, NULL, NULL);
}
