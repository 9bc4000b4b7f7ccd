/* ID tokens (OpenID Connect Core section 2). */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct app;
struct arena;
struct client;
struct grant;

struct id_token {
    const struct client *client;
    const struct grant *grant;
    const char *nonce;        /* or NULL */
    const char *access_token; /* for at_hash (section 3.1.3.6), or NULL */
    int64_t now;
};

/*
 * Signs an ID token with the algorithm the client is registered for. Claims about the enterprise
 * go in where the claims parameter asked for them. Returns IDP_DENIED when the holder is not in
 * good standing any more; errors of holder_find() and jose_sign().
 */
enum idp_err id_token_make(struct app *app, struct arena *arena, const struct id_token *token,
                           const char **out);
