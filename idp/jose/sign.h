/*
 * The only door to the private signing keys, so that a separate process or an HSM can take its
 * place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "jose/jwk.h"
#include "jose/signing_keys.h"

struct arena;
struct master_key;
struct signer;
struct sql;

/*
 * Makes the keys that are missing, opens all and prepares them. db and master must outlive the
 * signer, policy is copied. Returns IDP_DENIED when a key does not open with this master key,
 * IDP_UNAVAILABLE when the database does not answer, IDP_FAULT without memory or entropy.
 */
enum idp_err signer_open(struct sql *db, const struct master_key *master,
                         const struct key_policy *policy, int64_t now, struct signer **out);

/*
 * Has each signature ask stale(with) first: while that is true nothing is signed, because the key
 * may have been removed by another node. To be called before other threads sign.
 */
void signer_guard(struct signer *signer, bool (*stale)(const void *with), const void *with);

/* NULL is allowed. */
void signer_close(struct signer *signer);

/*
 * Reads the keys anew and swaps them in one step; calls that run keep the ones they began with.
 * For when the generation counter moved. On failure the old keys stay. Waits.
 */
enum idp_err signer_reload(struct signer *signer, int64_t now);

/* What is signed: the bytes, the header's "typ" (a literal such as "JWT", "at+jwt"), and the time
 * that the bytes name as that of issue, which decides the key. */
struct jose_payload {
    const char *typ;
    const void *bytes;
    size_t len;
    int64_t now;
};

/*
 * Signs with the key of alg that is active at that time: a compact JWS (RFC 7515 section 7.1) with
 * the header {"alg","kid","typ"}, NUL-terminated in the arena. Never waits. Safe from any thread.
 * Returns IDP_UNAVAILABLE while the guard says that the keys are stale, IDP_FAULT without memory or
 * an active key.
 */
enum idp_err jose_sign(struct signer *signer, enum jose_alg alg, struct arena *arena,
                       const struct jose_payload *payload, const char **out);

/* The public JWK Set document for /jwks, in the arena. */
enum idp_err signer_jwks(struct signer *signer, struct arena *arena, const char **out);

/* The public keys to check our own tokens with; they live as long as the arena. */
enum idp_err signer_public_keys(struct signer *signer, struct arena *arena, struct jwk_set *out);

/* A key as an operator sees it. */
struct signing_figure {
    int64_t published, active_from, retired; /* retired: 0 while no end is known */
    enum jose_alg alg;
    enum signing_key_state state;
    bool overdue; /* it should have had a successor by now: nobody rotates */
    char kid[JWK_THUMBPRINT_LEN + 1];
};

/* Writes what is known of each key, max at most, the newest first. Returns how many. Never waits.
 */
size_t signer_figures(struct signer *signer, int64_t now, struct signing_figure *out, size_t max);
