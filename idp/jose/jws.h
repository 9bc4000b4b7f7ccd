/* Checking compact JWS (RFC 7515 section 5.2) against public keys that are at hand. */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "jose/jwk.h"

struct arena;

enum { JOSE_JWS_MAX = 16 * 1024, JOSE_HEADER_MAX = 1024 };

struct jose_jws {
    const struct jwk *key; /* the one that signed it, of the set given */
    const char *typ;       /* or NULL; in the arena */
    const char *payload;   /* len bytes and a NUL, in the arena */
    size_t len;
};

/*
 * Checks text: at most JOSE_JWS_MAX characters, three segments of strict base64url, a header of at
 * most JOSE_HEADER_MAX bytes that is one flat JSON object without duplicate members and without
 * crit, jwk, jku, x5c, x5u or b64. The key is the one the header's kid names, or the only one of
 * the set when there is no kid; its type decides the algorithm, and "alg" has to agree, so "none"
 * never passes. The payload is not interpreted. Returns IDP_BAD_TOKEN for whatever is not good.
 */
enum idp_err jose_jws_verify(const struct jwk_set *keys, struct arena *arena, const char *text,
                             size_t len, struct jose_jws *out);
