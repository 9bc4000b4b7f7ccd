#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "base/arena.h"
#include "base/base64.h"
#include "jose/ecdsa.h"
#include "jose/jws.h"

/* RFC 7515 appendix A.2 (RS256) and A.3 (ES256). */
#define N_7515                                                                                     \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-"                        \
    "4qPCJrcS2mJPMEzP1Pt0Bm4d"                                                                     \
    "4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"                      \
    "bSf63kpaSHSXndS5z5rexM"                                                                       \
    "dbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_"                 \
    "I5IhlJH7aGhyxXFvU"                                                                            \
    "K-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define PAYLOAD_7515                                                                               \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define JWS_A2                                                                                     \
    "eyJhbGciOiJSUzI1NiJ9." PAYLOAD_7515 "."                                                       \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"        \
    "O8W2Fp5j"                                                                                     \
    "ujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"                                            \
    "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L"                                                 \
    "07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"                                                \
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEU"                                             \
    "ipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define JWS_A3                                                                                     \
    "eyJhbGciOiJFUzI1NiJ9." PAYLOAD_7515                                                           \
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define SET_A2 "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"" N_7515 "\"}]}"
#define SET_A3                                                                                     \
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","                                                \
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                                       \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}"

enum { KEYS = 2 };

static struct {
    struct arena *arena;
    EVP_PKEY *keys[KEYS];
    struct jwk jwks[KEYS];
    struct jwk_set set;
} w;

static int make_keys(void **state)
{
    (void)state;
    w.keys[JOSE_ES256] = EVP_EC_gen("P-256");
    w.keys[JOSE_RS256] = EVP_RSA_gen(2048);
    w.jwks[0] = (struct jwk){.kid = "ec", .alg = JOSE_ES256, .key = w.keys[JOSE_ES256]};
    w.jwks[1] = (struct jwk){.kid = "rsa", .alg = JOSE_RS256, .key = w.keys[JOSE_RS256]};
    w.set = (struct jwk_set){.keys = w.jwks, .count = KEYS};
    return w.keys[0] == NULL || w.keys[1] == NULL;
}

static int drop_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(w.keys[0]);
    EVP_PKEY_free(w.keys[1]);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    w.arena = arena_new();
    return w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(w.arena);
    return 0;
}

static const char *encode(const void *bytes, size_t n)
{
    char *text = arena_alloc(w.arena, BASE64URL_LEN(n) + 1);
    assert_non_null(text);
    base64url_encode(bytes, n, text);
    return text;
}

static void sign_bytes(EVP_PKEY *key, const char *text, unsigned char *out, size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL), 1);
    assert_int_equal(EVP_DigestSign(ctx, out, len, (const unsigned char *)text, strlen(text)), 1);
    EVP_MD_CTX_free(ctx);
}

/* A token with this header, whose signature by the key is right. */
static const char *forge(const char *header, const char *payload, EVP_PKEY *key)
{
    unsigned char made[512], raw[64];
    size_t len = sizeof(made);
    const char *text = arena_printf(w.arena, "%s.%s", encode(header, strlen(header)),
                                    encode(payload, strlen(payload)));
    sign_bytes(key, text, made, &len);
    if (key == w.keys[JOSE_RS256])
        return arena_printf(w.arena, "%s.%s", text, encode(made, len));
    assert_int_equal(ecdsa_raw(made, len, raw), IDP_OK);
    return arena_printf(w.arena, "%s.%s", text, encode(raw, sizeof(raw)));
}

/* The text goes in an exact-size block, so that ASan sees a byte too many read. */
static enum idp_err verify_n(const struct jwk_set *set, const char *text, size_t len,
                             struct jose_jws *out)
{
    char *exact = malloc(len + (len == 0));
    assert_non_null(exact);
    memcpy(exact, text, len);
    enum idp_err err = jose_jws_verify(set, w.arena, exact, len, out);
    free(exact);
    return err;
}

static enum idp_err verify(const char *text)
{
    struct jose_jws jws;
    return verify_n(&w.set, text, strlen(text), &jws);
}

static void expect_vector(const char *set_text, const char *text)
{
    struct jwk_set set;
    struct jose_jws jws;
    assert_int_equal(jwk_set_parse(w.arena, set_text, strlen(set_text), &set), IDP_OK);
    assert_int_equal(verify_n(&set, text, strlen(text), &jws), IDP_OK);
    assert_string_equal(jws.payload, "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
                                     "\"http://example.com/is_root\":true}");
    assert_int_equal(jws.len, strlen(jws.payload));
}

static void rs256_example_of_rfc_7515_is_good(void **state)
{
    (void)state;
    expect_vector(SET_A2, JWS_A2);
}

static void es256_example_of_rfc_7515_is_good(void **state)
{
    (void)state;
    expect_vector(SET_A3, JWS_A3);
}

static void hmac_example_of_rfc_7515_is_refused(void **state)
{
    (void)state;
    assert_int_equal(verify("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD_7515
                            ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
                     IDP_BAD_TOKEN);
}

static void unsecured_example_of_rfc_7515_is_refused(void **state)
{
    (void)state;
    assert_int_equal(verify("eyJhbGciOiJub25lIn0." PAYLOAD_7515 "."), IDP_BAD_TOKEN);
}

static void typ_and_key_are_told(void **state)
{
    (void)state;
    struct jose_jws jws;
    const char *text =
        forge("{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"at+jwt\"}", "{}", w.keys[JOSE_ES256]);
    assert_int_equal(verify_n(&w.set, text, strlen(text), &jws), IDP_OK);
    assert_string_equal(jws.typ, "at+jwt");
    assert_ptr_equal(jws.key, &w.jwks[0]);
}

/* docs/security.md row 19: every algorithm name on every key type, rightly signed by that key. */
static void only_the_algorithm_of_the_key_is_good(void **state)
{
    (void)state;
    static const char *const algs[] = {"ES256", "RS256",  "none",  "None",  "NONE",  "nOnE",
                                       "HS256", "HS384",  "HS512", "PS256", "PS384", "RS384",
                                       "RS512", "ES256K", "ES384", "ES512", "EdDSA", "SM2",
                                       "es256", "rs256",  "",      "RSA",   "RS256 "};
    for (size_t i = 0; i < sizeof(algs) / sizeof(*algs); i++) {
        for (int key = 0; key < KEYS; key++) {
            const char *header =
                arena_printf(w.arena, "{\"alg\":\"%s\",\"kid\":\"%s\"}", algs[i], w.jwks[key].kid);
            bool its_own = strcmp(algs[i], jose_alg_name(w.jwks[key].alg)) == 0;
            assert_int_equal(verify(forge(header, "{}", w.keys[key])),
                             its_own ? IDP_OK : IDP_BAD_TOKEN);
        }
    }
}

static void key_of_one_type_does_not_sign_for_another(void **state)
{
    (void)state;
    assert_int_equal(verify(forge("{\"alg\":\"ES256\",\"kid\":\"ec\"}", "{}", w.keys[JOSE_RS256])),
                     IDP_BAD_TOKEN);
    assert_int_equal(verify(forge("{\"alg\":\"RS256\",\"kid\":\"rsa\"}", "{}", w.keys[JOSE_ES256])),
                     IDP_BAD_TOKEN);
    assert_int_equal(verify(forge("{\"alg\":\"RS256\",\"kid\":\"ec\"}", "{}", w.keys[JOSE_RS256])),
                     IDP_BAD_TOKEN);
}

/* The classic: an HMAC with the public key's text as its secret. */
static void public_key_is_no_hmac_secret(void **state)
{
    (void)state;
    unsigned char *der = NULL;
    unsigned char tag[32];
    unsigned tag_len = sizeof(tag);
    int len = i2d_PublicKey(w.keys[JOSE_RS256], &der);
    assert_true(len > 0);
    const char *text = arena_printf(
        w.arena, "%s.%s", encode("{\"alg\":\"HS256\",\"kid\":\"rsa\"}", 27), encode("{}", 2));
    assert_non_null(
        HMAC(EVP_sha256(), der, len, (const unsigned char *)text, strlen(text), tag, &tag_len));
    OPENSSL_free(der);
    assert_int_equal(verify(arena_printf(w.arena, "%s.%s", text, encode(tag, sizeof(tag)))),
                     IDP_BAD_TOKEN);
}

static void flip_each_bit(const char *good)
{
    struct jose_jws jws;
    size_t len = strlen(good);
    char *text = arena_strdup(w.arena, good);
    assert_int_equal(verify(text), IDP_OK);
    for (size_t bit = 0; bit < len * 8; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << (bit % 8)));
        if (jose_jws_verify(&w.set, w.arena, text, len, &jws) != IDP_BAD_TOKEN)
            fail_msg("bit %zu of %s", bit, good);
        text[bit / 8] = good[bit / 8];
    }
}

/* docs/security.md row 20: each bit of each segment. */
static void no_bit_may_be_flipped(void **state)
{
    (void)state;
    flip_each_bit(
        forge("{\"alg\":\"ES256\",\"kid\":\"ec\"}", "{\"sub\":\"a\"}", w.keys[JOSE_ES256]));
    flip_each_bit(
        forge("{\"alg\":\"RS256\",\"kid\":\"rsa\"}", "{\"sub\":\"a\"}", w.keys[JOSE_RS256]));
}

static void odd_headers_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"kid\":\"ec\"}",
        "{\"alg\":null,\"kid\":\"ec\"}",
        "{\"alg\":\"ES256\",\"alg\":\"ES256\",\"kid\":\"ec\"}",
        "{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"ec\"}",
        "{\"alg\":\"ES256\",\"kid\":\"ec\",\"kid\":\"rsa\"}",
        "{\"alg\":\"ES256\",\"kid\":\"ec\",\"crit\":[\"exp\"],\"exp\":1}",
        "{\"alg\":\"ES256\",\"kid\":\"ec\",\"crit\":[]}",
        "{\"alg\":\"ES256\",\"kid\":\"ec\",\"crit\":\"exp\"}",
        "{\"alg\":\"ES256\",\"kid\":\"ec\",\"b64\":false}",
        "{\"alg\":\"ES256\",\"kid\":\"ec\",\"jwk\":{\"kty\":\"EC\"}}",
        "{\"alg\":\"ES256\",\"kid\":\"ec\",\"jku\":\"https://evil.example/jwks\"}",
        "{\"alg\":\"ES256\",\"kid\":\"ec\",\"x5u\":\"https://evil.example/x\"}",
        "{\"alg\":\"ES256\",\"kid\":\"ec\",\"x5c\":[\"AA\"]}",
        "{\"alg\":\"ES256\",\"kid\":\"ec\",\"zip\":\"DEF\"}",
        "{\"alg\":\"ES256\",\"kid\":\"ec\",\"other\":{}}",
        "{\"alg\":\"ES256\",\"kid\":\"other\"}",
        "{\"alg\":\"ES256\",\"kid\":\"\"}",
        "{\"alg\":\"ES256\",\"kid\":1}",
        "{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":[]}",
        "{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":1}",
        "{\"alg\":\"ES256\",\"kid\":\"e\\u0000c\"}",
        "{\"alg\":\"ES256\"}", /* which of the two? */
        "[\"ES256\"]",
        "\"ES256\"",
        "{\"alg\":\"ES256\",\"kid\":\"ec\"} ,",
        "",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (verify(forge(bad[i], "{}", w.keys[JOSE_ES256])) != IDP_BAD_TOKEN)
            fail_msg("accepted: %s", bad[i]);
}

static void header_is_bounded(void **state)
{
    (void)state;
    char filler[JOSE_HEADER_MAX + 1];
    memset(filler, 'a', sizeof(filler) - 1);
    filler[sizeof(filler) - 1] = '\0';
    const char *header =
        arena_printf(w.arena, "{\"alg\":\"ES256\",\"kid\":\"ec\",\"x\":\"%s\"}", filler);
    assert_int_equal(verify(forge(header, "{}", w.keys[JOSE_ES256])), IDP_BAD_TOKEN);
}

static void token_is_bounded(void **state)
{
    (void)state;
    char *payload = arena_alloc(w.arena, JOSE_JWS_MAX + 1);
    memset(payload, 'a', JOSE_JWS_MAX);
    assert_int_equal(
        verify(forge("{\"alg\":\"ES256\",\"kid\":\"ec\"}", payload, w.keys[JOSE_ES256])),
        IDP_BAD_TOKEN);
}

static void misshapen_tokens_are_refused(void **state)
{
    (void)state;
    const char *good = forge("{\"alg\":\"ES256\",\"kid\":\"ec\"}", "{}", w.keys[JOSE_ES256]);
    const char *bad[] = {
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        arena_printf(w.arena, "%s.", good),
        arena_printf(w.arena, "%s.%s", good, "AA"),
        arena_printf(w.arena, ".%s", good),
        arena_printf(w.arena, "%s=", good),
        arena_printf(w.arena, "%s ", good),
        arena_printf(w.arena, " %s", good),
        arena_printf(w.arena, "%s\n", good),
        arena_printf(w.arena, "%sAA", good),
        arena_strndup(w.arena, good, strlen(good) - 1),
        arena_strndup(w.arena, good, strlen(good) - 4),
        arena_strndup(w.arena, good, (size_t)(strrchr(good, '.') - good) + 1),
        arena_strndup(w.arena, good, (size_t)(strrchr(good, '.') - good)),
    };
    assert_int_equal(verify(good), IDP_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(verify(bad[i]), IDP_BAD_TOKEN);
}

/* r = s = 0 was good at a well-known verifier (CVE-2022-21449). */
static void signature_of_zeroes_is_refused(void **state)
{
    (void)state;
    static const unsigned char zeroes[64];
    const char *text =
        arena_printf(w.arena, "%s.%s.%s", encode("{\"alg\":\"ES256\",\"kid\":\"ec\"}", 26),
                     encode("{}", 2), encode(zeroes, sizeof(zeroes)));
    assert_int_equal(verify(text), IDP_BAD_TOKEN);
}

static void der_signature_is_refused(void **state)
{
    (void)state;
    unsigned char der[ECDSA_DER_MAX];
    size_t len = sizeof(der);
    const char *text = arena_printf(
        w.arena, "%s.%s", encode("{\"alg\":\"ES256\",\"kid\":\"ec\"}", 26), encode("{}", 2));
    sign_bytes(w.keys[JOSE_ES256], text, der, &len);
    assert_int_equal(verify(arena_printf(w.arena, "%s.%s", text, encode(der, len))), IDP_BAD_TOKEN);
}

static void der_and_raw_turn_into_each_other(void **state)
{
    (void)state;
    unsigned char raw[64], back[64], der[ECDSA_DER_MAX];
    static const unsigned char first[] = {0x00, 0x01, 0x7F, 0x80, 0xFF};
    for (size_t i = 0; i < sizeof(first); i++) {
        memset(raw, 0x5A, sizeof(raw));
        raw[0] = first[i];
        raw[32] = first[sizeof(first) - 1 - i];
        raw[33] = first[i];
        size_t len = ecdsa_der(raw, der);
        assert_int_equal(ecdsa_raw(der, len, back), IDP_OK);
        assert_memory_equal(raw, back, sizeof(raw));
        for (size_t cut = 0; cut < len; cut++)
            assert_int_equal(ecdsa_raw(der, cut, back), IDP_FAULT);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(rs256_example_of_rfc_7515_is_good),
        TEST(es256_example_of_rfc_7515_is_good),
        TEST(hmac_example_of_rfc_7515_is_refused),
        TEST(unsecured_example_of_rfc_7515_is_refused),
        TEST(typ_and_key_are_told),
        TEST(only_the_algorithm_of_the_key_is_good),
        TEST(key_of_one_type_does_not_sign_for_another),
        TEST(public_key_is_no_hmac_secret),
        TEST(no_bit_may_be_flipped),
        TEST(odd_headers_are_refused),
        TEST(header_is_bounded),
        TEST(token_is_bounded),
        TEST(misshapen_tokens_are_refused),
        TEST(signature_of_zeroes_is_refused),
        TEST(der_signature_is_refused),
        TEST(der_and_raw_turn_into_each_other),
    };
    return cmocka_run_group_tests_name("jose/jws", tests, make_keys, drop_keys);
}
