/* One key of a JWK set (RFC 7517), turned into the PEM that libjwt reads. */
#pragma once

#include <stdbool.h>

#include <jansson.h>

struct arena;

struct rp_key {
    const char *kid; /* or NULL */
    const char *alg; /* RS256 or ES256, by the key's type and nothing else */
    const char *pem; /* SubjectPublicKeyInfo */
};

/*
 * Reads a public key for signatures: RSA of 2048 to 8192 bits, or EC on P-256 (RFC 7518 section
 * 6). Returns false for any other, for one meant for something else by use, key_ops or alg, for a
 * private key and when there is no memory.
 */
bool rp_jwk_read(struct arena *arena, const json_t *jwk, struct rp_key *out);
