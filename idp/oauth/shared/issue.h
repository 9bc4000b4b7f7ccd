/* What a grant type answers when it succeeds. */
#pragma once

#include <stdint.h>

#include "access/access_token.h"
#include "base/error.h"

struct grant;
struct request;
struct response;

struct issue {
    const struct grant *grant;
    uint16_t scopes;           /* which of the grant's the tokens have */
    const char *nonce;         /* for the ID token, or NULL */
    const char *refresh_token; /* or NULL */
};

/*
 * Answers with an access token of the grant, an ID token where openid is among the scopes, and the
 * refresh token (RFC 6749 section 5.1, OpenID Connect Core sections 3.1.3.3 and 12.2). Returns
 * IDP_BAD_GRANT when the holder has lost its standing.
 */
enum idp_err issue_tokens(struct request *rq, struct response *rs, const struct issue *issue);
