/*
 * Access tokens: base64url(key id || grant id || number || expiry || lifetime || scopes || HMAC).
 *
 * A made-up token is refused without any look-up; a good one leads to its grant. The HMAC covers
 * the kind of thing it is, so that nothing else we ever seal can be read as an access token.
 */
#pragma once

#include <stdint.h>

#include "access/grant.h"
#include "base/error.h"

struct access;
struct arena;

/* All that the grant has. */
enum { ACCESS_TOKEN_ALL_SCOPES = 0xFFFF };

struct access_token {
    unsigned char grant[GRANT_ID_SIZE];
    uint16_t scopes; /* which of the grant's it has (claims_scope_bits()) */
    int64_t issued, expires;
};

/* Makes a token of the grant, with these scopes, that lives for access_token_s from now. *out is
 * its text in the arena. */
enum idp_err access_token_make(const struct access *access, struct arena *arena,
                               const struct access_token *token, int64_t now, const char **out);

/* Reads one. Returns IDP_BAD_TOKEN when it was not made here, was altered, or is over,
 * IDP_UNAVAILABLE when another node's key may be missing here. */
enum idp_err access_token_read(const struct access *access, const char *text, int64_t now,
                               struct access_token *out);

/* The grant of a token that was read, as access_token_find() does. */
enum idp_err access_token_grant(const struct access *access, struct arena *arena,
                                const struct access_token *token, const struct grant **out);

/*
 * Reads the token and finds its grant, as far as the token goes: IDP_BAD_TOKEN also when the grant
 * is unknown or ended, or its lock's authority has left the trust list. Other errors as
 * grant_find().
 */
enum idp_err access_token_find(const struct access *access, struct arena *arena, const char *text,
                               int64_t now, struct access_token *token, const struct grant **out);
