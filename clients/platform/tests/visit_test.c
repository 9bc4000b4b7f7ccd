/*
 * A whole platform on a free port, visited like a browser would: cookies, forms, redirects. The
 * provider is librp's fake one, which signs what the test tells it to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <jansson.h>

#include "base/clock.h"
#include "http/server.h"
#include "platform/app.h"
#include "platform/routes.h"
#include "rp/tests/fake_provider.h"
#include "tests/help.h"

enum { PAGE_SIZE = 131072 };

static struct world {
    struct fake *provider;
    EVP_PKEY *key;
    char *folder;
    struct settings settings;
    struct app *app;
    struct http_server *server;
    char home[64], redirect_uri[96];
    CURL *browser;
    long status;
    char page[PAGE_SIZE], headers[8192], location[2048];
    size_t page_len, headers_len;
} w;

static size_t keep_page(char *bytes, size_t size, size_t n, void *to)
{
    (void)to;
    n *= size;
    if (n >= sizeof(w.page) - w.page_len)
        return 0;
    memcpy(w.page + w.page_len, bytes, n);
    w.page_len += n;
    w.page[w.page_len] = '\0';
    return n;
}

static size_t keep_header(char *bytes, size_t size, size_t n, void *to)
{
    (void)to;
    n *= size;
    if (n >= sizeof(w.headers) - w.headers_len)
        return 0;
    memcpy(w.headers + w.headers_len, bytes, n);
    w.headers_len += n;
    w.headers[w.headers_len] = '\0';
    return n;
}

/* Asks for a path of the platform; form NULL: GET. Sets w.status, w.page, w.location. */
static void visit(const char *path, const char *form)
{
    char url[4096];
    char *location = NULL;
    (void)snprintf(url, sizeof(url), "%s%s", w.home, path);
    w.page_len = w.headers_len = 0;
    w.page[0] = w.headers[0] = w.location[0] = '\0';
    assert_int_equal(curl_easy_setopt(w.browser, CURLOPT_URL, url), CURLE_OK);
    if (form != NULL)
        (void)curl_easy_setopt(w.browser, CURLOPT_POSTFIELDS, form);
    else
        (void)curl_easy_setopt(w.browser, CURLOPT_HTTPGET, 1L);
    assert_int_equal(curl_easy_perform(w.browser), CURLE_OK);
    (void)curl_easy_getinfo(w.browser, CURLINFO_RESPONSE_CODE, &w.status);
    (void)curl_easy_getinfo(w.browser, CURLINFO_REDIRECT_URL, &location);
    if (location != NULL)
        (void)snprintf(w.location, sizeof(w.location), "%s", location);
}

/* A browser with an empty jar. */
static void new_browser(void)
{
    curl_easy_cleanup(w.browser);
    w.browser = curl_easy_init();
    assert_non_null(w.browser);
    (void)curl_easy_setopt(w.browser, CURLOPT_COOKIEFILE, "");
    (void)curl_easy_setopt(w.browser, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(w.browser, CURLOPT_TIMEOUT, 10L);
    (void)curl_easy_setopt(w.browser, CURLOPT_WRITEFUNCTION, keep_page);
    (void)curl_easy_setopt(w.browser, CURLOPT_HEADERFUNCTION, keep_header);
}

static void expect_page(long status, const char *part)
{
    assert_int_equal(w.status, status);
    assert_non_null(strstr(w.page, part));
}

static void expect_redirect(const char *path)
{
    assert_int_equal(w.status, 303);
    assert_memory_equal(w.location, w.home, strlen(w.home));
    assert_string_equal(w.location + strlen(w.home), path);
}

static void publish(void)
{
    char urls[4][96];
    static const char *const paths[] = {"/authorize", "/jwks", "/token", "/userinfo"};
    for (size_t i = 0; i < 4; i++)
        (void)snprintf(urls[i], sizeof(urls[i]), "%s%s", fake_issuer(w.provider), paths[i]);
    fake_says_json(w.provider, FAKE_DISCOVERY,
                   json_pack("{s:s,s:s,s:s,s:s,s:s,s:[s],s:[s],s:b}", "issuer",
                             fake_issuer(w.provider), "authorization_endpoint", urls[0], "jwks_uri",
                             urls[1], "token_endpoint", urls[2], "userinfo_endpoint", urls[3],
                             "response_types_supported", "code",
                             "id_token_signing_alg_values_supported", "ES256",
                             "authorization_response_iss_parameter_supported", 1));
    fake_says_json(w.provider, FAKE_JWKS, json_pack("{s:[o]}", "keys", fake_jwk(w.key, "k")));
    fake_says_json(w.provider, FAKE_USERINFO,
                   json_pack("{s:s,s:s,s:s,s:[ss],s:{s:s,s:s,s:s,s:s,s:I}}", "sub", "company-7",
                             "name", "Sand <b>& Steppe", "uscc", "91150100MA0TEAT1XD",
                             "entity_types", "bidder", "supplier", "lock", "issuer", "nmca-rsa",
                             "issuer_name", "内蒙古CA", "issuer_name#en", "Inner Mongolia CA",
                             "serial", "0a1b", "not_after", (json_int_t)1900000000));
}

static int set_up(void **state)
{
    (void)state;
    char *why = NULL;
    char reason[SETTINGS_WHY_MAX];
    memset(&w, 0, sizeof(w));
    w.provider = fake_start();
    w.key = fake_key("ES256");
    w.folder = help_temp_folder();
    int port = help_free_port();
    (void)snprintf(w.home, sizeof(w.home), "http://127.0.0.1:%d", port);
    (void)snprintf(w.redirect_uri, sizeof(w.redirect_uri), "%s/callback", w.home);
    w.settings.count = 1;
    w.settings.platforms[0] = (struct platform_settings){
        .id = "hohhot",
        .name_zh = "呼和浩特市公共资源交易平台",
        .name_en = "Hohhot",
        .portal = "http://127.0.0.1:8080/",
        .phone = "0471",
        .data = w.folder,
        .rp = {.issuer = fake_issuer(w.provider),
               .client_id = "hohhot",
               .client_secret = "secret",
               .redirect_uri = w.redirect_uri,
               .scope = "openid enterprise lock",
               .development = true},
    };
    const struct http_settings http = {.address = "127.0.0.1",
                                       .port = (uint16_t)port,
                                       .threads = 1,
                                       .workers = 2,
                                       .connections = 64,
                                       .csp = "default-src 'none'",
                                       .quiet = true};
    if (app_new(&w.settings, 0, reason, &w.app) != IDP_OK ||
        http_server_start(&http, platform_routes, w.app, &why, &w.server) != IDP_OK)
        return 1;
    new_browser();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    curl_easy_cleanup(w.browser);
    http_server_stop(w.server, 1000);
    app_free(w.app);
    fake_stop(w.provider);
    EVP_PKEY_free(w.key);
    help_remove_folder(w.folder);
    free(w.folder);
    return 0;
}

/* The value of a parameter in w.location, into out. */
static void read_param(const char *name, char *out, size_t size)
{
    char wanted[64];
    (void)snprintf(wanted, sizeof(wanted), "%s=", name);
    const char *at = strstr(w.location, wanted);
    assert_non_null(at);
    at += strlen(wanted);
    size_t len = strcspn(at, "&");
    assert_true(len < size);
    memcpy(out, at, len);
    out[len] = '\0';
}

/* What the provider does once the browser has been sent to it: a token with the nonce asked. */
static void provider_signs(char callback[1024])
{
    char nonce[128];
    char state[128];
    json_int_t now = clock_now();
    assert_memory_equal(w.location, fake_issuer(w.provider), strlen(fake_issuer(w.provider)));
    read_param("nonce", nonce, sizeof(nonce));
    read_param("state", state, sizeof(state));
    char *token = fake_sign(w.key, json_pack("{s:s,s:s}", "alg", "ES256", "kid", "k"),
                            json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:s,s:[ss]}", "iss",
                                      fake_issuer(w.provider), "sub", "company-7", "aud", "hohhot",
                                      "exp", now + 300, "iat", now, "auth_time", now, "nonce",
                                      nonce, "acr", "urn:tamga:acr:lock", "amr", "hwk", "pin"));
    fake_says_json(
        w.provider, FAKE_TOKEN,
        json_pack("{s:s,s:s,s:s}", "access_token", "a", "token_type", "Bearer", "id_token", token));
    free(token);
    (void)snprintf(callback, 1024, "/callback?code=c&state=%s&iss=%s", state,
                   fake_issuer(w.provider));
}

/* From the button to the platform's own page behind the callback. */
static void sign_in_by(const char *path)
{
    char callback[1024];
    visit(path, NULL);
    assert_int_equal(w.status, 303);
    provider_signs(callback);
    visit(callback, NULL);
}

/* Takes the hidden token out of the page and makes the form of it and this rest. */
static const char *form_with(const char *rest)
{
    static char form[512];
    static const char mark[] = "name=\"token\" value=\"";
    const char *at = strstr(w.page, mark);
    assert_non_null(at);
    (void)snprintf(form, sizeof(form), "token=%.43s%s", at + strlen(mark), rest);
    return form;
}

static void initiate(char path[512])
{
    (void)snprintf(path, 512, "/initiate?iss=%s&target_link_uri=%s%%2F", fake_issuer(w.provider),
                   w.home);
}

static void home_page_needs_no_provider(void **state)
{
    (void)state;
    visit("/", NULL);
    expect_page(200, "data-testid=\"platform-sign-in\"");
    expect_page(200, "data-testid=\"platform-portal-link\"");
    expect_page(200, "呼和浩特市公共资源交易平台");
    assert_non_null(strstr(w.headers, "Content-Security-Policy: default-src 'none'"));
    visit("/?lang=en", NULL);
    expect_page(200, "Sign in with CA lock");
    visit("/", NULL);
    expect_page(200, "Hohhot"); /* remembered */
}

static void provider_that_is_down_is_told_and_tried_again(void **state)
{
    (void)state;
    visit("/login", NULL);
    expect_page(502, "data-testid=\"platform-error\""); /* it answers 404 */
    fake_says(w.provider, FAKE_DISCOVERY, 503, NULL, "{}");
    const struct timespec pause = {.tv_sec = 2, .tv_nsec = 100000000};
    (void)nanosleep(&pause, NULL);
    visit("/login", NULL);
    expect_page(503, "data-code=\"provider_away\"");
    publish();
    visit("/login", NULL);
    expect_page(503, "data-code=\"provider_away\""); /* asked a moment ago */
    (void)nanosleep(&pause, NULL);
    visit("/login", NULL);
    assert_int_equal(w.status, 303);
}

static void company_files_once_and_is_known_after(void **state)
{
    (void)state;
    publish();
    sign_in_by("/login");
    expect_redirect("/home");
    visit("/home", NULL);
    expect_page(200, "data-testid=\"platform-filing-input\"");
    expect_page(200, "data-testid=\"platform-company\">Sand &lt;b&gt;&amp; Steppe<");
    expect_page(200, "data-testid=\"platform-uscc\">91150100MA0TEAT1XD<");
    visit("/filing", form_with("&contact=%20%E5%BC%A0%E4%B8%89%20"));
    expect_redirect("/home");
    visit("/home", NULL);
    expect_page(200, "data-testid=\"platform-inside\"");
    expect_page(200, "<dd>张三</dd>");
    expect_page(200, "<dd>CA锁签名，证书有效</dd>");
    expect_page(200, "<dd>硬件密钥、PIN码</dd>");
    expect_page(200, "<dd>内蒙古CA</dd>");
    assert_null(strstr(w.page, "urn:tamga:acr:lock"));
    assert_null(strstr(w.page, "nmca-rsa"));

    new_browser(); /* the same company, another day */
    sign_in_by("/login");
    visit("/home", NULL);
    expect_page(200, "data-testid=\"platform-inside\"");
}

static void filing_without_a_name_is_asked_again(void **state)
{
    (void)state;
    publish();
    sign_in_by("/login");
    static const char *const bad[] = {"", "&contact=", "&contact=%20%20",
                                      "&contact=a234567890b234567890c234567890d234567890e"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        visit("/home", NULL);
        visit("/filing", form_with(bad[i]));
        expect_page(400, "data-testid=\"platform-filing-input\"");
    }
    visit("/home", NULL);
    expect_page(200, "data-testid=\"platform-filing-input\"");
}

static void portal_visitor_confirms_before_coming_in(void **state)
{
    (void)state;
    char path[512];
    publish();
    initiate(path);
    sign_in_by(path);
    expect_redirect("/confirm");
    visit("/home", NULL);
    expect_redirect("/confirm");
    visit("/confirm", NULL);
    expect_page(200, "data-testid=\"platform-confirm\"");
    expect_page(200, "data-testid=\"platform-company\"");
    visit("/confirm", form_with(""));
    expect_redirect("/home");
    visit("/home", NULL);
    expect_page(200, "data-testid=\"platform-filing-input\"");
    visit("/confirm", NULL);
    expect_redirect("/home");
}

static void visitor_who_has_not_confirmed_cannot_file(void **state)
{
    (void)state;
    char path[512];
    publish();
    initiate(path);
    sign_in_by(path);
    visit("/confirm", NULL);
    visit("/filing", form_with("&contact=x"));
    expect_redirect("/home");
    visit("/home", NULL);
    expect_redirect("/confirm");
}

static void strangers_cannot_initiate(void **state)
{
    (void)state;
    char path[512];
    publish();
    visit("/initiate", NULL);
    expect_page(400, "data-code=\"strange_link\"");
    visit("/initiate?iss=https://idp.example", NULL);
    expect_page(400, "data-code=\"strange_link\"");
    (void)snprintf(path, sizeof(path), "/initiate?iss=%s&target_link_uri=https://evil.example/",
                   fake_issuer(w.provider));
    visit(path, NULL);
    expect_page(400, "data-code=\"strange_link\"");
}

/* docs/security.md row 24 */
static void forms_without_the_sessions_token_are_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {"/confirm", "/filing", "/logout"};
    static const char *const forms[] = {
        "", "token=", "token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "token=a&token=b"};
    publish();
    for (int signed_in = 0; signed_in < 2; signed_in++) {
        for (size_t i = 0; i < 12; i++) {
            visit(paths[i % 3], forms[i / 3]);
            assert_true(w.status == 403 || (w.status == 400 && i / 3 == 3));
            assert_non_null(strstr(w.page, "data-testid=\"platform-error\""));
        }
        sign_in_by("/login");
    }
    visit("/home", NULL);
    expect_page(200, "data-testid=\"platform-filing-input\""); /* still signed in, nothing filed */
}

static void form_of_another_site_is_refused(void **state)
{
    (void)state;
    publish();
    sign_in_by("/login");
    visit("/home", NULL);
    struct curl_slist *lines = curl_slist_append(NULL, "Sec-Fetch-Site: cross-site");
    (void)curl_easy_setopt(w.browser, CURLOPT_HTTPHEADER, lines);
    visit("/logout", form_with(""));
    (void)curl_easy_setopt(w.browser, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(lines);
    expect_page(403, "data-code=\"form_refused\"");
}

/* docs/security.md row 23, both ways */
static void sign_in_of_another_browser_is_refused(void **state)
{
    (void)state;
    char callback[1024];
    publish();
    visit("/login", NULL);
    provider_signs(callback);
    new_browser();
    visit(callback, NULL);
    expect_page(400, "data-code=\"sign_in_stale\"");
    visit("/login", NULL); /* with a session of its own, too */
    visit(callback, NULL);
    expect_page(400, "data-code=\"sign_in_stale\"");
    assert_int_equal(fake_asked(w.provider, FAKE_TOKEN), 0);
}

static void callback_works_once(void **state)
{
    (void)state;
    char callback[1024];
    publish();
    visit("/login", NULL);
    provider_signs(callback);
    visit(callback, NULL);
    expect_redirect("/home");
    visit(callback, NULL);
    expect_page(400, "data-code=\"sign_in_stale\"");
    visit("/home", NULL); /* and harms nobody */
    expect_page(200, "data-testid=\"platform-company\"");
}

static void refusals_of_the_provider_have_their_own_pages(void **state)
{
    (void)state;
    char state_text[128];
    char path[512];
    static const struct {
        const char *error, *code;
    } cases[] = {{"access_denied", "data-code=\"sign_in_declined\""},
                 {"server_error", "data-code=\"sign_in_refused\""},
                 {"%3Cimg%20onerror%3D1%3E", "data-code=\"sign_in_refused\""}};
    publish();
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        visit("/login", NULL);
        read_param("state", state_text, sizeof(state_text));
        (void)snprintf(path, sizeof(path), "/callback?error=%s&state=%s&iss=%s", cases[i].error,
                       state_text, fake_issuer(w.provider));
        visit(path, NULL);
        expect_page(403, cases[i].code);
        assert_null(strstr(w.page, "onerror"));
    }
}

static void callback_with_a_state_twice_is_refused(void **state)
{
    (void)state;
    publish();
    visit("/callback?code=c&state=a&state=b", NULL);
    expect_page(400, "data-testid=\"platform-error\"");
}

static void identity_that_does_not_hold_lets_nobody_in(void **state)
{
    (void)state;
    char callback[1024];
    publish();
    fake_says_json(w.provider, FAKE_USERINFO, json_pack("{s:s}", "sub", "company-8"));
    visit("/login", NULL);
    provider_signs(callback);
    visit(callback, NULL);
    expect_page(502, "data-code=\"identity_unproved\"");
    visit("/home", NULL);
    expect_redirect("/");
}

static void signing_in_gives_the_browser_a_new_cookie(void **state)
{
    (void)state;
    char callback[1024];
    char before[128] = "";
    publish();
    visit("/login", NULL);
    const char *cookie = strstr(w.headers, "Set-Cookie: platform=");
    assert_non_null(cookie);
    assert_non_null(strstr(cookie, "HttpOnly"));
    assert_non_null(strstr(cookie, "SameSite=Lax"));
    assert_null(strstr(cookie, "Domain"));
    (void)snprintf(before, sizeof(before), "%.64s", cookie);
    provider_signs(callback);
    visit(callback, NULL);
    cookie = strstr(w.headers, "Set-Cookie: platform=");
    assert_non_null(cookie);
    assert_int_not_equal(strncmp(before, cookie, 64), 0);
}

static void signing_out_ends_the_session(void **state)
{
    (void)state;
    publish();
    sign_in_by("/login");
    visit("/home", NULL);
    visit("/logout", form_with(""));
    expect_redirect("/");
    visit("/home", NULL);
    expect_redirect("/");
}

static void inside_is_closed_to_strangers(void **state)
{
    (void)state;
    visit("/home", NULL);
    expect_redirect("/");
    visit("/confirm", NULL);
    expect_redirect("/");
}

static void other_addresses_are_a_pleasant_404(void **state)
{
    (void)state;
    visit("/no/such/page?lang=en", NULL);
    expect_page(404, "data-code=\"not_found\"");
    visit("/style.css", NULL);
    expect_page(200, ":root{--accent:#");
    assert_non_null(strstr(w.headers, "Content-Type: text/css"));
    visit("/icon.svg", NULL);
    expect_page(200, "呼</text></svg>");
    visit("/hills.svg", NULL);
    expect_page(200, "</svg>");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(home_page_needs_no_provider),
        TEST(provider_that_is_down_is_told_and_tried_again),
        TEST(company_files_once_and_is_known_after),
        TEST(filing_without_a_name_is_asked_again),
        TEST(portal_visitor_confirms_before_coming_in),
        TEST(visitor_who_has_not_confirmed_cannot_file),
        TEST(strangers_cannot_initiate),
        TEST(forms_without_the_sessions_token_are_refused),
        TEST(form_of_another_site_is_refused),
        TEST(sign_in_of_another_browser_is_refused),
        TEST(callback_works_once),
        TEST(refusals_of_the_provider_have_their_own_pages),
        TEST(callback_with_a_state_twice_is_refused),
        TEST(identity_that_does_not_hold_lets_nobody_in),
        TEST(signing_in_gives_the_browser_a_new_cookie),
        TEST(signing_out_ends_the_session),
        TEST(inside_is_closed_to_strangers),
        TEST(other_addresses_are_a_pleasant_404),
    };
    return cmocka_run_group_tests_name("platform/visit", tests, NULL, NULL);
}
