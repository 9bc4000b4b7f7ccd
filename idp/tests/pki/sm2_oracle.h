/*
 * SM2 by OpenSSL alone, which the house's own arithmetic is held against: by the unit tests and by
 * the fuzz target, in which nothing else of the tests is linked.
 */
#pragma once

#include <stdbool.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define ORACLE_ID "1234567812345678"

enum { ORACLE_SIGNATURE_MAX = 80 };

/* A test that cannot ask has nothing to say. */
static inline void oracle_need(bool good)
{
    if (!good)
        abort();
}

static inline BIGNUM *oracle_number(const char *hex)
{
    BIGNUM *number = NULL;
    oracle_need(BN_hex2bn(&number, hex) > 0);
    return number;
}

static inline EC_GROUP *oracle_group(void)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_sm2);
    oracle_need(group != NULL);
    return group;
}

/* u * G + v * point, the caller's. */
static inline EC_POINT *oracle_sum(const EC_GROUP *group, const BIGNUM *u, const EC_POINT *point,
                                   const BIGNUM *v)
{
    EC_POINT *sum = EC_POINT_new(group);
    oracle_need(sum != NULL && EC_POINT_mul(group, sum, u, point, v, NULL) == 1);
    return sum;
}

/* A public key from 04 || x || y, or NULL when OpenSSL does not take it. */
static inline EVP_PKEY *oracle_key(const unsigned char point[65])
{
    char name[] = "SM2";
    unsigned char copy[65];
    EVP_PKEY *key = NULL;
    for (size_t i = 0; i < sizeof(copy); i++)
        copy[i] = point[i];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, sizeof(copy)),
        OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);
    oracle_need(ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1);
    if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* Whether OpenSSL takes the signature over e. */
static inline bool oracle_accepts_digest(EVP_PKEY *key, const unsigned char e[32],
                                         const unsigned char *signature, size_t len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    oracle_need(ctx != NULL && EVP_PKEY_verify_init(ctx) == 1);
    bool good = EVP_PKEY_verify(ctx, signature, len, e, 32) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

/* Whether OpenSSL takes the signature over the bytes, with the usual identifier. */
static inline bool oracle_accepts(EVP_PKEY *key, const void *bytes, size_t n,
                                  const unsigned char *signature, size_t len)
{
    EVP_PKEY_CTX *key_ctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    oracle_need(ctx != NULL &&
                EVP_DigestVerifyInit_ex(ctx, &key_ctx, "SM3", NULL, NULL, key, NULL) == 1 &&
                EVP_PKEY_CTX_set1_id(key_ctx, ORACLE_ID, 16) == 1);
    bool good = EVP_DigestVerify(ctx, signature, len, bytes, n) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

/* DER of SEQUENCE {r, s}, whatever the numbers are; returns its length. */
static inline size_t oracle_signature(const BIGNUM *r, const BIGNUM *s,
                                      unsigned char out[ORACLE_SIGNATURE_MAX])
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    unsigned char *at = out;
    oracle_need(signature != NULL && ECDSA_SIG_set0(signature, BN_dup(r), BN_dup(s)) == 1);
    int len = i2d_ECDSA_SIG(signature, NULL);
    oracle_need(len > 0 && len <= ORACLE_SIGNATURE_MAX && i2d_ECDSA_SIG(signature, &at) == len);
    ECDSA_SIG_free(signature);
    return (size_t)len;
}

/*
 * The signature that (s, t) belongs to, where t = r + s: r = t - s modulo n, and the digest e = r -
 * x1 modulo n that makes it good, x1 being that of s * G + t * point. Returns the length of the
 * signature, or 0 when the sum is at infinity.
 */
static inline size_t oracle_make_good(const EC_GROUP *group, const EC_POINT *point, const BIGNUM *s,
                                      const BIGNUM *t, unsigned char e[32],
                                      unsigned char signature[ORACLE_SIGNATURE_MAX])
{
    const BIGNUM *n = EC_GROUP_get0_order(group);
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *x = BN_new();
    BIGNUM *r = BN_new();
    BIGNUM *digest = BN_new();
    EC_POINT *sum = oracle_sum(group, s, point, t);
    size_t len = 0;
    oracle_need(ctx != NULL && x != NULL && r != NULL && digest != NULL);
    if (EC_POINT_get_affine_coordinates(group, sum, x, NULL, ctx) == 1) {
        oracle_need(BN_mod_sub(r, t, s, n, ctx) == 1 && BN_mod_sub(digest, r, x, n, ctx) == 1 &&
                    BN_bn2binpad(digest, e, 32) == 32);
        len = oracle_signature(r, s, signature);
    }
    EC_POINT_free(sum);
    BN_free(digest);
    BN_free(r);
    BN_free(x);
    BN_CTX_free(ctx);
    return len;
}
