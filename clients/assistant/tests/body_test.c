#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assistant/body.h"

static struct body_sign read_into;

/* The body goes in an exact-size block without NUL, so that ASan sees a byte too many read. */
static bool read_sign(const char *body, size_t len)
{
    char *exact = malloc(len + (len == 0));
    assert_non_null(exact);
    memcpy(exact, body, len);
    bool fine = body_read_sign(exact, len, &read_into);
    free(exact);
    return fine;
}

static bool reads(const char *body)
{
    return read_sign(body, strlen(body));
}

static void whole_body_is_read(void **state)
{
    (void)state;
    assert_true(reads("{\"challenge\":\"login.x\",\"lock\":\"skf:a/b/c\",\"pin\":\"12 34\"}"));
    assert_string_equal(read_into.challenge, "login.x");
    assert_string_equal(read_into.lock, "skf:a/b/c");
    assert_true(read_into.has_pin);
    assert_int_equal(read_into.pin.len, 5);
    assert_string_equal(read_into.pin.text, "12 34");
}

static void lock_and_pin_may_be_missing(void **state)
{
    (void)state;
    assert_true(reads("{\"challenge\":\"login.x\"}"));
    assert_string_equal(read_into.lock, "");
    assert_false(read_into.has_pin);
}

static void other_shapes_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "null",
        "\"challenge\"",
        "{\"challenge\":1}",
        "{\"challenge\":null}",
        "{\"lock\":\"a\"}",
        "{\"challenge\":\"a\",\"lock\":\"\"}",
        "{\"challenge\":\"a\",\"lock\":1}",
        "{\"challenge\":\"a\",\"pin\":\"\"}",
        "{\"challenge\":\"a\",\"pin\":123456}",
        "{\"challenge\":\"a\",\"pin\":null}",
        "{\"challenge\":\"a\",\"pin\":\"1\\n2\"}",
        "{\"challenge\":\"a\",\"pin\":\"1\\u00002\"}",
        "{\"challenge\":\"a\",\"origin\":\"https://idp.example\"}",
        "{\"challenge\":\"a\",\"hash\":\"00\"}",
        "{\"challenge\":\"a\",\"challenge\":\"b\"}",
        "{\"challenge\":\"a\"} x",
        "{\"challenge\":\"a\"}{}",
        "{\"challenge\":\"a\"",
        "{'challenge':'a'}",
        "challenge=a",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (reads(bad[i]))
            fail_msg("%s passed", bad[i]);
        assert_int_equal(read_into.pin.len, 0);
    }
    assert_false(read_sign("{\"challenge\":\"a\0b\"}", 19));
}

static void long_texts_are_refused(void **state)
{
    (void)state;
    char body[1024];
    char text[512];
    memset(text, '1', sizeof(text));
    text[PIN_MAX + 1] = '\0';
    (void)snprintf(body, sizeof(body), "{\"challenge\":\"a\",\"pin\":\"%s\"}", text);
    assert_false(reads(body));
    assert_int_equal(read_into.pin.len, 0);
    memset(text, '1', sizeof(text));
    text[LOCK_ID_MAX] = '\0';
    (void)snprintf(body, sizeof(body), "{\"challenge\":\"a\",\"lock\":\"%s\"}", text);
    assert_false(reads(body));
}

/* It is a request of the right shape with a bad challenge in it, so the page hears just that. */
static void overlong_challenge_is_no_challenge(void **state)
{
    (void)state;
    char body[1024];
    char text[512];
    memset(text, 'a', sizeof(text));
    text[CHALLENGE_MAX] = '\0';
    (void)snprintf(body, sizeof(body), "{\"challenge\":\"%s\"}", text);
    assert_true(reads(body));
    assert_string_equal(read_into.challenge, "");
}

static void body_over_the_limit_is_refused(void **state)
{
    (void)state;
    static const char body[] = "{\"challenge\":\"a\"}";
    char *padded = malloc(BODY_MAX + 1);
    assert_non_null(padded);
    memset(padded, ' ', BODY_MAX + 1);
    memcpy(padded, body, sizeof(body) - 1);
    assert_true(body_read_sign(padded, BODY_MAX, &read_into));
    assert_false(body_read_sign(padded, BODY_MAX + 1, &read_into));
    free(padded);
}

static void empty_object_is_empty(void **state)
{
    (void)state;
    assert_true(body_is_empty("{}", 2));
    assert_true(body_is_empty(" { } ", 5));
    assert_false(body_is_empty("", 0));
    assert_false(body_is_empty("[]", 2));
    assert_false(body_is_empty("{}x", 3));
    assert_false(body_is_empty("{\"a\":1}", 7));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_body_is_read),
        cmocka_unit_test(lock_and_pin_may_be_missing),
        cmocka_unit_test(other_shapes_are_refused),
        cmocka_unit_test(long_texts_are_refused),
        cmocka_unit_test(overlong_challenge_is_no_challenge),
        cmocka_unit_test(body_over_the_limit_is_refused),
        cmocka_unit_test(empty_object_is_empty),
    };
    secret_wipe_json();
    return cmocka_run_group_tests_name("assistant/body", tests, NULL, NULL);
}
