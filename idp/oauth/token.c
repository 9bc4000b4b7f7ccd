/*
 * The token endpoint (RFC 6749 section 3.2): finds the grant type and lets its file do the rest.
 */
#include "oauth/token.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "client/client.h"
#include "http/http.h"
#include "oauth/grants/grants.h"
#include "oauth/shared/client_auth.h"
#include "oauth/shared/error.h"

static const struct param token_params[] = {
    {.name = "grant_type", .required = true, .max = 128},
    {.name = "code", .max = 512},
    {.name = "redirect_uri", .max = 2048},
    {.name = "code_verifier", .max = 128},
    {.name = "refresh_token", .max = 512},
    {.name = "scope", .max = 1024},
    {.name = "client_id", .max = 128},
    {.name = "client_secret", .max = 512},
    {.name = NULL},
};

static const struct grant_type *const grant_types[] = {
    &grant_authorization_code, &grant_refresh_token, &grant_client_credentials, NULL};

static enum idp_err redeem(struct request *rq, struct response *rs)
{
    const char *name = http_param(rq, "grant_type");
    for (size_t i = 0; grant_types[i] != NULL; i++) {
        if (strcmp(grant_types[i]->name, name) != 0)
            continue;
        if (!text_list_has(rq->client->grant_types, name))
            return IDP_DENIED; /* unauthorized_client */
        return grant_types[i]->redeem(rq, rs);
    }
    return IDP_REFUSED; /* unsupported_grant_type */
}

static enum idp_err token(struct request *rq, struct response *rs)
{
    enum idp_err err = redeem(rq, rs);
    return err == IDP_BAD_GRANT ? oauth_count_failure(rq, err) : err;
}

const struct route oauth_token_route = {
    .spec = "RFC 6749 section 3.2",
    .methods = HTTP_POST,
    .path = "/oauth2/token",
    .waits = HTTP_WAITS_ALWAYS,
    .params = token_params,
    .authenticate = oauth_client_auth,
    .handle = token,
    .fail = oauth_fail,
};
