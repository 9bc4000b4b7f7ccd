/*
 * The decision on the consent page. What is agreed to is the pending interaction, never anything
 * the page names.
 */
#include "portal/consent.h"

#include <stdbool.h>
#include <string.h>

#include "access/consent.h"
#include "access/session.h"
#include "app.h"
#include "base/object.h"
#include "client/client.h"
#include "http/http.h"
#include "portal/shared/browser.h"
#include "portal/shared/pending.h"
#include "portal/shared/reasons.h"

static const struct param consent_params[] = {
    {.name = "interaction", .required = true, .max = 64},
    {.name = "decision", .required = true, .max = 8},
    {.name = NULL},
};

static enum idp_err allow(struct request *rq, const struct pending *p, const char **location)
{
    const struct consent consent = {.enterprise = rq->session->enterprise,
                                    .client = p->client->id,
                                    .scope = p->in->scope,
                                    .claims = p->in->claims};
    enum idp_err err = consent_give(&rq->app->access, rq->arena, &consent, rq->now);
    return err == IDP_OK ? portal_finish_pending(rq, p, location) : err;
}

/* RFC 6749 section 4.1.2.1: the platform is told, and says something sensible itself. */
static enum idp_err deny(struct request *rq, const struct pending *p, const char **location)
{
    static const struct authorization_error denied = {"access_denied", NULL};
    const struct access *access = &rq->app->access;
    enum idp_err err = interaction_end(access, p->in->id);
    if (err == IDP_NOT_FOUND)
        return refusal_set(&rq->refusal, &portal_interaction_gone);
    if (err != IDP_OK)
        return err;
    *location = authorization_refuse(access, rq->arena, p->in->redirect_uri, p->in->state, &denied);
    return *location != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err consent(struct request *rq, struct response *rs)
{
    struct pending pending;
    const char *location = NULL;
    const char *decision = http_param(rq, "decision");
    bool allowed = strcmp(decision, "allow") == 0;
    if (!allowed && strcmp(decision, "deny") != 0)
        return IDP_BAD_REQUEST;
    enum idp_err err = portal_find_pending(rq, http_param(rq, "interaction"), &pending);
    if (err == IDP_OK && pending.need == AUTHORIZATION_SIGN_IN)
        err = refusal_set(&rq->refusal, &portal_session_gone);
    if (err == IDP_OK)
        err = allowed ? allow(rq, &pending, &location) : deny(rq, &pending, &location);
    if (err != IDP_OK)
        return err;
    struct object o = object_new();
    object_text(&o, "location", location);
    return http_respond_json(rq, rs, 200, object_done(&o));
}

const struct route portal_consent_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_POST,
    .path = "/api/consent",
    .waits = HTTP_WAITS_ALWAYS,
    .body = HTTP_BODY_JSON,
    .params = consent_params,
    .authenticate = portal_signed_in_page,
    .handle = consent,
    .fail = portal_fail,
};
