/*
 * The client credentials grant (RFC 6749 section 4.4): a client in its own name, towards services
 * that ask us who it is. Its tokens hang on a standing grant, which is made once: no row is written
 * for a token. There is no refresh token (section 4.4.3) and nobody signed in, so no ID token.
 */
#include "access/access_token.h"
#include "access/grant.h"
#include "app.h"
#include "client/client.h"
#include "http/http.h"
#include "oauth/grants/grants.h"
#include "oauth/shared/issue.h"
#include "oauth/shared/scope.h"

static enum idp_err redeem(struct request *rq, struct response *rs)
{
    const char *scope = NULL;
    struct grant grant;
    const struct issue issue = {.grant = &grant, .scopes = ACCESS_TOKEN_ALL_SCOPES};
    if (rq->client->auth_method == CLIENT_AUTH_NONE) /* section 4.4: confidential clients only */
        return IDP_DENIED;
    enum idp_err err = scope_of_client(rq->arena, rq->client, http_param(rq, "scope"), &scope);
    if (err == IDP_OK)
        err = grant_stand(&rq->app->access, rq->arena, rq->client->id, scope, rq->now, &grant);
    if (err == IDP_DENIED)
        return IDP_BAD_CLIENT; /* suspended, and this node has not heard of it yet */
    return err == IDP_OK ? issue_tokens(rq, rs, &issue) : err;
}

const struct grant_type grant_client_credentials = {
    .name = "client_credentials",
    .redeem = redeem,
};
