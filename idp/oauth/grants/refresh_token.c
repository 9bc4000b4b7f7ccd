/*
 * The refresh token grant (RFC 6749 section 6, RFC 9700 section 4.14, OpenID Connect Core section
 * 12): a new access token without the bidder, for as long as everybody is in good standing.
 *
 * Each refresh token is used once and answered with its successor; a repeat within the grace, as
 * when an answer was lost, gets the same successor again. Any other second use, and a use by
 * another client, ends the grant.
 */
#include <string.h>

#include "access/grant.h"
#include "access/refresh.h"
#include "access/revoke.h"
#include "app.h"
#include "base/log.h"
#include "client/client.h"
#include "http/http.h"
#include "oauth/grants/grants.h"
#include "oauth/shared/issue.h"
#include "oauth/shared/scope.h"

static void note(const struct request *rq, const char *why)
{
    struct log_line line;
    log_begin(&line, LOG_WARN, "refresh_refused");
    log_text(&line, "request", rq->id);
    log_text(&line, "client", rq->client->id);
    log_text(&line, "why", why);
    log_end(&line);
}

static enum idp_err refuse(const struct request *rq, const char *why)
{
    note(rq, why);
    return IDP_BAD_GRANT;
}

/* A token that was stolen, by whomever: nobody goes on with the grant. */
static enum idp_err end_grant(struct request *rq, const struct grant *grant, const char *why)
{
    enum idp_err err = revoke_grant(&rq->app->access, rq->arena, grant->id, why, rq->now);
    return err == IDP_OK ? refuse(rq, why) : err;
}

/* What must be true of the grant at each use, beside what the rotation looks at in SQL: the
 * standing of all it speaks of, and whether the lock's certificate was ever called revoked. */
static enum idp_err check(struct request *rq, const struct grant *grant)
{
    if (grant->ended)
        return refuse(rq, "the grant has ended");
    if (strcmp(grant->client, rq->client->id) != 0)
        return end_grant(rq, grant, "refresh_token_of_another_client");
    if (!grant_authority_is_listed(&rq->app->access, grant))
        return refuse(rq, "the lock's authority has left the trust list");
    return IDP_OK;
}

static enum idp_err rotate(struct request *rq, const struct grant *grant,
                           const struct refresh_token *token, const char **out)
{
    enum idp_err err = refresh_rotate(&rq->app->access, rq->arena, token, rq->now * 1000, out);
    if (err == IDP_CONFLICT)
        return end_grant(rq, grant, "refresh_token_used_twice");
    return err == IDP_BAD_GRANT ? refuse(rq, "over, ended, or somebody lost their standing") : err;
}

static enum idp_err redeem(struct request *rq, struct response *rs)
{
    const struct access *access = &rq->app->access;
    struct refresh_token token;
    const struct grant *grant = NULL;
    const char *text = http_param(rq, "refresh_token");
    if (text == NULL)
        return IDP_BAD_REQUEST;
    enum idp_err err = refresh_read(access, text, &token);
    if (err == IDP_BAD_TOKEN)
        return refuse(rq, "made up");
    if (err == IDP_OK)
        err = grant_find(access, rq->arena, token.grant, &grant);
    if (err == IDP_NOT_FOUND)
        return refuse(rq, "unknown");
    if (err == IDP_OK)
        err = check(rq, grant);
    struct issue issue = {.grant = grant};
    if (err == IDP_OK) /* before the rotation: a wrong scope uses up no token */
        err = scope_narrow(rq->client, grant, http_param(rq, "scope"), &issue.scopes);
    if (err == IDP_OK)
        err = rotate(rq, grant, &token, &issue.refresh_token);
    return err == IDP_OK ? issue_tokens(rq, rs, &issue) : err;
}

const struct grant_type grant_refresh_token = {
    .name = "refresh_token",
    .redeem = redeem,
};
