/*
 * Token introspection (RFC 7662): a resource server asks whether a token is good.
 *
 * A token that is unknown, expired, revoked or meant for somebody else gets one and
 * the same answer, {"active": false}: the endpoint must not tell a thief which of
 * these it is (section 2.2).
 */
#include "oauth/introspect.h"

#include <stdbool.h>
#include <string.h>

#include "access/access_token.h"
#include "access/grant.h"
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

/* The members of section 2.2; auth_time and acr are those of RFC 9470 section 6.2. */
static enum idp_err describe(struct request *rq, struct response *rs,
                             const struct access_token *token, const struct grant *grant)
{
    char buffer[ANSWER_MAX];
    struct json_out json = json_out_new(buffer, sizeof(buffer));
    json_out_object(&json, NULL);
    json_out_truth(&json, "active", true);
    json_out_text(&json, "iss", rq->app->config.issuer);
    json_out_text(&json, "client_id", grant->client);
    json_out_text(&json, "sub", grant->enterprise);
    json_out_text(&json, "scope", grant->scope);
    json_out_text(&json, "token_type", "Bearer");
    json_out_number(&json, "iat", token->issued);
    json_out_number(&json, "exp", token->expires);
    json_out_number(&json, "auth_time", grant->auth_time);
    json_out_text(&json, "acr", grant->acr);
    json_out_end_object(&json);
    return http_respond_written(rq, rs, &json);
}

static enum idp_err introspect(struct request *rq, struct response *rs)
{
    static const char inactive[] = "{\"active\":false}";
    struct access_token token;
    const struct grant *grant = NULL;
    const struct holder *holder = NULL;
    enum idp_err err = access_token_find(&rq->app->access, rq->arena, http_param(rq, "token"),
                                         rq->now, &token, &grant);
    if (err == IDP_OK)
        err = oauth_find_holder(rq, grant, &holder);
    if (err == IDP_BAD_TOKEN || (err == IDP_OK && !may_see(rq->client, grant)))
        return http_respond_bytes(rs, 200, "application/json", inactive, sizeof(inactive) - 1);
    if (err != IDP_OK)
        return err; /* a store that is down must not make a good token look bad */
    return describe(rq, rs, &token, grant);
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
