/*
 * The authorization code grant (RFC 6749 section 4.1.3, RFC 7636 section 4.5, OpenID Connect Core
 * section 3.1.3).
 *
 * A code works once. It is taken from the key-value store, and the grant it makes is a row whose
 * code hash is unique, so it works once even when that store failed over in between. Whoever comes
 * second leaves a mark before looking for the first one's grant; the first looks for the mark after
 * the grant is committed: whatever the order, the grant of a code that was used twice is ended.
 */
#include <string.h>

#include "access/code.h"
#include "access/grant.h"
#include "access/refresh.h"
#include "access/revoke.h"
#include "access/session.h"
#include "app.h"
#include "base/log.h"
#include "base/text.h"
#include "client/client.h"
#include "http/http.h"
#include "oauth/grants/grants.h"
#include "oauth/shared/issue.h"
#include "oauth/shared/pkce.h"
#include "store/kv.h"

enum { MARK_MS = 10 * 60 * 1000 };

static void note(const struct request *rq, const char *why)
{
    struct log_line line;
    log_begin(&line, LOG_WARN, "code_refused");
    http_log_request(&line, rq);
    log_text(&line, "client", rq->client->id);
    log_text(&line, "why", why);
    log_end(&line);
}

/* A code that was used before: its grant ends (RFC 6749 section 4.1.2). */
static enum idp_err refuse_second_use(struct request *rq, const char *hash)
{
    const struct access *access = &rq->app->access;
    unsigned char grant[GRANT_ID_SIZE];
    enum idp_err err = kv_put(access->kv, KV_REPLAY, kv_text(hash), kv_text("code"), MARK_MS);
    if (err != IDP_OK &&
        err != IDP_FULL) /* full: the grant that is there has to end all the same */
        return err;
    err = grant_find_by_code(access, rq->arena, hash, grant);
    if (err == IDP_NOT_FOUND) {
        note(rq, "unknown, expired or used");
        return IDP_BAD_GRANT;
    }
    if (err != IDP_OK)
        return err;
    err = revoke_grant(access, rq->arena, grant, "code_used_twice", rq->now);
    note(rq, "used twice");
    return err == IDP_OK ? IDP_BAD_GRANT : err;
}

/* Why the code may not be redeemed like this, or NULL. */
static const char *objection(const struct request *rq, const struct code *code)
{
    const char *redirect_uri = http_param(rq, "redirect_uri");
    if (strcmp(code->client, rq->client->id) != 0)
        return "issued to another client";
    if (redirect_uri == NULL || strcmp(redirect_uri, code->redirect_uri) != 0)
        return "another redirect_uri";
    if (!pkce_verifier_fits(http_param(rq, "code_verifier"), code->code_challenge))
        return "the code_verifier does not fit";
    return NULL;
}

static enum idp_err refuse_ended(struct request *rq, const struct grant *grant, const char *why)
{
    enum idp_err err = revoke_grant(&rq->app->access, rq->arena, grant->id, why, rq->now);
    note(rq, why);
    return err == IDP_OK ? IDP_BAD_GRANT : err;
}

/*
 * What may have happened while the grant was made. Whoever ends a session, or uses a code a second
 * time, leaves a mark first and then ends the grants that are there; the marks are looked for after
 * the grant is committed, so one of the two sees the other.
 */
static enum idp_err check_after(struct request *rq, const struct grant *grant, const char *hash)
{
    const struct access *access = &rq->app->access;
    struct kv_bytes mark;
    enum idp_err err = session_check_codes(access, rq->arena, grant->session);
    if (err == IDP_DENIED)
        return refuse_ended(rq, grant, "signed_out");
    if (err == IDP_OK)
        err = kv_get(access->kv, KV_REPLAY, kv_text(hash), rq->arena, &mark);
    if (err == IDP_OK) /* one use succeeds; what it gives away is dead */
        return revoke_grant(access, rq->arena, grant->id, "code_used_twice", rq->now);
    return err == IDP_NOT_FOUND ? IDP_OK : err;
}

static enum idp_err make_grant(struct request *rq, const struct code *code, const char *hash,
                               struct grant *grant)
{
    const struct access *access = &rq->app->access;
    *grant = (struct grant){
        .client = code->client,
        .enterprise = code->enterprise,
        .lock = code->lock,
        .authority = code->authority,
        .session = code->session,
        .scope = code->scope,
        .claims = code->claims,
        .auth_time = code->auth_time,
        .created = rq->now,
        .acr = code->acr,
        .amr = code->amr,
        .offline = text_list_has(code->scope, claims_offline) &&
                   text_list_has(rq->client->grant_types, "refresh_token"),
    };
    if (!grant_authority_is_listed(access, grant)) {
        note(rq, "the lock's authority has left the trust list");
        return IDP_BAD_GRANT;
    }
    const struct grant_code from = {.hash = hash, .issued = code->issued};
    enum idp_err err = grant_make(access, rq->arena, grant, &from);
    if (err == IDP_CONFLICT)
        return refuse_second_use(rq, hash);
    if (err == IDP_DENIED) {
        note(rq, "client, enterprise, lock, authority or consent has ended");
        return IDP_BAD_GRANT;
    }
    return err == IDP_OK ? check_after(rq, grant, hash) : err;
}

static enum idp_err answer(struct request *rq, struct response *rs, const struct code *code,
                           const struct grant *grant)
{
    struct issue issue = {.grant = grant, .scopes = ACCESS_TOKEN_ALL_SCOPES, .nonce = code->nonce};
    enum idp_err err = IDP_OK;
    if (grant->offline)
        err = refresh_first(&rq->app->access, rq->arena, grant, &issue.refresh_token);
    return err == IDP_OK ? issue_tokens(rq, rs, &issue) : err;
}

static enum idp_err redeem(struct request *rq, struct response *rs)
{
    const char *text = http_param(rq, "code");
    const struct code *code = NULL;
    struct grant grant;
    if (text == NULL || http_param(rq, "redirect_uri") == NULL)
        return IDP_BAD_REQUEST;
    enum idp_err err = code_check(&rq->app->access, text);
    if (err == IDP_BAD_GRANT)
        note(rq, "made up");
    if (err != IDP_OK)
        return err;
    const char *hash = code_hash(rq->arena, text);
    if (hash == NULL)
        return IDP_FAULT;
    err = code_take(&rq->app->access, rq->arena, hash, rq->now, &code);
    if (err == IDP_NOT_FOUND)
        return refuse_second_use(rq, hash);
    if (err != IDP_OK)
        return err;
    const char *why = objection(rq, code);
    if (why != NULL) {
        note(rq, why);
        return IDP_BAD_GRANT;
    }
    err = make_grant(rq, code, hash, &grant);
    return err == IDP_OK ? answer(rq, rs, code, &grant) : err;
}

const struct grant_type grant_authorization_code = {
    .name = "authorization_code",
    .redeem = redeem,
};
