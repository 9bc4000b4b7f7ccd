#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/base64.h"
#include "pki/ocsp/ocsp_get.h"

static struct arena *arena;
static enum idp_err err;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static const char *address_of(const char *service, const void *der, size_t len)
{
    unsigned char *bytes = malloc(len);
    memcpy(bytes, der, len);
    const struct ocsp_question question = {.der = bytes, .der_len = len};
    const char *address = ocsp_get_address(arena, service, &question, &err);
    assert_int_equal(err, IDP_OK);
    free(bytes);
    return address;
}

/* RFC 6960 appendix A.1: {url}/{url-encoding of base-64 of the DER}. */
static void question_stands_behind_the_address(void **state)
{
    (void)state;
    assert_string_equal(address_of("http://a.example/ocsp", "0\3\1\1\377", 5),
                        "http://a.example/ocsp/MAMBAf8%3D");
    assert_string_equal(address_of("http://a.example/", "0\3\1\1\377", 5),
                        "http://a.example/MAMBAf8%3D");
}

/* RFC 5019 section 5: the request must be properly URL-encoded. */
static void signs_of_base64_are_escaped(void **state)
{
    (void)state;
    assert_string_equal(address_of("http://a.example/", "\373\377\277\376", 4),
                        "http://a.example/%2B%2F%2B%2F%2Fg%3D%3D");
}

/* RFC 6960 appendix A.1: at most 255 bytes, all of it counted; else POST. */
/* RFC 6960 appendix A.1: at most 255 bytes, all of it counted; else POST. */
static void longer_address_is_sent_by_post(void **state)
{
    (void)state;
    static const unsigned char der[255];
    static const char fits[] = "http://ab.example/1"; /* 19, a slash, and 59 times four */
    static const size_t fitting = 177;
    assert_non_null(address_of(fits, der, fitting - 3));
    assert_null(address_of(fits, der, fitting));
    assert_int_equal(strlen(address_of("http://b.example/1", der, fitting)), OCSP_GET_MAX);
    assert_null(address_of("http://b.example/1", der, fitting + 1));
    assert_null(address_of("http://b.example/1", der, sizeof(der)));
}

static void address_with_a_query_is_sent_by_post(void **state)
{
    (void)state;
    assert_null(address_of("http://a.example/ocsp?ca=1", "0", 1));
    assert_null(address_of("http://a.example/ocsp#ca", "0", 1));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(question_stands_behind_the_address),
        TEST(signs_of_base64_are_escaped),
        TEST(longer_address_is_sent_by_post),
        TEST(address_with_a_query_is_sent_by_post),
    };
    return cmocka_run_group_tests_name("pki/ocsp_get", tests, NULL, NULL);
}
