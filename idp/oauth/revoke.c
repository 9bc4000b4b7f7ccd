/*
 * Token revocation (RFC 7009): a client gives back what it was given.
 *
 * Tokens hang on grants, so whichever token comes, its grant ends with all others: the refresh
 * token with its access tokens (section 2.1 says SHOULD) and the access token with its refresh
 * token (section 2.1 says MAY). The hint is not needed: one look tells what a token is.
 */
#include "oauth/revoke.h"

#include <string.h>

#include "access/access_token.h"
#include "access/grant.h"
#include "access/refresh.h"
#include "access/revoke.h"
#include "app.h"
#include "client/client.h"
#include "http/http.h"
#include "oauth/shared/client_auth.h"
#include "oauth/shared/error.h"

static const struct param revoke_params[] = {
    {.name = "token", .required = true, .max = 4096},
    {.name = "token_type_hint", .max = 64},
    {.name = "client_id", .max = 128},
    {.name = "client_secret", .max = 512},
    {.name = NULL},
};

/* Which grant the token is of. Returns IDP_BAD_TOKEN for one that is not ours, or over. */
static enum idp_err read_token(const struct request *rq, unsigned char grant[GRANT_ID_SIZE])
{
    const char *text = http_param(rq, "token");
    struct access_token access_token;
    struct refresh_token refresh_token;
    enum idp_err err = access_token_read(&rq->app->access, text, rq->now, &access_token);
    if (err == IDP_OK)
        memcpy(grant, access_token.grant, GRANT_ID_SIZE);
    if (err != IDP_BAD_TOKEN)
        return err;
    err = refresh_read(&rq->app->access, text, &refresh_token);
    if (err == IDP_OK)
        memcpy(grant, refresh_token.grant, GRANT_ID_SIZE);
    return err;
}

/*
 * Section 2.1: the request for a token of another client is refused. RFC 6749 section 5.2 has the
 * word for one that "was issued to another client".
 */
static enum idp_err end_grant(struct request *rq)
{
    unsigned char id[GRANT_ID_SIZE];
    const struct access *access = &rq->app->access;
    const struct grant *grant = NULL;
    enum idp_err err = read_token(rq, id);
    if (err == IDP_OK)
        err = grant_find(access, rq->arena, id, &grant);
    if (err != IDP_OK || grant->ended) /* nothing is known of one that has ended */
        return err;
    if (strcmp(grant->client, rq->client->id) != 0)
        return oauth_count_failure(rq, IDP_BAD_GRANT);
    return revoke_grant(access, rq->arena, id, "revoked", rq->now);
}

/* Section 2.2: an invalid token is no error, for it does what was wanted. */
static enum idp_err revoke(struct request *rq, struct response *rs)
{
    enum idp_err err = end_grant(rq);
    if (err != IDP_OK && err != IDP_BAD_TOKEN && err != IDP_NOT_FOUND)
        return err;
    return http_respond_bytes(rs, 200, NULL, NULL, 0);
}

const struct route oauth_revoke_route = {
    .spec = "RFC 7009",
    .methods = HTTP_POST,
    .path = "/oauth2/revoke",
    .waits = HTTP_WAITS_ALWAYS,
    .params = revoke_params,
    .authenticate = oauth_client_auth,
    .handle = revoke,
    .fail = oauth_fail,
};
