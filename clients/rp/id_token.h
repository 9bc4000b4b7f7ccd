/* The ID token, verified with libjwt. */
#pragma once

#include <jansson.h>

#include "rp/pending.h"

/* What the token has to fit. */
struct rp_id_token_check {
    const char *access_token; /* for at_hash */
    const struct rp_pending *pending;
    int64_t now;
};

/*
 * Verifies an ID token (OpenID Connect Core section 3.1.3.7): signature by the key that its kid
 * names, issuer, audience, times, nonce, at_hash. *out is the claims, the arena's. Returns
 * RP_BAD_TOKEN, RP_UNREACHABLE or RP_BAD_PROVIDER when the keys cannot be had, RP_FAULT.
 */
enum rp_err rp_id_token_verify(struct rp *rp, struct arena *arena, const char *token,
                               const struct rp_id_token_check *check, struct rp_note *note,
                               const json_t **out);
