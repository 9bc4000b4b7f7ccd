/*
 * The provider's signing keys as rows: made on first start, private halves wrapped by the master
 * key. Only jose/sign.c opens them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "jose/jwk.h"

struct arena;
struct master_key;
struct sql;

/* A key is published before it signs and stays published after it stopped. */
enum signing_key_state { SIGNING_KEY_PUBLISHED, SIGNING_KEY_ACTIVE, SIGNING_KEY_RETIRED };

struct signing_key {
    const char *kid; /* its RFC 7638 thumbprint */
    enum jose_alg alg;
    const char *public_jwk;
    const char *wrapped;
    int64_t published, active_from, retired; /* retired: 0 while it is not */
};

struct signing_keys {
    const struct signing_key *keys; /* the newest active_from first */
    size_t count;
};

enum signing_key_state signing_key_state(const struct signing_key *key, int64_t now);

/*
 * Makes one active key for each algorithm that has none (RSA: 2048 bits), in one transaction: of
 * two nodes that begin at once, both end with the same set. Costs some 100 ms when RSA is made.
 */
enum idp_err signing_keys_ensure(struct sql *db, const struct master_key *master, int64_t now);

/* All keys, retired ones too (their tokens may still be shown), 64 at most, in the arena. */
enum idp_err signing_keys_read(struct sql *db, struct arena *arena, struct signing_keys *out);

/* The JWK Set of them (RFC 7517 section 5) as text in the arena, or NULL without memory. */
const char *signing_keys_jwks(const struct signing_keys *keys, struct arena *arena);
