/*
 * The provider's signing keys as rows, private halves wrapped by the master key. Only jose/sign.c
 * opens them, jose/rotation.c replaces them. docs/decisions/key-rotation.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "jose/jwk.h"

struct arena;
struct master_key;
struct sql;
struct sql_tx;

/* A key is published before it signs and stays published after it stopped. */
enum signing_key_state { SIGNING_KEY_PUBLISHED, SIGNING_KEY_ACTIVE, SIGNING_KEY_RETIRED };

enum {
    SIGNING_KEYS_MAX = 12, /* of one algorithm, in all states */
    SIGNING_KEYS_ALL = JOSE_ALGS * SIGNING_KEYS_MAX,

    /* How far behind a request that is still running, or another node's clock, may be. A key that
     * signs from now on with nothing before it is said to have been active for so long. */
    SIGNING_KEY_SLACK_S = 300,
};

struct signing_key {
    const char *kid; /* its RFC 7638 thumbprint */
    enum jose_alg alg;
    const char *public_jwk;
    const char *wrapped;
    int64_t published, active_from, retired; /* retired: 0 while no end is known */
    int64_t cache_s, longest_s;              /* what all nodes have promised: see key_policy */
};

struct signing_keys {
    const struct signing_key *keys; /* the newest active_from first */
    size_t count;
};

/* What a node's settings say about keys, in seconds. */
struct key_policy {
    int64_t cache_s;   /* clients may keep a set of keys for so long */
    int64_t longest_s; /* nothing that is signed lives longer */
    int64_t margin_s;  /* clocks of nodes differ by less */
    int64_t rotate_s;  /* a key signs for so long; 0: until a command ends it */
};

enum signing_key_state signing_key_state(const struct signing_key *key, int64_t now);

/* Has a name for each state: "published", "active", "retired". */
const char *signing_key_state_name(enum signing_key_state state);

/*
 * Makes one active key for each algorithm that has none (RSA: 2048 bits), in one transaction: of
 * two nodes that begin at once, both end with the same set. Costs some 100 ms when RSA is made.
 */
enum idp_err signing_keys_ensure(struct sql *db, const struct master_key *master,
                                 const struct key_policy *policy, int64_t now);

/* All keys that were not removed, in the arena; inside a transaction, or outside. */
enum idp_err signing_keys_read(struct sql *db, struct arena *arena, struct signing_keys *out);
enum idp_err signing_keys_read_in(struct sql_tx *tx, struct arena *arena, struct signing_keys *out);

/* Raises what the rows say was promised to what this node promises; to be done before it does. */
enum idp_err signing_keys_promise(struct sql *db, const struct signing_keys *keys,
                                  const struct key_policy *policy);

/* The JWK Set of them (RFC 7517 section 5) as text in the arena, or NULL without memory. */
const char *signing_keys_jwks(const struct signing_keys *keys, struct arena *arena);

/* A key that is in no row yet: its private half as PKCS#8 DER, which is wiped with the arena. */
struct fresh_key {
    struct signing_key row; /* kid, alg, public_jwk */
    const unsigned char *der;
    size_t der_len;
};

/* Makes a key pair. Takes its time for RSA, so it is not done in a transaction. */
enum idp_err signing_key_make(struct arena *arena, enum jose_alg alg, struct fresh_key *out);

/* Puts it in with the times and promises of row, wrapped as all other keys are. */
enum idp_err signing_key_insert(struct sql_tx *tx, const struct master_key *master,
                                struct arena *arena, const struct fresh_key *key);
