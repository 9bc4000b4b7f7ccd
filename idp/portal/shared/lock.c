#include "portal/shared/lock.h"

#include "access/rate.h"
#include "access/rival.h"
#include "app.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/log.h"
#include "enterprise/reasons.h"
#include "evidence/refusals.h"
#include "http/http.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "portal/shared/reasons.h"

enum idp_err portal_admit_answer(struct request *rq)
{
    const struct rate rate = {"answer", rq->network, rq->app->config.rate_sign_in};
    return rate_take(&rq->app->access, &rate, rq->now);
}

/* The log names the certificate by the hash that the tables have. */
static void name_certificate(struct request *rq, const struct lock_identity *who)
{
    char text[BASE64URL_LEN(LOCK_HASH_SIZE) + 1];
    base64url_encode(who->certificate_hash, LOCK_HASH_SIZE, text);
    rq->refusal.about = arena_strdup(rq->arena, text);
}

/* A database that is down changes no answer. */
static void tell_company(const struct request *rq, const struct lock_identity *rival)
{
    if (rival_note(&rq->app->access, rq->arena, rival, rq->now) != IDP_OK)
        log_event(LOG_WARN, "uscc_claimed_not_noted", "authority", rival->authority->id);
}

void portal_lock_refused(struct request *rq, const struct lock_identity *who)
{
    if (rq->refusal.reason == &enterprise_other_authority)
        tell_company(rq, who);
    if (who->certificate != NULL)
        name_certificate(rq, who);
    refusals_add(rq->app->refusals, &rq->refusal, who, rq->now);
}

/* The challenge is taken before anything is verified: whatever comes of it, it is gone. */
static enum idp_err verify(struct request *rq, const struct challenge_place *place,
                           struct proven *out)
{
    const struct app *app = rq->app;
    struct challenge challenge;
    enum idp_err err = lock_prepare(app->pki, rq->arena, rq->now, &out->answer);
    if (err == IDP_OK)
        err = challenge_take(&app->access, rq->arena, place, rq->now, &challenge);
    if (err == IDP_NOT_FOUND)
        return refusal_set(&rq->refusal, &portal_challenge_gone);
    if (err != IDP_OK)
        return err;
    out->question.challenge = challenge.text;
    out->proof.asked = challenge.issued;
    return lock_verify(app->pki, rq->arena, &out->question, &out->answer, &rq->refusal,
                       &out->identity);
}

enum idp_err portal_prove_lock(struct request *rq, const struct challenge_place *place,
                               struct proven *out)
{
    *out = (struct proven){.question = {.origin = rq->app->config.origin,
                                        .now = rq->now,
                                        .lasting = place->purpose != CHALLENGE_LOGIN}};
    out->proof = (struct proof){
        .question = &out->question, .answer = &out->answer, .identity = &out->identity};
    enum idp_err err = lock_answer_read(rq->arena, json_object_get(rq->json, "answer"),
                                        &rq->refusal, &out->answer);
    if (err == IDP_OK)
        err = verify(rq, place, out);
    if (err == IDP_REFUSED && rq->refusal.reason != &portal_challenge_gone)
        portal_lock_refused(rq, &out->identity);
    return err;
}
