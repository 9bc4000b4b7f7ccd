/* The JWK Set (RFC 7517 section 5): made ready when the keys are read, see discovery.h. */
#include "oauth/jwks.h"

#include <stdatomic.h>
#include <stddef.h>

#include "app.h"
#include "http/http.h"
#include "oauth/shared/error.h"

static enum idp_err jwks(struct request *rq, struct response *rs)
{
    return http_respond_fixed(rq, rs, atomic_load(&rq->app->jwks));
}

const struct route oauth_jwks_route = {
    .spec = "RFC 7517 section 5",
    .methods = HTTP_GET,
    .path = "/oauth2/jwks",
    .waits = HTTP_WAITS_NEVER,
    .handle = jwks,
    .fail = oauth_fail,
};
