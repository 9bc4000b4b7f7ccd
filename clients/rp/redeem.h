/* The two calls that follow a callback: the code for tokens, the access token for userinfo. */
#pragma once

#include <jansson.h>

#include "rp/pending.h"

struct rp_tokens {
    const char *access_token, *id_token;
    int64_t lifetime; /* of the access token in seconds, 0: not told */
};

/*
 * Redeems the code (RFC 6749 section 4.1.3). What *out points to is the arena's. Returns
 * RP_BAD_CODE, RP_BAD_CLIENT, RP_BAD_TOKEN for an answer that is none, RP_UNREACHABLE, RP_FAULT.
 */
enum rp_err rp_redeem_code(const struct rp *rp, struct arena *arena, const char *code,
                           const struct rp_pending *pending, struct rp_note *note,
                           struct rp_tokens *out);

/*
 * Asks userinfo (OpenID Connect Core section 5.3), whose sub has to be subject (section 5.3.2).
 * *out is the arena's. Returns RP_BAD_USERINFO, RP_UNREACHABLE, RP_FAULT.
 */
enum rp_err rp_redeem_userinfo(const struct rp *rp, struct arena *arena, const char *access_token,
                               const char *subject, struct rp_note *note, const json_t **out);
