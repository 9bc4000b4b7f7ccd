/* Answers as handlers make them, and those made ready once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json_out.h"
#include "http/http.h"

static struct world {
    struct request rq;
    struct response rs;
} w;

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.rq = {.arena = arena_new()}};
    return w.rq.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(w.rq.arena);
    return 0;
}

static void json_is_written_compactly(void **state)
{
    (void)state;
    assert_int_equal(http_respond_json(&w.rq, &w.rs, 201, json_pack("{s:i}", "a", 1)), IDP_OK);
    assert_int_equal(w.rs.status, 201);
    assert_string_equal(w.rs.type, "application/json");
    assert_int_equal(w.rs.body_len, 7);
    assert_memory_equal(w.rs.body, "{\"a\":1}", 7);
}

static void json_around_the_first_guess_is_whole(void **state)
{
    (void)state;
    char text[1100];
    for (size_t n = 1000; n < 1060; n++) { /* the braces and the name take 8 more */
        memset(text, 'x', n);
        text[n] = '\0';
        assert_int_equal(http_respond_json(&w.rq, &w.rs, 200, json_pack("{s:s}", "a", text)),
                         IDP_OK);
        assert_int_equal(w.rs.body_len, n + 8);
        assert_memory_equal(w.rs.body + n + 5, "x\"}", 3);
    }
}

static void no_json_is_a_fault(void **state)
{
    (void)state;
    assert_int_equal(http_respond_json(&w.rq, &w.rs, 200, NULL), IDP_FAULT);
}

static void written_document_is_copied_and_its_buffer_wiped(void **state)
{
    (void)state;
    static const char zeros[32];
    char buffer[32] = "";
    struct json_out json = json_out_new(buffer, sizeof(buffer));
    json_out_object(&json, NULL);
    json_out_text(&json, "token", "secret");
    json_out_end_object(&json);
    assert_int_equal(http_respond_written(&w.rq, &w.rs, &json), IDP_OK);
    assert_int_equal(w.rs.status, 200);
    assert_string_equal(w.rs.type, "application/json");
    assert_int_equal(w.rs.body_len, 18);
    assert_memory_equal(w.rs.body, "{\"token\":\"secret\"}", 18);
    assert_memory_equal(buffer, zeros, sizeof(buffer));
}

static void document_that_did_not_fit_is_a_fault(void **state)
{
    (void)state;
    char buffer[8];
    struct json_out json = json_out_new(buffer, sizeof(buffer));
    json_out_object(&json, NULL);
    json_out_text(&json, "token", "secret");
    json_out_end_object(&json);
    assert_int_equal(http_respond_written(&w.rq, &w.rs, &json), IDP_FAULT);
    assert_int_equal(w.rs.status, 0);
}

static void redirect_is_303_without_a_body(void **state)
{
    (void)state;
    assert_int_equal(http_redirect(&w.rs, "https://a/b?c=d"), IDP_OK);
    assert_int_equal(w.rs.status, 303);
    assert_null(w.rs.body);
    assert_string_equal(w.rs.headers[0].name, "Location");
    assert_string_equal(w.rs.headers[0].value, "https://a/b?c=d");
}

static void header_value_cannot_begin_another_header(void **state)
{
    (void)state;
    static const char *const bad[] = {"a\r\nSet-Cookie: b=c", "a\nb", "a\rb", "a\tb", "\x7f", ""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(http_header_add(&w.rs, "X-A", bad[i]), IDP_FAULT);
        assert_int_equal(http_redirect(&w.rs, bad[i]), IDP_FAULT);
    }
    assert_int_equal(http_header_add(&w.rs, "X-A", NULL), IDP_FAULT);
    assert_int_equal(http_header_add(&w.rs, "X\nA", "a"), IDP_FAULT);
    assert_int_equal(w.rs.header_count, 0);
}

static void one_header_too_many_is_a_fault(void **state)
{
    (void)state;
    for (int i = 0; i < HTTP_HEADERS_MAX; i++)
        assert_int_equal(http_header_add(&w.rs, "X-A", "a"), IDP_OK);
    assert_int_equal(http_header_add(&w.rs, "X-A", "a"), IDP_FAULT);
}

/* --- fixed answers --------------------------------------------------------------------------- */

static const struct http_fixed *fixed_of(struct http_fixed *fixed)
{
    assert_non_null(fixed);
    assert_int_equal(http_respond_fixed(&w.rq, &w.rs, fixed), IDP_OK);
    return fixed;
}

static void fixed_answer_is_200_with_its_body(void **state)
{
    (void)state;
    struct http_fixed *fixed = http_fixed_new("text/plain", "abc", 3, NULL);
    (void)fixed_of(fixed);
    assert_ptr_equal(w.rs.fixed, fixed);
    assert_int_equal(w.rs.status, 200);
    assert_int_equal(w.rs.body_len, 3);
    assert_memory_equal(w.rs.body, "abc", 3);
    http_fixed_free(fixed);
}

/* SHA-256("abc"), as base64url. */
#define ABC "\"ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0\""

static void etag_is_compared_weakly_in_any_list(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int status;
    } cases[] = {
        {ABC, 304},
        {"W/" ABC, 304},
        {"\"a\", " ABC, 304},
        {"\"a\",W/" ABC ",\"b\"", 304},
        {"*", 304},
        {"\"a\"", 200},
        {"", 200},
        {"\"ungWv\"", 200},
        {", ,", 200},
        {ABC "x", 200},
        {"W/", 200},
        {" " ABC " ", 304},
    };
    struct http_fixed *fixed = http_fixed_new("text/plain", "abc", 3, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        w.rq.if_none_match = cases[i].header;
        (void)fixed_of(fixed);
        assert_int_equal(w.rs.status, cases[i].status);
        assert_int_equal(w.rs.body_len, cases[i].status == 200 ? 3 : 0);
    }
    http_fixed_free(fixed);
}

static void empty_body_and_many_headers_can_be_fixed(void **state)
{
    (void)state;
    struct http_header headers[HTTP_HEADERS_MAX + 1] = {{NULL, NULL}};
    for (int i = 0; i < HTTP_HEADERS_MAX - 1; i++)
        headers[i] = (struct http_header){"X-A", "a"};
    struct http_fixed *fixed = http_fixed_new("text/plain", "", 0, headers);
    assert_non_null(fixed);
    http_fixed_free(fixed);
    headers[HTTP_HEADERS_MAX - 1] = (struct http_header){"X-A", "a"}; /* and the ETag is one more */
    assert_null(http_fixed_new("text/plain", "", 0, headers));
    headers[0].value = "a\r\nb";
    headers[1].name = NULL;
    assert_null(http_fixed_new("text/plain", "", 0, headers));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(json_is_written_compactly),
        TEST(json_around_the_first_guess_is_whole),
        TEST(no_json_is_a_fault),
        TEST(written_document_is_copied_and_its_buffer_wiped),
        TEST(document_that_did_not_fit_is_a_fault),
        TEST(redirect_is_303_without_a_body),
        TEST(header_value_cannot_begin_another_header),
        TEST(one_header_too_many_is_a_fault),
        TEST(fixed_answer_is_200_with_its_body),
        TEST(etag_is_compared_weakly_in_any_list),
        TEST(empty_body_and_many_headers_can_be_fixed),
    };
    return cmocka_run_group_tests_name("http/respond", tests, NULL, NULL);
}
