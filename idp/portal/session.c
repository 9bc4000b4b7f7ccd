/*
 * The browser's session as the pages see it: its token, who is signed in, where the assistant is.
 */
#include "portal/session.h"

#include "access/revoke.h"
#include "access/session.h"
#include "app.h"
#include "base/json_out.h"
#include "http/http.h"
#include "pki/pki.h"
#include "portal/shared/browser.h"
#include "portal/shared/describe.h"

static void describe_assistant(struct json_out *json, const struct config *config)
{
    json_out_object(json, "assistant");
    json_out_text(json, "address", config->assistant_address);
    json_out_text(json, "minimum_version", config->assistant_minimum_version);
    json_out_end_object(json);
}

static enum idp_err describe(struct request *rq, struct response *rs, const struct holder *holder)
{
    char buffer[DESCRIPTION_MAX];
    const struct trust *trust = pki_trust(rq->app->pki, rq->arena);
    if (trust == NULL)
        return IDP_FAULT;
    struct json_out json = json_out_new(buffer, sizeof(buffer));
    json_out_object(&json, NULL);
    json_out_text(&json, "token", rq->session->token);
    json_out_truth(&json, "signed_in", holder != NULL);
    describe_assistant(&json, &rq->app->config);
    if (holder != NULL) {
        describe_enterprise(&json, holder);
        describe_lock(&json, trust, holder);
        json_out_number(&json, "auth_time", rq->session->auth_time);
    }
    json_out_end_object(&json);
    return http_respond_written(rq, rs, &json);
}

/* Gives a first visitor, or one whose session is over, a session. */
static enum idp_err welcome(struct request *rq, struct response *rs)
{
    enum idp_err err = session_visit(&rq->app->access, rq->arena, &rq->session);
    return err == IDP_OK ? http_cookie_set(rq, rs, session_cookie, rq->session->id) : err;
}

static enum idp_err session(struct request *rq, struct response *rs)
{
    const struct holder *holder = NULL;
    enum idp_err err = IDP_OK;
    if (rq->session != NULL && rq->session->signed_in)
        err = session_holder(&rq->app->access, rq->arena, rq->session, &holder);
    if (err == IDP_NOT_FOUND) {
        rq->session = NULL;
        err = IDP_OK;
    }
    if (err == IDP_OK && rq->session == NULL)
        err = welcome(rq, rs);
    return err == IDP_OK ? describe(rq, rs, holder) : err;
}

const struct route portal_session_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_GET,
    .path = "/api/session",
    .waits = HTTP_WAITS_ON_MISS,
    .authenticate = portal_any_browser,
    .handle = session,
    .fail = portal_fail,
};

static enum idp_err sign_out(struct request *rq, struct response *rs)
{
    enum idp_err err =
        revoke_session(&rq->app->access, rq->arena, rq->session, "signed_out", rq->now);
    if (err == IDP_OK)
        err = http_cookie_set(rq, rs, session_cookie, "");
    return err == IDP_OK ? http_respond_json(rq, rs, 200, json_object()) : err;
}

static const struct param no_params[] = {{.name = NULL}};

const struct route portal_sign_out_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_POST,
    .path = "/api/sign-out",
    .waits = HTTP_WAITS_ALWAYS,
    .body = HTTP_BODY_JSON,
    .params = no_params,
    .authenticate = portal_own_page,
    .handle = sign_out,
    .fail = portal_fail,
};
