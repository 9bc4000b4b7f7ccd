/*
 * Binding an enterprise, once: the lock proves itself and its certificate fills in what it tells;
 * the bidder adds the rest and confirms. What the certificate says is kept by the provider in
 * between, so nothing of it can be typed over.
 */
#include "portal/bind.h"

#include <string.h>

#include "access/mail.h"
#include "access/session.h"
#include "app.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/object.h"
#include "base/pack.h"
#include "enterprise/choices.h"
#include "evidence/audit.h"
#include "evidence/seen.h"
#include "http/http.h"
#include "notify/news.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "portal/shared/bind_form.h"
#include "portal/shared/browser.h"
#include "portal/shared/describe.h"
#include "portal/shared/lock.h"
#include "portal/shared/reasons.h"
#include "store/kv.h"
#include "store/sql.h"

enum { RECORD_VERSION = 1, RECORD_MAX = 16 * 1024 };

static json_t *describe_choices(const struct choice *list)
{
    json_t *array = json_array();
    for (; list->id != NULL; list++) {
        struct object o = object_new();
        object_text(&o, "id", list->id);
        object_text(&o, "zh", list->zh);
        object_text(&o, "en", list->en);
        object_text(&o, "group", list->group);
        if (json_array_append_new(array, object_done(&o)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static enum idp_err choices(struct request *rq, struct response *rs)
{
    struct object o = object_new();
    object_put(&o, "cities", describe_choices(enterprise_cities));
    object_put(&o, "entity_types", describe_choices(enterprise_entity_types));
    return http_respond_json(rq, rs, 200, object_done(&o));
}

const struct route portal_bind_choices_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_GET,
    .path = "/api/bind/choices",
    .waits = HTTP_WAITS_NEVER,
    .handle = choices,
    .fail = portal_fail,
};

/* What is kept between reading and confirming. */
struct reading {
    struct lock_identity identity;
    const char *authority; /* its id */
    const char *detail;    /* the proof, for the audit */
};

static enum idp_err remember(struct request *rq, const struct reading *r)
{
    unsigned char *buffer = arena_alloc(rq->arena, RECORD_MAX);
    const struct lock_identity *i = &r->identity;
    if (buffer == NULL)
        return IDP_FAULT;
    struct pack p = pack_new(buffer, RECORD_MAX, RECORD_VERSION);
    pack_text(&p, r->authority);
    pack_text(&p, r->detail);
    pack_text(&p, i->uscc);
    pack_text(&p, i->name);
    pack_text(&p, i->key_number);
    pack_text(&p, i->serial);
    pack_number(&p, i->not_after);
    pack_bytes(&p, i->key_hash, sizeof(i->key_hash));
    pack_bytes(&p, i->certificate_hash, sizeof(i->certificate_hash));
    pack_number(&p, rq->now + rq->app->access.interaction_s);
    if (p.failed)
        return IDP_FAULT;
    return kv_put(rq->app->kv, KV_BINDING, kv_text(rq->session->hash),
                  (struct kv_bytes){buffer, p.len}, rq->app->access.interaction_s * 1000);
}

/* Finds what this session read. An authority that left the trust list meanwhile undoes it. */
static enum idp_err recall(struct request *rq, struct reading *r)
{
    struct kv_bytes record;
    struct lock_identity *i = &r->identity;
    enum idp_err err =
        kv_get(rq->app->kv, KV_BINDING, kv_text(rq->session->hash), rq->arena, &record);
    if (err != IDP_OK)
        return err == IDP_NOT_FOUND ? refusal_set(&rq->refusal, &portal_binding_gone) : err;
    struct unpack u = unpack_new(record.bytes, record.len, RECORD_VERSION, rq->arena);
    r->authority = unpack_text(&u);
    r->detail = unpack_text(&u);
    i->uscc = unpack_text(&u);
    i->name = unpack_text(&u);
    i->key_number = unpack_text(&u);
    i->serial = unpack_text(&u);
    i->not_after = unpack_number(&u);
    unpack_bytes(&u, i->key_hash, sizeof(i->key_hash));
    unpack_bytes(&u, i->certificate_hash, sizeof(i->certificate_hash));
    int64_t expires = unpack_number(&u);
    bool whole = unpack_done(&u) && rq->now < expires;
    const struct trust *trust = pki_trust(rq->app->pki, rq->arena);
    if (trust == NULL)
        return IDP_FAULT;
    if (whole)
        i->authority = trust_find(trust, r->authority);
    return i->authority != NULL ? IDP_OK : refusal_set(&rq->refusal, &portal_binding_gone);
}

static const struct param read_params[] = {
    {.name = "answer", .required = true, .kind = PARAM_OBJECT},
    {.name = NULL},
};

struct keeping {
    struct request *rq;
    const struct proof *proof;
};

static enum idp_err keep_proof(struct sql_tx *tx, void *with)
{
    const struct keeping *k = with;
    enum idp_err err = proof_keep(tx, k->rq->app->kept, k->proof, k->rq->now);
    if (err != IDP_OK)
        return err;
    return seen_accepted(tx, k->rq->app->seen, k->proof->identity, k->rq->now);
}

/* Whether the holder alone may bind this lock; counted where not. */
static enum idp_err may_begin(struct request *rq, const struct lock_identity *who)
{
    enum idp_err err = binding_may_begin(rq->app->db, rq->arena, who, rq->now, &rq->refusal);
    if (err == IDP_REFUSED)
        portal_lock_refused(rq, who);
    return err;
}

static enum idp_err read_lock(struct request *rq, struct response *rs)
{
    struct proven *proven = arena_alloc(rq->arena, sizeof(*proven));
    const struct challenge_place place = {.session = rq->session, .purpose = CHALLENGE_BIND};
    if (proven == NULL)
        return IDP_FAULT;
    enum idp_err err = portal_prove_lock(rq, &place, proven);
    if (err == IDP_OK)
        err = may_begin(rq, &proven->identity);
    if (err != IDP_OK)
        return err;
    struct keeping k = {.rq = rq, .proof = &proven->proof};
    const struct reading reading = {.identity = proven->identity,
                                    .authority = proven->identity.authority->id,
                                    .detail = proof_describe(rq->arena, &proven->proof)};
    if (reading.detail == NULL)
        return IDP_FAULT;
    err = sql_transact(rq->app->db, keep_proof, &k);
    if (err == IDP_OK) {
        proof_kept(rq->app->kept, &proven->proof);
        seen_committed(rq->app->seen, &proven->identity, rq->now);
    }
    if (err == IDP_OK)
        err = remember(rq, &reading);
    if (err != IDP_OK)
        return err;
    char buffer[DESCRIPTION_MAX];
    struct json_out json = json_out_new(buffer, sizeof(buffer));
    json_out_object(&json, NULL);
    describe_certificate(&json, &proven->identity, NULL);
    json_out_end_object(&json);
    return http_respond_written(rq, rs, &json);
}

const struct route portal_bind_read_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_POST,
    .path = "/api/bind/read",
    .waits = HTTP_WAITS_ALWAYS,
    .body = HTTP_BODY_JSON,
    .params = read_params,
    .admit = portal_admit_answer,
    .authenticate = portal_own_page,
    .handle = read_lock,
    .fail = portal_fail,
};

struct binding {
    struct request *rq;
    const struct reading *reading;
    const struct binding_form *form;
    struct holder holder;
};

/* Whoever bound the lock wrote the address, too: the one from before hears of it as well. */
static enum idp_err tell(struct sql_tx *tx, const struct binding *b, const char *former)
{
    return mail_add(&b->rq->app->access, tx, b->rq->arena,
                    &(struct mail_cause){.news = &news_lock_bound,
                                         .lock = b->holder.lock.id,
                                         .former = former,
                                         .now = b->rq->now});
}

static enum idp_err write_rows(struct sql_tx *tx, void *with)
{
    struct binding *b = with;
    const char *former = NULL;
    enum idp_err err = mail_address(tx, b->rq->arena, b->reading->identity.uscc, &former);
    if (err == IDP_OK)
        err =
            binding_make(tx, b->rq->arena, &b->reading->identity, b->form, b->rq->now, &b->holder);
    if (err == IDP_OK)
        err = audit_add(tx, b->rq->arena,
                        &(struct audit_entry){.event = "bound",
                                              .at_ms = clock_now_ms(),
                                              .enterprise = b->holder.enterprise.id,
                                              .lock = b->holder.lock.id,
                                              .detail = b->reading->detail});
    return err == IDP_OK ? tell(tx, b, former) : err;
}

/* Of two that bind one USCC at once, the second is told what the record now says. */
static enum idp_err lost_the_race(struct request *rq, const struct reading *reading)
{
    enum idp_err err = may_begin(rq, &reading->identity);
    return err == IDP_OK ? IDP_UNAVAILABLE : err;
}

static enum idp_err confirm(struct request *rq, struct response *rs)
{
    struct reading reading = {.authority = NULL};
    struct binding_form form;
    enum idp_err err = recall(rq, &reading);
    if (err == IDP_OK)
        err = bind_form_read(rq, &form);
    if (err != IDP_OK)
        return err;
    struct binding binding = {.rq = rq, .reading = &reading, .form = &form};
    err = sql_transact(rq->app->db, write_rows, &binding);
    if (err == IDP_CONFLICT)
        return lost_the_race(rq, &reading);
    if (err == IDP_OK)
        err = holder_remember(rq->app->kv, &binding.holder);
    if (err != IDP_OK)
        return err;
    (void)kv_take(rq->app->kv, KV_BINDING, kv_text(rq->session->hash), NULL, NULL);
    char buffer[DESCRIPTION_MAX];
    struct json_out json = json_out_new(buffer, sizeof(buffer));
    json_out_object(&json, NULL);
    describe_enterprise(&json, &binding.holder);
    json_out_end_object(&json);
    return http_respond_written(rq, rs, &json);
}

const struct route portal_bind_confirm_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_POST,
    .path = "/api/bind/confirm",
    .waits = HTTP_WAITS_ALWAYS,
    .body = HTTP_BODY_JSON,
    .params = bind_form_params,
    .authenticate = portal_own_page,
    .handle = confirm,
    .fail = portal_fail,
};
