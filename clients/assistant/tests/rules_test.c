#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "assistant/rules.h"

/* A request that passes; each test spoils one thing. */
static struct settings settings;
static struct rules_request rq;

static int set_up(void **state)
{
    (void)state;
    settings = (struct settings){.port = 17681,
                                 .origin_count = 2,
                                 .origins = {"https://idp.example", "http://127.0.0.1:8080"}};
    rq = (struct rules_request){.method = "POST",
                                .path = "/sign",
                                .host = "127.0.0.1:17681",
                                .origin = "https://idp.example",
                                .content_type = "application/json",
                                .agent = "1",
                                .fetch_mode = "cors",
                                .content_length = "100"};
    return 0;
}

static void expect_pass(void)
{
    struct rules_result result = rules_check(&settings, &rq);
    assert_int_equal(result.verdict, RULES_PASS);
    assert_true(result.known_origin);
}

static void expect_refusal(unsigned int status, const char *rule, bool readable)
{
    struct rules_result result = rules_check(&settings, &rq);
    assert_int_equal(result.verdict, RULES_REFUSE);
    assert_int_equal(result.status, status);
    assert_string_equal(result.rule, rule);
    assert_int_equal(result.known_origin, readable);
}

static void pages_of_the_provider_pass(void **state)
{
    (void)state;
    static const char *const paths[] = {"/status", "/certificates", "/sign"};
    for (size_t i = 0; i < 3; i++) {
        rq.path = paths[i];
        expect_pass();
        assert_int_equal(rules_check(&settings, &rq).command, i);
    }
    rq.origin = "http://127.0.0.1:8080";
    rq.fetch_mode = NULL;
    rq.content_length = NULL;
    expect_pass();
}

/* Rule 2: a name that was made to resolve to 127.0.0.1 (DNS rebinding) is in Host. */
static void host_must_be_ours_exactly(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1:17681", "[::1]:17681", "localhost:17681"};
    static const char *const bad[] = {NULL,
                                      "",
                                      "127.0.0.1",
                                      "127.0.0.1:17682",
                                      "evil.test:17681",
                                      "localhost",
                                      "[::1]",
                                      "127.0.0.2:17681",
                                      "127.0.0.1:17681 ",
                                      "127.0.0.1:176810",
                                      "::1:17681",
                                      "0.0.0.0:17681",
                                      "LOCALHOST:17681",
                                      "127.0.0.1:17681.evil.test",
                                      "localhost.:17681"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        rq.host = good[i];
        expect_pass();
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        rq.host = bad[i];
        expect_refusal(403, "host", false);
    }
}

/* Rule 3: also for preflights. */
static void origin_must_be_on_the_list_exactly(void **state)
{
    (void)state;
    static const char *const bad[] = {NULL,
                                      "",
                                      "null",
                                      "https://evil.example",
                                      "http://idp.example",
                                      "https://idp.example:8443",
                                      "https://idp.example/",
                                      "https://IDP.example",
                                      "https://idp.example.evil.example",
                                      "https://evil.example https://idp.example",
                                      "http://127.0.0.1:17681"};
    static const char *const methods[] = {"POST", "OPTIONS"};
    for (size_t m = 0; m < 2; m++) {
        rq.method = methods[m];
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
            rq.origin = bad[i];
            expect_refusal(403, "origin", false);
        }
    }
}

/* Rule 4. */
static void only_post_is_a_command(void **state)
{
    (void)state;
    static const char *const bad[] = {"GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "post"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        rq.method = bad[i];
        rq.origin = "https://idp.example";
        expect_refusal(405, "method", true);
        rq.origin = NULL;
        expect_refusal(405, "method", false);
    }
}

static void preflight_of_a_known_page_is_answered(void **state)
{
    (void)state;
    rq.method = "OPTIONS";
    rq.content_type = NULL;
    rq.agent = NULL;
    rq.content_length = NULL;
    struct rules_result result = rules_check(&settings, &rq);
    assert_int_equal(result.verdict, RULES_PREFLIGHT);
    assert_true(result.known_origin);
}

static void preflight_for_nothing_we_have_is_refused(void **state)
{
    (void)state;
    rq.method = "OPTIONS";
    rq.path = "/signHash";
    expect_refusal(404, "path", true);
}

/* A form can send three content types without a preflight; JSON is none of them. */
static void body_must_be_json(void **state)
{
    (void)state;
    static const char *const good[] = {"application/json", "Application/JSON",
                                       "application/json;charset=UTF-8",
                                       "application/json; charset=utf-8"};
    static const char *const bad[] = {NULL,
                                      "",
                                      "text/plain",
                                      "application/x-www-form-urlencoded",
                                      "multipart/form-data",
                                      "text/plain; x=application/json",
                                      "application/jsonp",
                                      "application/json;",
                                      "application/json, text/plain",
                                      "application/json; charset=gbk"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        rq.content_type = good[i];
        expect_pass();
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        rq.content_type = bad[i];
        expect_refusal(415, "content_type", true);
    }
}

static void header_that_forces_a_preflight_is_demanded(void **state)
{
    (void)state;
    static const char *const bad[] = {NULL, "", "0", "2", "11", "true"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        rq.agent = bad[i];
        expect_refusal(403, "agent", true);
    }
}

static void only_fetch_with_cors_is_heard(void **state)
{
    (void)state;
    static const char *const bad[] = {"navigate",  "no-cors", "same-origin",
                                      "websocket", "",        "CORS"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        rq.fetch_mode = bad[i];
        expect_refusal(403, "fetch_mode", true);
    }
}

/* Rule 6. */
static void long_bodies_are_refused_before_they_are_read(void **state)
{
    (void)state;
    rq.content_length = "8192";
    expect_pass();
    static const char *const bad[] = {"8193", "99999999999999999999999", "-1", "x", ""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        rq.content_length = bad[i];
        expect_refusal(413, "length", true);
    }
}

static void unknown_paths_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"/", "", "/sign/", "/Sign", "//sign", "/signHash", "?"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        rq.path = bad[i];
        expect_refusal(404, "path", true);
    }
}

static void a_header_sent_twice_is_refused(void **state)
{
    (void)state;
    rq.repeated = true;
    expect_refusal(400, "repeated_header", false);
}

#define TEST(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(pages_of_the_provider_pass),
        TEST(host_must_be_ours_exactly),
        TEST(origin_must_be_on_the_list_exactly),
        TEST(only_post_is_a_command),
        TEST(preflight_of_a_known_page_is_answered),
        TEST(preflight_for_nothing_we_have_is_refused),
        TEST(body_must_be_json),
        TEST(header_that_forces_a_preflight_is_demanded),
        TEST(only_fetch_with_cors_is_heard),
        TEST(long_bodies_are_refused_before_they_are_read),
        TEST(unknown_paths_are_refused),
        TEST(a_header_sent_twice_is_refused),
    };
    return cmocka_run_group_tests_name("assistant/rules", tests, NULL, NULL);
}
