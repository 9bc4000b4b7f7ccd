/*
 * What bench-verify verifies: an authority with many locks, each with the body in which a browser
 * posts its answer, and the provider's room of certificates in the state that a row asks for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

#include "tests/pki_region.h"

enum { VERIFY_LOCKS = 256 };

/* A signature, as OpenSSL alone verifies it. */
struct verify_signed {
    EVP_MD_CTX *ready; /* with the signer's key; only ever copied */
    unsigned char *bytes, *signature;
    size_t len, signature_len;
};

/* A lock that has signed in. */
struct verify_lock {
    unsigned char *der;
    size_t der_len;
    char *body; /* as the browser posts it */
    size_t body_len;
    struct verify_signed answer, certificate;
};

struct verify_region {
    struct region_authority authority;
    struct verify_lock locks[VERIFY_LOCKS];
};

/* kind: "rsa", "p256" or "sm2". Returns false for others. */
bool verify_region_make(struct verify_region *region, const char *kind);
void verify_region_clear(struct verify_region *region);

struct verify_world;

enum verify_weather {
    VERIFY_USUAL,   /* the authority's status service answers, and has answered about each lock */
    VERIFY_CA_DEAD, /* it has answered about each lock, and does not answer any more */
    VERIFY_MILLION_CRL, /* there is none, but a list of a million revoked certificates */
    VERIFY_WEATHERS
};

/* What a row's name ends with. */
extern const char *const verify_suffixes[VERIFY_WEATHERS];

/* Borrows the region. Each lock has signed in once. Returns NULL when one of them could not. */
struct verify_world *verify_world_new(struct verify_region *region, enum verify_weather weather);
void verify_world_free(struct verify_world *world);

/* Makes ready for verify_world_forget(), which is counted. */
bool verify_world_prepare(struct verify_world *world);

/* No leaf is known any more; the answers about them are. */
bool verify_world_forget(struct verify_world *world);

/* From the body of the n-th lock to the verdict. Returns false unless it is good. */
bool verify_once(struct verify_world *world, size_t n);
