/*
 * The userinfo endpoint (OpenID Connect Core section 5.3): what the bidder agreed that the platform
 * learns, as it is now. The token comes in the Authorization header, or in the body of a POST
 * (RFC 6750 section 2), never in the address.
 */
#include "oauth/userinfo.h"

#include <string.h>
#include <strings.h>

#include "access/access_token.h"
#include "access/claims.h"
#include "access/grant.h"
#include "app.h"
#include "base/json_out.h"
#include "base/text.h"
#include "enterprise/holder.h"
#include "http/http.h"
#include "oauth/shared/error.h"
#include "oauth/shared/standing.h"
#include "pki/pki.h"

enum { ANSWER_MAX = 8192 };

static const struct param userinfo_params[] = {
    {.name = "access_token", .max = 4096},
    {.name = NULL},
};

/* One way of sending the token a request (RFC 6750 section 2). */
static enum idp_err read_token(const struct request *rq, const char **out)
{
    const char *in_form = http_param(rq, "access_token");
    const char *header = rq->authorization;
    if (in_form != NULL && (rq->method != HTTP_POST || header != NULL))
        return IDP_BAD_REQUEST;
    if (in_form == NULL && header == NULL)
        return IDP_BAD_CLIENT; /* no token was sent */
    if (header != NULL && strncasecmp(header, "Bearer ", 7) != 0)
        return IDP_BAD_CLIENT;
    *out = header != NULL ? header + 7 + strspn(header + 7, " ") : in_form;
    return IDP_OK;
}

static enum idp_err userinfo(struct request *rq, struct response *rs)
{
    const char *text = NULL;
    struct access_token token;
    const struct grant *grant = NULL;
    const struct holder *holder = NULL;
    enum idp_err err = read_token(rq, &text);
    if (err == IDP_OK)
        err = access_token_find(&rq->app->access, rq->arena, text, rq->now, &token, &grant);
    if (err == IDP_OK && !text_list_has(grant->scope, "openid"))
        err = IDP_BAD_SCOPE;
    if (err == IDP_OK)
        err = oauth_find_holder(rq, grant, &holder);
    if (err != IDP_OK)
        return err;
    const struct trust *trust = pki_trust(rq->app->pki, rq->arena);
    if (trust == NULL)
        return IDP_FAULT;

    char buffer[ANSWER_MAX];
    struct json_out json = json_out_new(buffer, sizeof(buffer));
    json_out_object(&json, NULL);
    json_out_text(&json, "sub", grant->enterprise);
    claims_write(&json, grant->claims.userinfo, holder, trust);
    json_out_end_object(&json);
    return http_respond_written(rq, rs, &json);
}

const struct route oauth_userinfo_route = {
    .spec = "OpenID Connect Core 1.0 section 5.3",
    .methods = HTTP_GET | HTTP_POST,
    .path = "/oauth2/userinfo",
    .waits = HTTP_WAITS_ON_MISS,
    .params = userinfo_params,
    .handle = userinfo,
    .fail = oauth_fail_bearer,
};
