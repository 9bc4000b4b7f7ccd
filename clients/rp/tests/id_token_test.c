/* What an ID token has to be: each refusal of OpenID Connect Core section 3.1.3.7 and RFC 8725. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "base/base64.h"
#include "rp/tests/world.h"

static void set_claim(struct world *w, const char *name, json_t *value)
{
    assert_int_equal(json_object_set_new(w->claims, name, value), 0);
}

static void set_header(struct world *w, const char *name, json_t *value)
{
    assert_int_equal(json_object_set_new(w->header, name, value), 0);
}

/* A sign-in whose token has this one claim changed (NULL: left out) ends in err. */
static void expect_with(struct world *w, const char *name, json_t *value, enum rp_err err)
{
    world_begin(w, NULL);
    if (value != NULL)
        set_claim(w, name, value);
    else
        assert_int_equal(json_object_del(w->claims, name), 0);
    assert_int_equal(world_sign_in(w), err);
}

static void token_of_another_issuer_is_refused(void **state)
{
    expect_with(*state, "iss", json_string("https://idp.example"), RP_BAD_TOKEN);
    expect_with(*state, "iss", NULL, RP_BAD_TOKEN);
}

static void token_for_another_client_is_refused(void **state)
{
    expect_with(*state, "aud", json_string("platform-2"), RP_BAD_TOKEN);
    expect_with(*state, "aud", json_pack("[s]", "platform-2"), RP_BAD_TOKEN);
    expect_with(*state, "aud", json_array(), RP_BAD_TOKEN);
    expect_with(*state, "aud", json_pack("[si]", CLIENT, 1), RP_BAD_TOKEN);
    expect_with(*state, "aud", NULL, RP_BAD_TOKEN);
}

static void audience_may_be_a_list_of_us(void **state)
{
    expect_with(*state, "aud", json_pack("[s]", CLIENT), RP_OK);
}

static void several_audiences_need_azp_to_name_us(void **state)
{
    struct world *w = *state;
    expect_with(w, "aud", json_pack("[ss]", CLIENT, "platform-2"), RP_BAD_TOKEN);
    world_begin(w, NULL);
    set_claim(w, "aud", json_pack("[ss]", CLIENT, "platform-2"));
    set_claim(w, "azp", json_string(CLIENT));
    assert_int_equal(world_sign_in(w), RP_OK);
    expect_with(w, "azp", json_string("platform-2"), RP_BAD_TOKEN);
}

static void token_without_our_nonce_is_refused(void **state)
{
    expect_with(*state, "nonce", json_string("another"), RP_BAD_TOKEN);
    expect_with(*state, "nonce", NULL, RP_BAD_TOKEN);
}

static void expiry_counts_to_the_second_with_its_skew(void **state)
{
    expect_with(*state, "exp", json_integer(WORLD_NOW - 59), RP_OK);
    expect_with(*state, "exp", json_integer(WORLD_NOW - 60), RP_BAD_TOKEN);
    expect_with(*state, "exp", NULL, RP_BAD_TOKEN);
    expect_with(*state, "exp", json_string("never"), RP_BAD_TOKEN);
    expect_with(*state, "exp", json_real(1.8e9), RP_BAD_TOKEN);
}

static void token_from_the_future_is_refused(void **state)
{
    expect_with(*state, "iat", json_integer(WORLD_NOW + 60), RP_OK);
    expect_with(*state, "iat", json_integer(WORLD_NOW + 61), RP_BAD_TOKEN);
    expect_with(*state, "iat", NULL, RP_BAD_TOKEN);
    expect_with(*state, "nbf", json_integer(WORLD_NOW + 61), RP_BAD_TOKEN);
}

static void subject_has_to_be_there_and_short(void **state)
{
    char long_one[257];
    memset(long_one, 's', 256);
    long_one[256] = '\0';
    expect_with(*state, "sub", NULL, RP_BAD_TOKEN);
    expect_with(*state, "sub", json_string(""), RP_BAD_TOKEN);
    expect_with(*state, "sub", json_string(long_one), RP_BAD_TOKEN);
}

static void wrong_at_hash_is_refused(void **state)
{
    unsigned char hash[32];
    char text[44];
    unsigned n = 0;
    assert_int_equal(EVP_Digest("an-access-token", 15, hash, &n, EVP_sha256(), NULL), 1);
    base64url_encode(hash, 16, text);
    expect_with(*state, "at_hash", json_string(text), RP_OK);
    text[0] = text[0] == 'A' ? 'B' : 'A';
    expect_with(*state, "at_hash", json_string(text), RP_BAD_TOKEN);
    base64url_encode(hash, 32, text);
    expect_with(*state, "at_hash", json_string(text), RP_BAD_TOKEN);
    expect_with(*state, "at_hash", json_integer(1), RP_BAD_TOKEN);
}

static void missing_at_hash_is_fine(void **state)
{
    struct world *w = *state;
    world_begin(w, NULL);
    assert_int_equal(world_sign_in(w), RP_OK);
    assert_string_equal(w->answer->subject, "company-7");
}

static void max_age_demands_a_fresh_authentication(void **state)
{
    struct world *w = *state;
    static const struct rp_request fresh = {.max_age = 100};
    static const struct {
        int64_t auth_time;
        enum rp_err err;
    } cases[] = {
        {WORLD_NOW - 160, RP_OK}, {WORLD_NOW - 161, RP_BAD_TOKEN}, {WORLD_NOW + 61, RP_BAD_TOKEN}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        world_begin(w, &fresh);
        set_claim(w, "auth_time", json_integer(cases[i].auth_time));
        assert_int_equal(world_sign_in(w), cases[i].err);
    }
    world_begin(w, &fresh);
    assert_int_equal(json_object_del(w->claims, "auth_time"), 0);
    assert_int_equal(world_sign_in(w), RP_BAD_TOKEN);
}

static void rs256_token_is_read_as_well(void **state)
{
    struct world *w = *state;
    world_begin(w, NULL);
    set_header(w, "alg", json_string("RS256"));
    set_header(w, "kid", json_string("rsa-1"));
    world_hands_out(w, fake_sign(w->rsa, json_incref(w->header), json_incref(w->claims)));
    assert_int_equal(world_finish(w), RP_OK);
}

static void unsigned_token_is_refused(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"none", "None", "NONE", "nOnE", ""};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        world_begin(w, NULL);
        set_header(w, "alg", json_string(names[i]));
        world_hands_out(w, fake_sign(NULL, json_incref(w->header), json_incref(w->claims)));
        assert_int_equal(world_finish(w), RP_BAD_TOKEN);
        world_hands_out(w, fake_sign(w->ec, json_incref(w->header), json_incref(w->claims)));
        assert_int_equal(world_finish(w), RP_BAD_TOKEN);
    }
}

/* The public key as PEM, which is what a naive reader hands libjwt for HS256. */
static void sign_with_public_key(struct world *w, EVP_PKEY *key, const char *kid)
{
    char *pem = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    long n = BIO_get_mem_data(bio, &pem);
    set_header(w, "alg", json_string("HS256"));
    set_header(w, "kid", json_string(kid));
    world_hands_out(w,
                    fake_sign_hmac(pem, (size_t)n, json_incref(w->header), json_incref(w->claims)));
    BIO_free(bio);
}

static void public_key_is_no_secret_for_hs256(void **state)
{
    struct world *w = *state;
    world_begin(w, NULL);
    sign_with_public_key(w, w->rsa, "rsa-1");
    assert_int_equal(world_finish(w), RP_BAD_TOKEN);
    sign_with_public_key(w, w->ec, "ec-1");
    assert_int_equal(world_finish(w), RP_BAD_TOKEN);
}

/* docs/security.md row 19: of the whole product of algorithm and key only the fitting pairs pass.
 */
static void header_may_only_agree_with_the_type_of_the_key(void **state)
{
    struct world *w = *state;
    static const char *const algs[] = {"none",  "HS256", "HS384", "HS512", "RS256",
                                       "RS384", "RS512", "PS256", "ES256", "ES384",
                                       "ES512", "EdDSA", "rs256", "es256"};
    for (size_t i = 0; i < sizeof(algs) / sizeof(*algs); i++) {
        for (int is_rsa = 0; is_rsa < 2; is_rsa++) {
            world_begin(w, NULL);
            set_header(w, "alg", json_string(algs[i]));
            set_header(w, "kid", json_string(is_rsa ? "rsa-1" : "ec-1"));
            world_hands_out(w, fake_sign(is_rsa ? w->rsa : w->ec, json_incref(w->header),
                                         json_incref(w->claims)));
            enum rp_err err = world_finish(w);
            bool fits = strcmp(algs[i], is_rsa ? "RS256" : "ES256") == 0;
            assert_int_equal(err, fits ? RP_OK : RP_BAD_TOKEN);
            rp_answer_free(w->answer);
            w->answer = NULL;
        }
    }
}

static void signature_of_a_strangers_key_is_refused(void **state)
{
    struct world *w = *state;
    world_begin(w, NULL);
    world_hands_out(w, fake_sign(w->other, json_incref(w->header), json_incref(w->claims)));
    assert_int_equal(world_finish(w), RP_BAD_TOKEN);
}

static void key_in_the_header_is_not_believed(void **state)
{
    struct world *w = *state;
    world_begin(w, NULL);
    set_header(w, "jwk", fake_jwk(w->other, "ec-1"));
    world_hands_out(w, fake_sign(w->other, json_incref(w->header), json_incref(w->claims)));
    assert_int_equal(world_finish(w), RP_BAD_TOKEN);
}

static void critical_extension_is_refused(void **state)
{
    struct world *w = *state;
    world_begin(w, NULL);
    set_header(w, "crit", json_pack("[s]", "b64"));
    set_header(w, "b64", json_true());
    assert_int_equal(world_sign_in(w), RP_BAD_TOKEN);
}

/* docs/security.md row 20. The last character too: libjwt alone would not see its idle bits. */
static void every_flipped_bit_is_noticed(void **state)
{
    struct world *w = *state;
    world_begin(w, NULL);
    char *good = fake_sign(w->ec, json_incref(w->header), json_incref(w->claims));
    size_t len = strlen(good);
    for (size_t i = 0; i < len; i += (i + 1 < len && good[i + 1] == '.') || i + 7 > len ? 1 : 5) {
        for (int bit = 0; bit < 7; bit += 2) {
            char *bad = strdup(good);
            bad[i] = (char)(bad[i] ^ 1 << bit);
            if (bad[i] == '\0' || bad[i] == '"' || bad[i] == '\\' || bad[i] < ' ' || bad[i] > '~')
                bad[i] = '!'; /* what JSON would hold as something else */
            world_hands_out(w, bad);
            assert_int_equal(world_finish(w), RP_BAD_TOKEN);
        }
    }
    world_hands_out(w, good);
    assert_int_equal(world_finish(w), RP_OK);
}

static void malformed_tokens_are_refused(void **state)
{
    struct world *w = *state;
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "e30.e30.",
        "e30.e30.AA",
        "e30",
        "W10.W10.AA",
        "e30.e30.AA.AA",
        "eyJhbGciOiJFUzI1NiIsImFsZyI6IkVTMjU2In0.e30.AA",
    };
    world_begin(w, NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        world_hands_out(w, strdup(bad[i]));
        assert_int_equal(world_finish(w), RP_BAD_TOKEN);
    }
}

/* Two readers could disagree about which of the two counts. */
static void claim_that_comes_twice_is_refused(void **state)
{
    struct world *w = *state;
    static const char header[] = "{\"alg\":\"ES256\",\"kid\":\"ec-1\"}";
    char twice[2048] = "{\"iss\":\"https://idp.example\",";
    world_begin(w, NULL);
    char *once = json_dumps(w->claims, JSON_COMPACT);
    world_hands_out(w, fake_sign_text(w->ec, header, once));
    assert_int_equal(world_finish(w), RP_OK);
    (void)strncat(twice, once + 1, sizeof(twice) - strlen(twice) - 1);
    world_hands_out(w, fake_sign_text(w->ec, header, twice));
    assert_int_equal(world_finish(w), RP_BAD_TOKEN);
    free(once);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(token_of_another_issuer_is_refused),
        TEST(token_for_another_client_is_refused),
        TEST(audience_may_be_a_list_of_us),
        TEST(several_audiences_need_azp_to_name_us),
        TEST(token_without_our_nonce_is_refused),
        TEST(expiry_counts_to_the_second_with_its_skew),
        TEST(token_from_the_future_is_refused),
        TEST(subject_has_to_be_there_and_short),
        TEST(wrong_at_hash_is_refused),
        TEST(missing_at_hash_is_fine),
        TEST(max_age_demands_a_fresh_authentication),
        TEST(rs256_token_is_read_as_well),
        TEST(unsigned_token_is_refused),
        TEST(public_key_is_no_secret_for_hs256),
        TEST(header_may_only_agree_with_the_type_of_the_key),
        TEST(signature_of_a_strangers_key_is_refused),
        TEST(key_in_the_header_is_not_believed),
        TEST(critical_extension_is_refused),
        TEST(every_flipped_bit_is_noticed),
        TEST(malformed_tokens_are_refused),
        TEST(claim_that_comes_twice_is_refused),
    };
    return cmocka_run_group_tests_name("rp/id_token", tests, world_make_keys, world_drop_keys);
}
