#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"

/* RFC 4648 section 10, and octets that need the last two digits. */
static const struct {
    const char *bytes;
    size_t n;
    const char *standard, *url;
} vectors[] = {
    {"", 0, "", ""},
    {"f", 1, "Zg==", "Zg"},
    {"fo", 2, "Zm8=", "Zm8"},
    {"foo", 3, "Zm9v", "Zm9v"},
    {"foob", 4, "Zm9vYg==", "Zm9vYg"},
    {"fooba", 5, "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", 6, "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbf", 3, "+/+/", "-_-_"},
    {"\0\0", 2, "AAA=", "AAA"},
};

enum { VECTORS = sizeof(vectors) / sizeof(*vectors) };

static void known_bytes_become_known_texts(void **state)
{
    (void)state;
    char text[16];
    for (size_t i = 0; i < VECTORS; i++) {
        base64_encode(vectors[i].bytes, vectors[i].n, text);
        assert_string_equal(text, vectors[i].standard);
        base64url_encode(vectors[i].bytes, vectors[i].n, text);
        assert_string_equal(text, vectors[i].url);
        assert_int_equal(strlen(text), BASE64URL_LEN(vectors[i].n));
    }
}

static void known_texts_become_known_bytes(void **state)
{
    (void)state;
    unsigned char bytes[8];
    size_t n = 99;
    for (size_t i = 0; i < VECTORS; i++) {
        const char *text = vectors[i].standard;
        assert_int_equal(base64_decode(text, strlen(text), bytes, sizeof(bytes), &n), IDP_OK);
        assert_int_equal(n, vectors[i].n);
        assert_memory_equal(bytes, vectors[i].bytes, n);
        text = vectors[i].url;
        assert_int_equal(base64url_decode(text, strlen(text), bytes, sizeof(bytes), &n), IDP_OK);
        assert_int_equal(n, vectors[i].n);
        assert_memory_equal(bytes, vectors[i].bytes, n);
    }
}

static void url_text_with_a_second_reading_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z",    "Zm9vY",          /* lengths no bytes have */
        "Zh",   "Zm9",            /* left-over bits that are not zero */
        "Zg==", "Zg=",   "Zm9v=", /* padding */
        "Zm 8", "Zm8\n", "Zm+v",  "Zm/v", "Zm9v!", "\xc3\xa4gg",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        unsigned char bytes[8];
        size_t n = 99;
        assert_int_equal(base64url_decode(bad[i], strlen(bad[i]), bytes, sizeof(bytes), &n),
                         IDP_BAD_REQUEST);
        assert_int_equal(n, 99);
    }
}

static void standard_text_with_a_second_reading_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Zg",   "Zm8",  "Z===",     "====", "=",    "Zg=A",
        "Zh==", "Zm9=", "Zg==Zg==", "Zm-v", "Zm_v", "Zg= =",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        unsigned char bytes[8];
        size_t n = 99;
        assert_int_equal(base64_decode(bad[i], strlen(bad[i]), bytes, sizeof(bytes), &n),
                         IDP_BAD_REQUEST);
    }
}

static void text_for_more_bytes_than_there_is_room_is_refused(void **state)
{
    (void)state;
    unsigned char *exact = malloc(5);
    size_t n = 0;
    assert_non_null(exact);
    assert_int_equal(base64url_decode("Zm9vYmE", 7, exact, 5, &n), IDP_OK);
    assert_int_equal(base64url_decode("Zm9vYmFy", 8, exact, 5, &n), IDP_BAD_REQUEST);
    assert_int_equal(base64_decode("Zm9vYmFy", 8, exact, 5, &n), IDP_BAD_REQUEST);
    free(exact);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_bytes_become_known_texts),
        cmocka_unit_test(known_texts_become_known_bytes),
        cmocka_unit_test(url_text_with_a_second_reading_is_refused),
        cmocka_unit_test(standard_text_with_a_second_reading_is_refused),
        cmocka_unit_test(text_for_more_bytes_than_there_is_room_is_refused),
    };
    return cmocka_run_group_tests_name("base/base64", tests, NULL, NULL);
}
