/*
 * Authorization codes (RFC 6749 section 4.1.2): one minute, one use, bound to client, redirect
 * URI, PKCE challenge and session. Only the hash of a code is kept.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "access/claims.h"
#include "base/error.h"

struct access;
struct arena;

/* What a code stands for. */
struct code {
    const char *client, *redirect_uri, *code_challenge;
    const char *nonce; /* or NULL */
    const char *scope;
    struct claims_asked claims;
    const char *enterprise, *lock, *authority; /* ids */
    const char *session;                       /* family of the session it came from */
    const char *acr, *amr;
    int64_t auth_time, issued, expires;
};

/* Issues a code. *out is its text: key id, random bytes and our HMAC over them, base64url. */
enum idp_err code_issue(const struct access *access, struct arena *arena, const struct code *code,
                        const char **out);

/*
 * Says whether the text is a code that we made: a made-up one costs no look-up and leaves no mark,
 * and is IDP_BAD_GRANT. Returns IDP_UNAVAILABLE when another node's key may be missing here.
 */
enum idp_err code_check(const struct access *access, const char *text);

/* base64url(SHA-256(text)), by which a code is kept and its grant is found. NULL: no memory. */
const char *code_hash(struct arena *arena, const char *text);

/* Takes the code of this hash: it is gone then, whatever comes of it. IDP_NOT_FOUND. */
enum idp_err code_take(const struct access *access, struct arena *arena, const char *hash,
                       int64_t now, const struct code **out);
