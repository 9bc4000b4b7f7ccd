/*
 * Public keys as JSON Web Keys (RFC 7517, RFC 7518 section 6), and the algorithms they decide.
 *
 * The key's type decides the algorithm: RSA means RS256, P-256 means ES256. What a header or an
 * "alg" member says may only agree.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <openssl/types.h>

#include "base/error.h"

struct arena;

enum jose_alg { JOSE_ES256, JOSE_RS256, JOSE_ALGS };

/* "ES256" or "RS256". */
const char *jose_alg_name(enum jose_alg alg);

/* Returns false when name is no algorithm of ours; "none" is not. */
bool jose_alg_find(const char *name, enum jose_alg *out);

struct jwk {
    const char *kid; /* or NULL */
    enum jose_alg alg;
    EVP_PKEY *key; /* the public key */
};

/* A JWK Set: what a signature is checked against. Lives in the arena of whoever made it. */
struct jwk_set {
    const struct jwk *keys;
    size_t count;
};

enum { JWK_THUMBPRINT_LEN = 43, JWK_SET_MAX = 32 };

/*
 * Reads one public key; it lives as long as the arena. RSA: a modulus of 2048 to 4096 bits, an odd
 * exponent of 3 to 2^64. EC: P-256 only, a point on the curve. Returns IDP_BAD_REQUEST for anything
 * else, also for a private or symmetric key, a "use" other than "sig", "key_ops" without "verify",
 * or an "alg" that is not the key's.
 */
enum idp_err jwk_parse(struct arena *arena, const json_t *json, struct jwk *out);

/*
 * Reads {"keys":[...]}: at most JWK_SET_MAX, of which those that jwk_parse() refuses are left out
 * (RFC 7517 section 5). Returns IDP_BAD_REQUEST when it is no JWK Set or two keys have one kid.
 */
enum idp_err jwk_set_parse(struct arena *arena, const char *text, size_t len, struct jwk_set *out);

/* The public key as a JWK with alg and use, and kid (which needs no escaping) when it is not NULL,
 * in the arena. IDP_FAULT without memory or for a key that is of no use here. */
enum idp_err jwk_print(struct arena *arena, EVP_PKEY *key, const char *kid, const char **out);

/* RFC 7638: base64url(SHA-256(the required members)), JWK_THUMBPRINT_LEN characters and a NUL. */
enum idp_err jwk_thumbprint(EVP_PKEY *key, char out[JWK_THUMBPRINT_LEN + 1]);

/* The algorithm a key decides. IDP_BAD_REQUEST for a key that signs nothing here. */
enum idp_err jwk_alg(const EVP_PKEY *key, enum jose_alg *out);
