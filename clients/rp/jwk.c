/*
 * JWK to PEM. libjwt 1.10 knows no JWK, so the numbers are put together by OpenSSL here, which
 * also checks them: a modulus of a sensible size, a point that lies on the curve.
 */
#include "rp/jwk.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "base/arena.h"
#include "base/base64.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, RSA_BYTES = RSA_BITS_MAX / 8, P256_BYTES = 32 };

struct number {
    unsigned char bytes[RSA_BYTES];
    size_t len;
};

static const char *text(const json_t *jwk, const char *name)
{
    return json_string_value(json_object_get(jwk, name));
}

/* A member holding base64url bytes; false when it is missing, malformed or longer than max. */
static bool read_number(const json_t *jwk, const char *name, size_t max, struct number *out)
{
    const char *s = text(jwk, name);
    return s != NULL && base64url_decode(s, strlen(s), out->bytes, max, &out->len) == IDP_OK &&
           out->len > 0;
}

/* RFC 7517 sections 4.2 and 4.3: what the key says it is for. */
static bool is_for_verifying(const json_t *jwk)
{
    const json_t *use = json_object_get(jwk, "use");
    const json_t *ops = json_object_get(jwk, "key_ops");
    if (use != NULL && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0))
        return false;
    if (ops == NULL)
        return true;
    size_t i;
    const json_t *op;
    json_array_foreach(ops, i, op)
    {
        if (json_is_string(op) && strcmp(json_string_value(op), "verify") == 0)
            return true;
    }
    return false;
}

static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

/* RFC 7518 section 6.3.1 */
static EVP_PKEY *read_rsa(const json_t *jwk)
{
    struct number n;
    struct number e;
    if (!read_number(jwk, "n", sizeof(n.bytes), &n) || !read_number(jwk, "e", 8, &e))
        return NULL;
    EVP_PKEY *key = NULL;
    BIGNUM *modulus = BN_bin2bn(n.bytes, (int)n.len, NULL);
    BIGNUM *exponent = BN_bin2bn(e.bytes, (int)e.len, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (modulus != NULL && exponent != NULL && build != NULL &&
        BN_num_bits(modulus) >= RSA_BITS_MIN && BN_is_odd(modulus) && BN_is_odd(exponent) &&
        !BN_is_one(exponent) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        key = make_key("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(exponent);
    BN_free(modulus);
    return key;
}

/* RFC 7518 section 6.2.1: both coordinates are written in full length. */
static EVP_PKEY *read_p256(const json_t *jwk)
{
    struct number x;
    struct number y;
    const char *curve = text(jwk, "crv");
    if (curve == NULL || strcmp(curve, "P-256") != 0 || !read_number(jwk, "x", P256_BYTES, &x) ||
        !read_number(jwk, "y", P256_BYTES, &y) || x.len != P256_BYTES || y.len != P256_BYTES)
        return NULL;
    unsigned char point[1 + 2 * P256_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
    memcpy(point + 1, x.bytes, P256_BYTES);
    memcpy(point + 1 + P256_BYTES, y.bytes, P256_BYTES);
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) == 1)
        key = make_key("EC", build);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static const char *to_pem(struct arena *arena, EVP_PKEY *key)
{
    char *bytes = NULL;
    const char *pem = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    BIO *bio = BIO_new(BIO_s_mem());
    if (ctx != NULL && bio != NULL && EVP_PKEY_public_check(ctx) == 1 &&
        PEM_write_bio_PUBKEY(bio, key) == 1) {
        long len = BIO_get_mem_data(bio, &bytes);
        pem = len > 0 ? arena_strndup(arena, bytes, (size_t)len) : NULL;
    }
    BIO_free(bio);
    EVP_PKEY_CTX_free(ctx);
    return pem;
}

bool rp_jwk_read(struct arena *arena, const json_t *jwk, struct rp_key *out)
{
    const char *type = text(jwk, "kty");
    const char *alg = text(jwk, "alg");
    if (type == NULL || !is_for_verifying(jwk) || json_object_get(jwk, "d") != NULL)
        return false;
    bool is_rsa = strcmp(type, "RSA") == 0;
    const char *own = is_rsa ? "RS256" : "ES256";
    if ((!is_rsa && strcmp(type, "EC") != 0) || (alg != NULL && strcmp(alg, own) != 0))
        return false;
    EVP_PKEY *key = is_rsa ? read_rsa(jwk) : read_p256(jwk);
    if (key == NULL)
        return false;
    struct rp_key read = {
        .kid = arena_strdup(arena, text(jwk, "kid")), .alg = own, .pem = to_pem(arena, key)};
    EVP_PKEY_free(key);
    if (read.pem == NULL || (read.kid == NULL && json_object_get(jwk, "kid") != NULL))
        return false;
    *out = read;
    return true;
}
