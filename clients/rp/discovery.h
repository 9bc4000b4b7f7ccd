/* The provider's discovery document (OpenID Connect Discovery 1.0). */
#pragma once

#include <stdbool.h>

#include "rp/fetch.h"

struct rp_metadata {
    const char *authorization_endpoint, *token_endpoint, *jwks_uri;
    const char *userinfo_endpoint; /* or NULL */
    bool answers_with_iss;         /* RFC 9207 section 3 */
};

/*
 * Fetches and checks it; what *out points to is the arena's. Returns RP_UNREACHABLE,
 * RP_BAD_PROVIDER, RP_FAULT.
 */
enum rp_err rp_discovery_fetch(struct arena *arena, const struct rp_settings *settings,
                               const struct rp_limits *limits, struct rp_note *note,
                               struct rp_metadata *out);
