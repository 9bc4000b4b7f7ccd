/*
 * Token introspection (RFC 7662): a resource server asks whether a token is good.
 *
 * A token that is unknown, expired, revoked or meant for somebody else gets one and
 * the same answer, {"active": false}: the endpoint must not tell a thief which of
 * these it is (section 2.2).
 *
 * It costs one look-up, that of the grant: whatever ends rights (access/revoke.h) ends grants, so
 * nobody else's standing has to be asked here.
 */
#include "oauth/introspect.h"

#include <stdbool.h>
#include <string.h>

#include "access/access_token.h"
#include "access/acr.h"
#include "access/grant.h"
#include "access/refresh.h"
#include "app.h"
#include "base/json_out.h"
#include "client/client.h"
#include "http/http.h"
#include "oauth/shared/client_auth.h"
#include "oauth/shared/error.h"
#include "oauth/shared/standing.h"

enum { ANSWER_MAX = 2048 };

static const struct param introspect_params[] = {
    {.name = "token", .required = true, .max = 4096},
    {.name = "token_type_hint", .max = 64}, /* not needed: one look-up finds every type */
    {.name = "client_id", .max = 128},
    {.name = "client_secret", .max = 512},
    {.name = NULL},
};

/* A client sees the tokens issued to it; a gateway, if registered so, those of others too. */
static bool may_see(const struct client *client, const struct grant *grant)
{
    return client->may_introspect == CLIENT_INTROSPECT_ALL ||
           strcmp(client->id, grant->client) == 0;
}

/* What both kinds of token have in common. */
static struct json_out begin(const struct request *rq, const struct grant *grant, char *buffer)
{
    struct json_out json = json_out_new(buffer, ANSWER_MAX);
    json_out_object(&json, NULL);
    json_out_truth(&json, "active", true);
    json_out_text(&json, "iss", rq->app->config.issuer);
    json_out_text(&json, "client_id", grant->client);
    /* RFC 9068 section 2.2: a client that acts for nobody is its own subject. */
    json_out_text(&json, "sub", grant->enterprise != NULL ? grant->enterprise : grant->client);
    json_out_text(&json, "scope", *grant->scope != '\0' ? grant->scope : NULL);
    return json;
}

/* The members of section 2.2; auth_time and acr are those of RFC 9470 section 6.2. */
static enum idp_err describe(struct request *rq, struct response *rs,
                             const struct access_token *token, const struct grant *grant)
{
    char buffer[ANSWER_MAX];
    struct json_out json = begin(rq, grant, buffer);
    json_out_text(&json, "token_type", "Bearer");
    json_out_number(&json, "iat", token->issued);
    json_out_number(&json, "exp", token->expires);
    if (grant->enterprise != NULL) { /* somebody signed in */
        json_out_number(&json, "auth_time", grant->auth_time);
        json_out_text(&json, "acr", grant->acr);
        json_out_text(&json, "lock_status", acr_lock_status(grant->acr));
    }
    json_out_end_object(&json);
    return http_respond_written(rq, rs, &json);
}

/* Without token_type: it is not for a resource server. */
static enum idp_err describe_refresh(struct request *rq, struct response *rs,
                                     const struct refresh_family *family, const struct grant *grant)
{
    char buffer[ANSWER_MAX];
    struct json_out json = begin(rq, grant, buffer);
    json_out_number(&json, "iat", family->rotated_ms / 1000);
    json_out_number(&json, "exp", family->expires);
    json_out_number(&json, "auth_time", grant->auth_time);
    json_out_text(&json, "acr", grant->acr);
    json_out_text(&json, "lock_status", acr_lock_status(grant->acr));
    json_out_end_object(&json);
    return http_respond_written(rq, rs, &json);
}

/*
 * A refresh token: good while it is the newest. Only its own client is told of it: a gateway that
 * heard "active" might take it for an access token.
 */
static enum idp_err introspect_refresh(struct request *rq, struct response *rs)
{
    const struct access *access = &rq->app->access;
    struct refresh_token token;
    struct refresh_family family;
    const struct grant *grant = NULL;
    enum idp_err err = refresh_read(access, http_param(rq, "token"), &token);
    if (err == IDP_OK)
        err = grant_find(access, rq->arena, token.grant, &grant);
    if (err == IDP_OK && (grant->ended || strcmp(rq->client->id, grant->client) != 0 ||
                          !grant_authority_is_listed(access, grant)))
        return IDP_BAD_TOKEN;
    if (err == IDP_OK)
        err = refresh_find(access, rq->arena, token.grant, &family);
    if (err != IDP_OK)
        return err == IDP_NOT_FOUND ? IDP_BAD_TOKEN : err;
    if (token.number != family.number || rq->now >= family.expires)
        return IDP_BAD_TOKEN;
    return describe_refresh(rq, rs, &family, grant);
}

static enum idp_err introspect_access(struct request *rq, struct response *rs,
                                      const struct access_token *token)
{
    const struct grant *grant = NULL;
    enum idp_err err = access_token_grant(&rq->app->access, rq->arena, token, &grant);
    if (err == IDP_OK)
        err = oauth_check_client(rq, grant);
    if (err == IDP_OK && !may_see(rq->client, grant))
        return IDP_BAD_TOKEN;
    return err == IDP_OK ? describe(rq, rs, token, grant) : err;
}

static enum idp_err introspect(struct request *rq, struct response *rs)
{
    static const char inactive[] = "{\"active\":false}";
    struct access_token token;
    enum idp_err err =
        access_token_read(&rq->app->access, http_param(rq, "token"), rq->now, &token);
    if (err == IDP_OK)
        err = introspect_access(rq, rs, &token);
    else if (err == IDP_BAD_TOKEN)
        err = introspect_refresh(rq, rs);
    if (err != IDP_BAD_TOKEN)
        return err; /* a store that is down must not make a good token look bad */
    return http_respond_bytes(rs, 200, "application/json", inactive, sizeof(inactive) - 1);
}

const struct route oauth_introspect_route = {
    .spec = "RFC 7662",
    .methods = HTTP_POST,
    .path = "/oauth2/introspect",
    .waits = HTTP_WAITS_ON_MISS,
    .params = introspect_params,
    .authenticate = oauth_confidential_client_auth,
    .handle = introspect,
    .fail = oauth_fail,
};
