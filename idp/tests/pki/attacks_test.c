/* Attacks of docs/security.md row 41 that need arithmetic, or look at the signed bytes themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/refusal.h"
#include "pki/lock/leaf.h"
#include "pki/lock/lock_message.h"
#include "pki/lock/verify.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "store/kv.h"
#include "store/memory.h"
#include "tests/pki_region.h"

static struct region_authority authority;
static struct region_holder victim;

static int make_all(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    region_authority_make(&authority, "one", "P-256");
    region_lock_make(&authority, &(struct region_lock){.kind = NULL}, &victim);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    region_authority_clear(&authority);
    region_lock_clear(&victim);
    return 0;
}

/* --- attack 5: a signature for one thing serving as another ---------------------------------- */

static struct leaf *leaf_of(const struct region_holder *lock)
{
    enum pki_reason why;
    struct leaf *leaf = NULL;
    assert_int_equal(leaf_parse(lock->der, lock->der_len, &why, &leaf), IDP_OK);
    return leaf;
}

/* CMS, requests, seals and bid documents begin with 0x30 or 0x31, TLS 1.3 signs sixty-four 0x20. */
static void what_a_lock_signs_is_neither_der_nor_tls(void **state)
{
    (void)state;
    unsigned char m[LOCK_MESSAGE_SIZE];
    struct leaf *leaf = leaf_of(&victim);
    assert_int_equal(lock_message_write(leaf, REGION_ORIGIN, REGION_CHALLENGE, m), IDP_OK);
    leaf_release(leaf);
    assert_memory_equal(m, "TAMGA-LOGIN/1", sizeof("TAMGA-LOGIN/1"));
    assert_int_equal(sizeof(m), 14 + 3 * 32);
}

/* Whatever origin and challenge are, each has a place of fixed length: nothing moves from one into
 * the other. */
static void origin_and_challenge_cannot_run_into_each_other(void **state)
{
    (void)state;
    unsigned char one[LOCK_MESSAGE_SIZE];
    unsigned char other[LOCK_MESSAGE_SIZE];
    struct leaf *leaf = leaf_of(&victim);
    assert_int_equal(lock_message_write(leaf, "https://a.b", "clogin.x", one), IDP_OK);
    assert_int_equal(lock_message_write(leaf, "https://a.bc", "login.x", other), IDP_OK);
    leaf_release(leaf);
    assert_memory_not_equal(one + 14, other + 14, 32);
    assert_memory_not_equal(one + 46, other + 46, 32);
}

/* --- attack 6: another key that accepts the same signature ----------------------------------- */

struct ecdsa {
    BN_CTX *ctx;
    EC_GROUP *group;
    BIGNUM *order, *r, *s, *e;
};

static struct ecdsa read_signature(const unsigned char *signature, size_t len,
                                   const unsigned char hash[32])
{
    struct ecdsa x = {.ctx = BN_CTX_new(),
                      .group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1),
                      .order = BN_new(),
                      .e = BN_bin2bn(hash, 32, NULL)};
    ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &signature, (long)len);
    assert_non_null(parts);
    assert_int_equal(EC_GROUP_get_order(x.group, x.order, x.ctx), 1);
    x.r = BN_dup(ECDSA_SIG_get0_r(parts));
    x.s = BN_dup(ECDSA_SIG_get0_s(parts));
    ECDSA_SIG_free(parts);
    return x;
}

static void forget_signature(struct ecdsa *x)
{
    BN_free(x->order);
    BN_free(x->r);
    BN_free(x->s);
    BN_free(x->e);
    EC_GROUP_free(x->group);
    BN_CTX_free(x->ctx);
}

/* The point whose x is r: u1 G + u2 Q with the signer's own key Q. */
static EC_POINT *point_of_signature(const struct ecdsa *x, const EC_POINT *key)
{
    EC_POINT *point = EC_POINT_new(x->group);
    BIGNUM *w = BN_mod_inverse(NULL, x->s, x->order, x->ctx);
    BIGNUM *u1 = BN_new();
    BIGNUM *u2 = BN_new();
    assert_int_equal(BN_mod_mul(u1, x->e, w, x->order, x->ctx), 1);
    assert_int_equal(BN_mod_mul(u2, x->r, w, x->order, x->ctx), 1);
    assert_int_equal(EC_POINT_mul(x->group, point, u1, key, u2, x->ctx), 1);
    BN_free(w);
    BN_free(u1);
    BN_free(u2);
    return point;
}

/* The key Q' = (s R' - e G) / r, R' being the other point of the same x: it accepts (r, s), too,
 * and nobody knows its private half. */
static EC_POINT *other_key_of_signature(const struct ecdsa *x, const EC_POINT *key)
{
    EC_POINT *point = point_of_signature(x, key);
    EC_POINT *other = EC_POINT_new(x->group);
    BIGNUM *inverse = BN_mod_inverse(NULL, x->r, x->order, x->ctx);
    BIGNUM *of_point = BN_new();
    BIGNUM *of_generator = BN_new();
    assert_int_equal(EC_POINT_invert(x->group, point, x->ctx), 1);
    assert_int_equal(BN_mod_mul(of_point, x->s, inverse, x->order, x->ctx), 1);
    assert_int_equal(BN_mod_mul(of_generator, x->e, inverse, x->order, x->ctx), 1);
    assert_int_equal(BN_sub(of_generator, x->order, of_generator), 1);
    assert_int_equal(EC_POINT_mul(x->group, other, of_generator, point, of_point, x->ctx), 1);
    BN_free(inverse);
    BN_free(of_point);
    BN_free(of_generator);
    EC_POINT_free(point);
    return other;
}

static EVP_PKEY *key_of_point(const struct ecdsa *x, const EC_POINT *point)
{
    unsigned char octets[65];
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"prime256v1"}, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof(octets)),
        OSSL_PARAM_END,
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    assert_int_equal(EC_POINT_point2oct(x->group, point, POINT_CONVERSION_UNCOMPRESSED, octets,
                                        sizeof(octets), x->ctx),
                     sizeof(octets));
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EC_POINT *point_of_key(const struct ecdsa *x, const EVP_PKEY *key)
{
    unsigned char octets[65];
    size_t len = 0;
    EC_POINT *point = EC_POINT_new(x->group);
    assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
                                                     octets, sizeof(octets), &len),
                     1);
    assert_int_equal(EC_POINT_oct2point(x->group, point, octets, len, x->ctx), 1);
    return point;
}

static bool accepts(EVP_PKEY *key, const unsigned char m[LOCK_MESSAGE_SIZE],
                    const unsigned char *signature, size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(ctx, signature, len, m, LOCK_MESSAGE_SIZE) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

static const char *present(const struct region_holder *lock, const unsigned char *signature,
                           size_t len)
{
    char *why = NULL;
    struct trust *trust = NULL;
    struct pki *pki = NULL;
    struct kv *kv = NULL;
    struct lock_identity who;
    struct refusal refusal = {.count = 0};
    struct arena *arena = arena_new();
    json_t *entries[] = {region_entry(&authority), NULL};
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    assert_int_equal(trust_parse("list", text, strlen(text), &why, &trust), IDP_OK);
    assert_int_equal(kv_memory_open(NULL, NULL, &kv), IDP_OK);
    assert_int_equal(pki_new(&(struct pki_settings){.trust = trust, .kv = kv}, &pki), IDP_OK);
    const struct lock_question question = {
        .origin = REGION_ORIGIN, .challenge = REGION_CHALLENGE, .now = REGION_NOW};
    const struct lock_answer answer = {.algorithm = LOCK_ES256,
                                       .certificate = lock->der,
                                       .certificate_len = lock->der_len,
                                       .signature = signature,
                                       .signature_len = len,
                                       .agent_version = "0.1.0"};
    enum idp_err err = lock_verify(pki, arena, &question, &answer, &refusal, &who);
    const char *code = err == IDP_REFUSED ? refusal.reason->code : "not refused";
    arena_free(arena);
    pki_free(pki);
    kv_close(kv);
    free(text);
    json_decref(list);
    return code;
}

/* The attacker has an enterprise lock's certificate issued for the second key, and shows it with
 * the victim's signature. What was signed names the victim's certificate, so it is not accepted. */
static void duplicate_key_of_a_signature_does_not_take_it_over(void **state)
{
    (void)state;
    size_t len = 0;
    unsigned char hash[32];
    unsigned char m[LOCK_MESSAGE_SIZE];
    struct leaf *leaf = leaf_of(&victim);
    const struct region_signing how = {.algorithm = "ES256",
                                       .origin = REGION_ORIGIN,
                                       .challenge = REGION_CHALLENGE,
                                       .certificate = victim.der,
                                       .certificate_len = victim.der_len};
    unsigned char *signature = region_sign(victim.key, &how, &len);
    assert_int_equal(lock_message_write(leaf, REGION_ORIGIN, REGION_CHALLENGE, m), IDP_OK);
    leaf_release(leaf);
    assert_int_equal(EVP_Digest(m, sizeof(m), hash, NULL, EVP_sha256(), NULL), 1);
    struct ecdsa x = read_signature(signature, len, hash);
    EC_POINT *own = point_of_key(&x, victim.key);
    EC_POINT *second = other_key_of_signature(&x, own);
    struct region_holder thief = {.key = key_of_point(&x, second)};
    assert_int_not_equal(EVP_PKEY_eq(thief.key, victim.key), 1);
    assert_true(accepts(thief.key, m, signature, len)); /* the attack is a real one */

    thief.certificate = region_issue(&(struct region_certificate){
        .key = thief.key,
        .issuer = authority.certificate,
        .issuer_key = authority.key,
        .subject = region_subject,
        .extensions = region_extensions,
        .from = REGION_NOW - REGION_DAY,
        .to = REGION_NOW + REGION_DAY,
    });
    thief.der = region_der(thief.certificate, &thief.der_len);
    assert_string_equal(present(&thief, signature, len), "lock.not_accepted");
    region_lock_clear(&thief);
    EC_POINT_free(own);
    EC_POINT_free(second);
    forget_signature(&x);
    free(signature);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_lock_signs_is_neither_der_nor_tls),
        cmocka_unit_test(origin_and_challenge_cannot_run_into_each_other),
        cmocka_unit_test(duplicate_key_of_a_signature_does_not_take_it_over),
    };
    return cmocka_run_group_tests_name("pki/attacks", tests, make_all, free_all);
}
