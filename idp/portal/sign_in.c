/*
 * Signing in: the lock proved itself, its binding is found, the session gets a new id, and what it
 * all rested on is kept.
 */
#include "portal/sign_in.h"

#include <string.h>

#include "access/acr.h"
#include "access/degraded.h"
#include "access/interaction.h"
#include "access/revoke.h"
#include "access/session.h"
#include "app.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/log.h"
#include "client/client.h"
#include "client/registry.h"
#include "enterprise/binding.h"
#include "evidence/audit.h"
#include "evidence/seen.h"
#include "http/http.h"
#include "pki/trust/trust.h"
#include "portal/shared/browser.h"
#include "portal/shared/describe.h"
#include "portal/shared/lock.h"
#include "portal/shared/reasons.h"
#include "store/sql.h"

static const char amr_lock[] = "hwk pin"; /* RFC 8176 section 2 */

static const struct param sign_in_params[] = {
    {.name = "answer", .required = true, .kind = PARAM_OBJECT},
    {.name = "interaction", .max = 64},
    {.name = NULL},
};

/* What the transaction writes. */
struct signing_in {
    struct request *rq;
    const struct proven *proven;
    bool find; /* whom the lock stands for is not known yet */
    struct recognised *recognised;
    const struct session *opened; /* the session that will be */
    const char *detail;           /* of the audit rows, once it is known who it is */
};

static enum idp_err note_event(struct sql_tx *tx, const struct signing_in *s, const char *event)
{
    const struct holder *holder = &s->recognised->holder;
    return audit_add(tx, s->rq->arena,
                     &(struct audit_entry){.event = event,
                                           .at_ms = clock_now_ms(),
                                           .enterprise = holder->enterprise.id,
                                           .lock = holder->lock.id,
                                           .client = s->proven->proof.client,
                                           .detail = s->detail});
}

static enum idp_err describe_proof(struct signing_in *s)
{
    struct proof proof = s->proven->proof;
    proof.session = session_family(s->rq->session, s->opened, s->recognised->holder.enterprise.id);
    s->detail = proof_describe(s->rq->arena, &proof);
    return s->detail != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err write_rows(struct sql_tx *tx, void *with)
{
    struct signing_in *s = with;
    enum idp_err err = IDP_OK;
    if (s->find)
        err = binding_find(tx, s->rq->arena, &s->proven->identity, s->recognised);
    if (err == IDP_OK)
        err = describe_proof(s);
    if (err == IDP_OK)
        err = binding_renew(tx, s->rq->arena, s->recognised, s->rq->now);
    if (err == IDP_OK)
        err = proof_keep(tx, s->rq->app->kept, &s->proven->proof, s->rq->now);
    if (err == IDP_OK)
        err = seen_accepted(tx, s->rq->app->seen, &s->proven->identity, s->rq->now);
    if (err == IDP_OK && s->proven->identity.status.degraded)
        err = degraded_note(tx, s->rq->arena, &s->proven->identity, s->rq->now);
    if (err == IDP_OK && s->recognised->renewed)
        err = note_event(tx, s, "lock_renewed");
    return err == IDP_OK ? note_event(tx, s, "signed_in") : err;
}

/*
 * Writes the evidence, and the new copy of the holder where the record changed. With find the lock
 * is looked up in the same transaction, and IDP_NOT_FOUND when it is not simply bound.
 */
static enum idp_err record(struct request *rq, const struct proven *proven,
                           const struct session *opened, bool find, struct recognised *recognised)
{
    struct signing_in s = {
        .rq = rq, .proven = proven, .find = find, .recognised = recognised, .opened = opened};
    enum idp_err err = sql_transact(rq->app->db, write_rows, &s);
    if (err == IDP_OK) {
        proof_kept(rq->app->kept, &proven->proof);
        seen_committed(rq->app->seen, &proven->identity, rq->now);
    }
    if (err == IDP_OK && (recognised->renewed || recognised->renamed))
        err = holder_remember(rq->app->kv, &recognised->holder);
    return err;
}

/* The request that waits for this sign-in, and its client, checked again. */
static enum idp_err find_interaction(struct request *rq, const struct interaction **out,
                                     const struct client **client)
{
    const char *id = http_param(rq, "interaction");
    if (id == NULL)
        return IDP_OK;
    enum idp_err err = interaction_find(&rq->app->access, rq->arena, id, rq->session, rq->now, out);
    if (err == IDP_NOT_FOUND)
        return refusal_set(&rq->refusal, &portal_interaction_gone);
    if (err == IDP_OK)
        err = client_find(rq->app->clients, rq->arena, (*out)->client, client);
    if (err == IDP_NOT_FOUND || (err == IDP_OK && (*client)->standing != CLIENT_ACTIVE))
        return refusal_set(&rq->refusal, &portal_platform_unknown);
    return err;
}

static bool environment_fits(const struct client *client, const struct lock_identity *identity)
{
    return client == NULL || strcmp(client_environment_name(client->environment),
                                    identity->authority->environment) == 0;
}

/* The record changed since it was looked at: what it says now. */
static enum idp_err lost_the_race(struct request *rq, const struct proven *proven)
{
    struct recognised now;
    enum idp_err err =
        binding_recognise(rq->app->db, rq->arena, &proven->identity, rq->now, &rq->refusal, &now);
    return err == IDP_OK ? IDP_UNAVAILABLE : err;
}

/* Whom the lock stands for, recorded; or why it may not. */
static enum idp_err recognise(struct request *rq, const struct proven *proven,
                              const struct client *client, const struct session *opened,
                              struct recognised *out)
{
    bool fits = environment_fits(client, &proven->identity);
    enum idp_err err = fits ? record(rq, proven, opened, true, out) : IDP_NOT_FOUND;
    if (err != IDP_NOT_FOUND)
        return err == IDP_CONFLICT ? lost_the_race(rq, proven) : err;
    err = binding_recognise(rq->app->db, rq->arena, &proven->identity, rq->now, &rq->refusal, out);
    if (err == IDP_OK && !fits)
        return refusal_set(&rq->refusal, &portal_environment_mismatch);
    if (err == IDP_OK)
        err = record(rq, proven, opened, false, out);
    return err == IDP_CONFLICT ? lost_the_race(rq, proven) : err;
}

/* The session that was there: the same enterprise goes on, another one's rights end with it. */
static enum idp_err leave_session(struct request *rq, const struct session *from,
                                  const struct session *opened)
{
    const struct access *access = &rq->app->access;
    if (from->signed_in && strcmp(from->family, opened->family) == 0)
        return session_end(access, from);
    return revoke_session(access, rq->arena, from, "signed_in_as_another", rq->now);
}

/* The new session, its cookie, and the interaction that moves over to it. */
static enum idp_err open_session(struct request *rq, struct response *rs,
                                 const struct session_proof *proof,
                                 const struct interaction *interaction)
{
    const struct access *access = &rq->app->access;
    struct session *opened = NULL; /* proof->prepared */
    enum idp_err err = session_sign_in(access, rq->arena, rq->session, proof, rq->now, &opened);
    if (err == IDP_OK && interaction != NULL)
        err = interaction_move(access, interaction, opened, rq->now);
    if (err == IDP_OK)
        err = leave_session(rq, rq->session, opened);
    if (err != IDP_OK)
        return err;
    rq->session = opened;
    return http_cookie_set(rq, rs, session_cookie, opened->id);
}

static void note(const struct request *rq, const struct proven *proven, const struct holder *holder)
{
    struct log_line line;
    log_begin(&line, LOG_INFO, "signed_in");
    http_log_request(&line, rq);
    log_text(&line, "enterprise", holder->enterprise.id);
    log_text(&line, "lock", holder->lock.id);
    log_text(&line, "authority", proven->identity.authority->id);
    log_text(&line, "client", proven->proof.client);
    log_text(&line, "lock_status", acr_lock_status(acr_of(proven->identity.status.degraded)));
    log_end(&line);
}

static enum idp_err describe(struct request *rq, struct response *rs, const struct proven *proven,
                             const struct holder *holder)
{
    char buffer[DESCRIPTION_MAX];
    struct json_out json = json_out_new(buffer, sizeof(buffer));
    json_out_object(&json, NULL);
    json_out_text(&json, "token", rq->session->token);
    describe_certificate(&json, &proven->identity, holder);
    describe_enterprise(&json, holder);
    json_out_end_object(&json);
    return http_respond_written(rq, rs, &json);
}

static enum idp_err sign_in(struct request *rq, struct response *rs)
{
    const struct interaction *interaction = NULL;
    const struct client *client = NULL;
    struct proven *proven = arena_alloc(rq->arena, sizeof(*proven));
    struct recognised recognised;
    if (proven == NULL)
        return IDP_FAULT;
    const struct challenge_place place = {.session = rq->session,
                                          .purpose = CHALLENGE_LOGIN,
                                          .interaction = http_param(rq, "interaction")};
    enum idp_err err = find_interaction(rq, &interaction, &client);
    if (err == IDP_OK)
        err = portal_prove_lock(rq, &place, proven);
    if (err != IDP_OK)
        return err;
    proven->proof.client = client != NULL ? client->id : NULL;
    struct session *opened = NULL;
    err = session_prepare(&rq->app->access, rq->arena, &opened);
    if (err == IDP_OK)
        err = recognise(rq, proven, client, opened, &recognised);
    if (err == IDP_REFUSED)
        portal_lock_refused(rq, &proven->identity);

    const struct session_proof proof = {.prepared = opened,
                                        .holder = &recognised.holder,
                                        .environment = proven->identity.authority->environment,
                                        .acr = acr_of(proven->identity.status.degraded),
                                        .amr = amr_lock};
    if (err == IDP_OK)
        err = open_session(rq, rs, &proof, interaction);
    if (err != IDP_OK)
        return err;
    note(rq, proven, &recognised.holder);
    return describe(rq, rs, proven, &recognised.holder);
}

const struct route portal_sign_in_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_POST,
    .path = "/api/sign-in",
    .waits = HTTP_WAITS_ALWAYS,
    .body = HTTP_BODY_JSON,
    .params = sign_in_params,
    .admit = portal_admit_answer,
    .authenticate = portal_own_page,
    .handle = sign_in,
    .fail = portal_fail,
};
