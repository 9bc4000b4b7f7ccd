/*
 * Before a lock signs: the challenge, and the certificate sent ahead so that the question about its
 * revocation is on its way while the bidder types the PIN.
 */
#include "portal/challenge.h"

#include <string.h>

#include "access/challenge.h"
#include "access/interaction.h"
#include "access/rate.h"
#include "app.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/object.h"
#include "http/http.h"
#include "pki/lock/lock_answer.h"
#include "pki/pki.h"
#include "portal/shared/browser.h"
#include "portal/shared/reasons.h"

/* Base64 of the largest certificate that is read at all. */
enum { CERTIFICATE_TEXT_MAX = (LOCK_CERTIFICATE_MAX + 2) / 3 * 4 };

static const struct param challenge_params[] = {
    {.name = "purpose", .required = true, .max = 16},
    {.name = "interaction", .max = 64},
    {.name = NULL},
};

static enum idp_err admit(struct request *rq)
{
    const struct rate rate = {"challenge", rq->network, rq->app->config.rate_challenge};
    return rate_take(&rq->app->access, &rate, rq->now);
}

/* A challenge for an interaction is only for the session that it belongs to. */
static enum idp_err check_interaction(struct request *rq, const char *id)
{
    const struct interaction *interaction = NULL;
    if (id == NULL)
        return IDP_OK;
    enum idp_err err =
        interaction_find(&rq->app->access, rq->arena, id, rq->session, rq->now, &interaction);
    return err == IDP_NOT_FOUND ? refusal_set(&rq->refusal, &portal_interaction_gone) : err;
}

static enum idp_err challenge(struct request *rq, struct response *rs)
{
    struct challenge_place place = {.session = rq->session,
                                    .interaction = http_param(rq, "interaction")};
    const char *text = NULL;
    enum idp_err err = challenge_purpose_of(http_param(rq, "purpose"), &place.purpose);
    if (err == IDP_OK)
        err = check_interaction(rq, place.interaction);
    if (err == IDP_OK)
        err = challenge_issue(&rq->app->access, rq->arena, &place, rq->now, &text);
    if (err != IDP_OK)
        return err;
    struct object o = object_new();
    object_text(&o, "challenge", text);
    object_number(&o, "expires_in", rq->app->access.challenge_s);
    return http_respond_json(rq, rs, 200, object_done(&o));
}

const struct route portal_challenge_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_POST,
    .path = "/api/challenge",
    .waits = HTTP_WAITS_ON_MISS,
    .body = HTTP_BODY_JSON,
    .params = challenge_params,
    .admit = admit,
    .authenticate = portal_own_page,
    .handle = challenge,
    .fail = portal_fail,
};

static const struct param certificate_params[] = {
    {.name = "certificate", .required = true, .max = CERTIFICATE_TEXT_MAX},
    {.name = NULL},
};

/* The answer is the same whatever the certificate is: nothing can be learned by asking. */
static enum idp_err certificate(struct request *rq, struct response *rs)
{
    const char *text = http_param(rq, "certificate");
    unsigned char der[LOCK_CERTIFICATE_MAX];
    size_t len = 0;
    if (base64_decode(text, strlen(text), der, sizeof(der), &len) == IDP_OK)
        pki_ask_ahead(rq->app->pki, der, len);
    return http_respond_json(rq, rs, 200, json_object());
}

const struct route portal_certificate_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_POST,
    .path = "/api/certificate",
    .waits = HTTP_WAITS_ON_MISS,
    .body = HTTP_BODY_JSON,
    .params = certificate_params,
    .admit = admit,
    .authenticate = portal_own_page,
    .handle = certificate,
    .fail = portal_fail,
};
