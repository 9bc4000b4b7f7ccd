/*
 * Client secrets: 32 random bytes as base64url, shown once and kept as a keyed hash,
 * "key id.base64url(HMAC-SHA-256(secret key, client id || 0x00 || secret))".
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct arena;
struct client;
struct purpose_keys;

/*
 * Says whether secret is the client's, in a time that does not depend on the hash. A NULL or empty
 * secret counts as omitted (RFC 6749 section 2.3.1) and is never right, neither is any for a
 * client that has none. The client's standing is not looked at.
 */
bool client_secret_check(const struct purpose_keys *keys, const struct client *client,
                         const char *secret);

struct client_secret {
    const char *secret; /* for the client, once */
    const char *hash;   /* for the store */
};

/* Makes a new secret for the client id, in the arena. IDP_FAULT without memory or entropy. */
enum idp_err client_secret_make(const struct purpose_keys *keys, struct arena *arena,
                                const char *id, struct client_secret *out);
