/*
 * The provider's keys, kept as PEM by kid. An unknown kid makes them be fetched anew, but not
 * more often than every so many seconds, so that made-up kids do not become traffic; and keys
 * that grew old are fetched anew, so that a withdrawn one does not live here for ever.
 */
#pragma once

#include <stdint.h>

#include "rp/fetch.h"
#include "rp/jwk.h"

struct rp_keys;

struct rp_keys_settings {
    const char *url; /* the provider's jwks_uri; borrowed, as limits are */
    const struct rp_limits *limits;
    unsigned interval_s, age_s;
};

/* NULL when there is no memory. Nothing is fetched yet. */
struct rp_keys *rp_keys_new(const struct rp_keys_settings *settings);

/* NULL is allowed. */
void rp_keys_free(struct rp_keys *keys);

/*
 * Finds the key with this kid; with a NULL kid the only key there is (OpenID Connect Core section
 * 10.1). What *out points to is the arena's. Returns RP_BAD_TOKEN when there is no such key,
 * RP_UNREACHABLE, RP_BAD_PROVIDER when the set cannot be read, RP_FAULT.
 */
enum rp_err rp_keys_find(struct rp_keys *keys, const char *kid, int64_t now, struct arena *arena,
                         struct rp_note *note, struct rp_key *out);
