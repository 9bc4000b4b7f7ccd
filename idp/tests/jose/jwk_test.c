#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/arena.h"
#include "jose/jwk.h"

/* RFC 7638 section 3.1 (the key is that of RFC 7517 appendix A.1). */
#define N_7638                                                                                     \
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP" \
    "ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Qvzq"  \
    "Y368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"                    \
    "bFTWhAI4vMQFh6WeZu0f"                                                                         \
    "M4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
#define THUMBPRINT_7638 "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

/* RFC 7517 appendix A.1, the EC key. */
#define X_7517 "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define Y_7517 "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"

#define RSA_MEMBERS "\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"" N_7638 "\""
#define EC_MEMBERS "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X_7517 "\",\"y\":\"" Y_7517 "\""

static struct arena *arena;

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

static enum idp_err parse(const char *text, struct jwk *out)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    enum idp_err err = jwk_parse(arena, json, out);
    json_decref(json);
    return err;
}

static void rsa_key_of_rfc_7517_is_read(void **state)
{
    (void)state;
    struct jwk jwk;
    assert_int_equal(parse("{" RSA_MEMBERS ",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}", &jwk),
                     IDP_OK);
    assert_string_equal(jwk.kid, "2011-04-29");
    assert_int_equal(jwk.alg, JOSE_RS256);
    assert_int_equal(EVP_PKEY_get_bits(jwk.key), 2048);
}

static void ec_key_of_rfc_7517_is_read(void **state)
{
    (void)state;
    struct jwk jwk;
    assert_int_equal(parse("{" EC_MEMBERS "}", &jwk), IDP_OK);
    assert_null(jwk.kid);
    assert_int_equal(jwk.alg, JOSE_ES256);
}

static void thumbprint_is_that_of_rfc_7638(void **state)
{
    (void)state;
    struct jwk jwk;
    char text[JWK_THUMBPRINT_LEN + 1];
    assert_int_equal(parse("{" RSA_MEMBERS ",\"kid\":\"2011-04-29\"}", &jwk), IDP_OK);
    assert_int_equal(jwk_thumbprint(jwk.key, text), IDP_OK);
    assert_string_equal(text, THUMBPRINT_7638);
}

static void printed_key_is_read_back_the_same(void **state)
{
    (void)state;
    static const char *const keys[] = {"{" RSA_MEMBERS "}", "{" EC_MEMBERS "}"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        struct jwk first, second;
        const char *text = NULL;
        assert_int_equal(parse(keys[i], &first), IDP_OK);
        assert_int_equal(jwk_print(arena, first.key, "k1", &text), IDP_OK);
        assert_int_equal(parse(text, &second), IDP_OK);
        assert_string_equal(second.kid, "k1");
        assert_int_equal(EVP_PKEY_eq(first.key, second.key), 1);
    }
}

static void unfit_keys_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"kty\":1}",
        "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X_7517 "\"}",
        "{" RSA_MEMBERS ",\"d\":\"AQAB\"}",
        "{" EC_MEMBERS ",\"d\":\"" X_7517 "\"}",
        "{" RSA_MEMBERS ",\"alg\":\"ES256\"}",
        "{" RSA_MEMBERS ",\"alg\":\"HS256\"}",
        "{" RSA_MEMBERS ",\"alg\":\"none\"}",
        "{" RSA_MEMBERS ",\"alg\":null}",
        "{" EC_MEMBERS ",\"alg\":\"RS256\"}",
        "{" RSA_MEMBERS ",\"use\":\"enc\"}",
        "{" RSA_MEMBERS ",\"use\":[]}",
        "{" RSA_MEMBERS ",\"key_ops\":[\"sign\"]}",
        "{" RSA_MEMBERS ",\"key_ops\":\"verify\"}",
        "{" RSA_MEMBERS ",\"kid\":\"\"}",
        "{" RSA_MEMBERS ",\"kid\":7}",
        "{" RSA_MEMBERS ",\"kid\":\"a\\nb\"}",
        /* exponents: one, even, with a leading zero, too long */
        "{\"kty\":\"RSA\",\"e\":\"AQ\",\"n\":\"" N_7638 "\"}",
        "{\"kty\":\"RSA\",\"e\":\"Ag\",\"n\":\"" N_7638 "\"}",
        "{\"kty\":\"RSA\",\"e\":\"AAEAAQ\",\"n\":\"" N_7638 "\"}",
        "{\"kty\":\"RSA\",\"e\":\"AQAAAAAAAAAB\",\"n\":\"" N_7638 "\"}",
        "{\"kty\":\"RSA\",\"n\":\"" N_7638 "\"}",
        "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"" N_7638 "=\"}",
        /* points: off the curve, another curve, too short, the coordinates swapped */
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X_7517 "\",\"y\":\"" X_7517 "\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" Y_7517 "\",\"y\":\"" X_7517 "\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" X_7517 "\",\"y\":\"" Y_7517 "\"}",
        "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" X_7517 "\",\"y\":\"" Y_7517 "\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\",\"y\":\"" Y_7517 "\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X_7517 "\"}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct jwk jwk;
        if (parse(bad[i], &jwk) != IDP_BAD_REQUEST)
            fail_msg("accepted: %s", bad[i]);
    }
}

static void small_rsa_key_is_refused(void **state)
{
    (void)state;
    struct jwk jwk;
    /* 1024 bits: the first 128 bytes of a modulus, made odd. */
    char n[172];
    memcpy(n, N_7638, 171);
    n[170] = 'E'; /* no left-over bits, and an odd number */
    n[171] = '\0';
    char *text = arena_printf(arena, "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"}", n);
    assert_int_equal(parse(text, &jwk), IDP_BAD_REQUEST);
}

static void set_leaves_out_what_is_of_no_use(void **state)
{
    (void)state;
    struct jwk_set set;
    static const char text[] = "{\"keys\":[{" RSA_MEMBERS ",\"kid\":\"a\"},{\"kty\":\"oct\","
                               "\"k\":\"AA\"},{" EC_MEMBERS ",\"kid\":\"b\"}]}";
    assert_int_equal(jwk_set_parse(arena, text, strlen(text), &set), IDP_OK);
    assert_int_equal(set.count, 2);
    assert_string_equal(set.keys[1].kid, "b");
}

static void malformed_sets_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"keys\":{}}",
        "{\"keys\":[],\"keys\":[]}",
        "{\"keys\":[]} x",
        "{\"keys\":[{" RSA_MEMBERS ",\"kid\":\"a\"},{" EC_MEMBERS ",\"kid\":\"a\"}]}",
        "{\"keys\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct jwk_set set;
        assert_int_equal(jwk_set_parse(arena, bad[i], strlen(bad[i]), &set), IDP_BAD_REQUEST);
    }
}

static void key_of_another_curve_has_no_algorithm(void **state)
{
    (void)state;
    enum jose_alg alg;
    EVP_PKEY *key = EVP_EC_gen("P-384");
    assert_non_null(key);
    assert_int_equal(jwk_alg(key, &alg), IDP_BAD_REQUEST);
    EVP_PKEY_free(key);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(rsa_key_of_rfc_7517_is_read),
        TEST(ec_key_of_rfc_7517_is_read),
        TEST(thumbprint_is_that_of_rfc_7638),
        TEST(printed_key_is_read_back_the_same),
        TEST(unfit_keys_are_refused),
        TEST(small_rsa_key_is_refused),
        TEST(set_leaves_out_what_is_of_no_use),
        TEST(malformed_sets_are_refused),
        TEST(key_of_another_curve_has_no_algorithm),
    };
    return cmocka_run_group_tests_name("jose/jwk", tests, NULL, NULL);
}
