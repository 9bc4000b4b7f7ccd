/*
 * Refresh tokens: base64url(key id || grant id || number || HMAC).
 *
 * A grant with offline access has a family of them, of which the newest is good. Each use counts
 * the number up by compare and set, and the successor follows from it by an HMAC: so whoever
 * repeats the one before within the grace gets the same successor again, and there is never more
 * than one. An older one was stolen, or its thief was faster: the grant ends (RFC 9700
 * section 4.14.2). A made-up one costs no look-up.
 */
#pragma once

#include <stdint.h>

#include "access/grant.h"
#include "base/error.h"

struct access;
struct arena;
struct sql_tx;

struct refresh_token {
    unsigned char grant[GRANT_ID_SIZE];
    int64_t number;
};

/* Begins the family of a grant in the transaction that makes it. */
enum idp_err refresh_begin(const struct access *access, struct sql_tx *tx,
                           const struct grant *grant);

/* The first token of a family that was just begun, in the arena. */
enum idp_err refresh_first(const struct access *access, struct arena *arena,
                           const struct grant *grant, const char **out);

/* Reads one. Returns IDP_BAD_TOKEN when it was not made here or was altered, IDP_UNAVAILABLE when
 * another node's key may be missing here. */
enum idp_err refresh_read(const struct access *access, const char *text, struct refresh_token *out);

/*
 * Uses a token up: *out is its successor, in the arena. Returns IDP_BAD_GRANT when the family is
 * over or its grant ended, or client, enterprise or lock are not in good standing; IDP_CONFLICT
 * when the token was used before, and not just now: the caller ends the grant.
 */
enum idp_err refresh_rotate(const struct access *access, struct arena *arena,
                            const struct refresh_token *token, int64_t now_ms, const char **out);

/* How a family stands. */
struct refresh_family {
    int64_t number; /* of the newest token */
    int64_t rotated_ms, expires;
};

/* Finds the family of a grant that has not ended. IDP_NOT_FOUND. */
enum idp_err refresh_find(const struct access *access, struct arena *arena,
                          const unsigned char grant[GRANT_ID_SIZE], struct refresh_family *out);
