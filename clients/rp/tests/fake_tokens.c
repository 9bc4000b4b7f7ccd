/*
 * Keys and tokens of the fake provider, made with OpenSSL alone: what libjwt reads in librp was
 * not written by libjwt.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "base/base64.h"
#include "rp/tests/fake_provider.h"

enum { P256_BYTES = 32, SIGNATURE_MAX = 1024 };

static void demand(int holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "fake tokens: %s\n", what);
    abort();
}

EVP_PKEY *fake_key(const char *type)
{
    EVP_PKEY *key = NULL;
    if (strcmp(type, "short RSA") == 0)
        key = EVP_RSA_gen(1024);
    else
        key = strcmp(type, "RS256") == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    demand(key != NULL, "no key");
    return key;
}

/* A number of the key as base64url, in at least len bytes. */
static json_t *number(EVP_PKEY *key, const char *name, int len)
{
    BIGNUM *value = NULL;
    unsigned char bytes[SIGNATURE_MAX];
    char text[BASE64URL_LEN(SIGNATURE_MAX) + 1];
    demand(EVP_PKEY_get_bn_param(key, name, &value) == 1, "no such number");
    int n = len > 0 ? len : BN_num_bytes(value);
    demand(BN_bn2binpad(value, bytes, n) == n, "number too long");
    BN_free(value);
    base64url_encode(bytes, (size_t)n, text);
    return json_string(text);
}

json_t *fake_jwk(EVP_PKEY *key, const char *kid)
{
    json_t *jwk = NULL;
    if (EVP_PKEY_is_a(key, "RSA"))
        jwk = json_pack("{s:s,s:s,s:o,s:o}", "kty", "RSA", "alg", "RS256", "n",
                        number(key, OSSL_PKEY_PARAM_RSA_N, 0), "e",
                        number(key, OSSL_PKEY_PARAM_RSA_E, 0));
    else
        jwk = json_pack("{s:s,s:s,s:s,s:o,s:o}", "kty", "EC", "alg", "ES256", "crv", "P-256", "x",
                        number(key, OSSL_PKEY_PARAM_EC_PUB_X, P256_BYTES), "y",
                        number(key, OSSL_PKEY_PARAM_EC_PUB_Y, P256_BYTES));
    demand(jwk != NULL && json_object_set_new(jwk, "use", json_string("sig")) == 0, "no jwk");
    if (kid != NULL)
        demand(json_object_set_new(jwk, "kid", json_string(kid)) == 0, "no kid");
    return jwk;
}

/* base64url(header) "." base64url(claims) */
static char *join(const char *const parts[2])
{
    size_t lens[2] = {strlen(parts[0]), strlen(parts[1])};
    char *input = malloc(BASE64URL_LEN(lens[0]) + BASE64URL_LEN(lens[1]) + 2);
    demand(input != NULL, "no memory");
    base64url_encode(parts[0], lens[0], input);
    size_t at = strlen(input);
    input[at] = '.';
    base64url_encode(parts[1], lens[1], input + at + 1);
    return input;
}

/* The same of values, both taken over. */
static char *signing_input(json_t *header, json_t *claims)
{
    char *parts[2] = {json_dumps(header, JSON_COMPACT), json_dumps(claims, JSON_COMPACT)};
    demand(parts[0] != NULL && parts[1] != NULL, "no JSON");
    char *input = join((const char *const[2]){parts[0], parts[1]});
    free(parts[0]);
    free(parts[1]);
    json_decref(header);
    json_decref(claims);
    return input;
}

static char *with_signature(char *input, const unsigned char *signature, size_t n)
{
    size_t len = strlen(input);
    char *token = realloc(input, len + 2 + BASE64URL_LEN(n));
    demand(token != NULL, "no memory");
    token[len] = '.';
    base64url_encode(signature, n, token + len + 1);
    return token;
}

/* DER to the two numbers side by side (RFC 7518 section 3.4). */
static size_t flatten(unsigned char signature[SIGNATURE_MAX], size_t n)
{
    const unsigned char *at = signature;
    ECDSA_SIG *read = d2i_ECDSA_SIG(NULL, &at, (long)n);
    demand(read != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(read), signature, P256_BYTES) > 0 &&
               BN_bn2binpad(ECDSA_SIG_get0_s(read), signature + P256_BYTES, P256_BYTES) > 0,
           "no signature");
    ECDSA_SIG_free(read);
    return (size_t)2 * P256_BYTES;
}

/* Takes input over. */
static char *sign(EVP_PKEY *key, char *input)
{
    unsigned char signature[SIGNATURE_MAX] = {0};
    size_t n = sizeof(signature);
    if (key == NULL)
        return with_signature(input, signature, 0);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    demand(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
               EVP_DigestSign(ctx, signature, &n, (const unsigned char *)input, strlen(input)) == 1,
           "no signature");
    EVP_MD_CTX_free(ctx);
    if (EVP_PKEY_is_a(key, "EC"))
        n = flatten(signature, n);
    return with_signature(input, signature, n);
}

char *fake_sign(EVP_PKEY *key, json_t *header, json_t *claims)
{
    return sign(key, signing_input(header, claims));
}

char *fake_sign_text(EVP_PKEY *key, const char *header, const char *claims)
{
    return sign(key, join((const char *const[2]){header, claims}));
}

char *fake_sign_hmac(const void *secret, size_t n, json_t *header, json_t *claims)
{
    unsigned len = 0;
    unsigned char signature[EVP_MAX_MD_SIZE];
    char *input = signing_input(header, claims);
    demand(HMAC(EVP_sha256(), secret, (int)n, (const unsigned char *)input, strlen(input),
                signature, &len) != NULL,
           "no signature");
    return with_signature(input, signature, len);
}
