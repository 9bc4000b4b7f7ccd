#include "evidence/proof.h"

#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/json_out.h"
#include "evidence/kept.h"
#include "pki/lock/verify.h"
#include "pki/trust/trust.h"
#include "store/sql.h"

/* The longest of everything, twice as long where JSON escapes it, is 5 KiB. */
enum { DESCRIPTION_MAX = 8192, HASH_TEXT = BASE64URL_LEN(DIGEST_SIZE) + 1 };

/* --- the description ------------------------------------------------------------------------ */

/* The hash under which the authority's answer is kept. */
static enum idp_err hash_answer(const struct lock_status *status, unsigned char out[DIGEST_SIZE])
{
    if (status->hash == NULL)
        return digest(DIGEST_SHA256, status->response, status->response_len, out);
    memcpy(out, status->hash, DIGEST_SIZE);
    return IDP_OK;
}

static void describe_hash(struct json_out *json, const char *name, const unsigned char *hash)
{
    char text[HASH_TEXT];
    base64url_encode(hash, DIGEST_SIZE, text);
    json_out_text(json, name, text);
}

static void describe_updates(struct json_out *json, int64_t this_update, int64_t next_update)
{
    json_out_number(json, "this_update", this_update);
    if (next_update != 0)
        json_out_number(json, "next_update", next_update);
}

/* A list is named, not kept: it may be of many megabytes. */
static void describe_list(struct json_out *json, const char *name, const struct lock_list *list)
{
    if (list->hash == NULL)
        return;
    json_out_object(json, name);
    describe_hash(json, "hash", list->hash);
    json_out_text(json, "number", list->number);
    describe_updates(json, list->this_update, list->next_update);
    json_out_end_object(json);
}

static enum idp_err describe_status(struct json_out *json, const struct lock_status *status)
{
    unsigned char hash[DIGEST_SIZE];
    json_out_object(json, "status");
    json_out_text(json, "policy", status->policy);
    json_out_truth(json, "degraded", status->degraded);
    if (status->source == LOCK_BY_OCSP) {
        enum idp_err err = hash_answer(status, hash);
        if (err != IDP_OK)
            return err;
        json_out_text(json, "source", "ocsp");
        describe_hash(json, "ocsp", hash);
        json_out_number(json, "produced", status->produced);
        describe_updates(json, status->this_update, status->next_update);
    } else {
        json_out_text(json, "source", "crl");
        describe_list(json, "crl", &status->list);
        describe_list(json, "delta", &status->delta);
    }
    json_out_end_object(json);
    return IDP_OK;
}

static void describe_message(struct json_out *json, const struct proof *p)
{
    char signature[BASE64URL_LEN(LOCK_SIGNATURE_MAX) + 1];
    base64url_encode(p->answer->signature, p->answer->signature_len, signature);
    json_out_text(json, "origin", p->question->origin);
    json_out_text(json, "challenge", p->question->challenge);
    json_out_number(json, "asked", p->asked);
    json_out_number(json, "decided", p->question->now);
    json_out_text(json, "algorithm", lock_algorithm_name(p->answer->algorithm));
    json_out_text(json, "hash", p->answer->algorithm == LOCK_SM2 ? "SM3" : "SHA-256");
    json_out_text(json, "signature", signature);
}

/* From the lock upwards. */
static void describe_chain(struct json_out *json, const struct lock_identity *identity)
{
    describe_hash(json, "certificate", identity->certificate_hash);
    json_out_array(json, "chain");
    describe_hash(json, NULL, identity->certificate_hash);
    describe_hash(json, NULL, identity->anchor->hash);
    if (identity->root != NULL)
        describe_hash(json, NULL, identity->root->hash);
    json_out_end_array(json);
}

static void describe_identity(struct json_out *json, const struct lock_identity *identity)
{
    json_out_text(json, "authority", identity->authority->id);
    json_out_text(json, "trust_list", identity->trust_version);
    json_out_number(json, "trust_list_loading", identity->trust_loading);
    json_out_text(json, "uscc", identity->uscc);
    json_out_text(json, "name", identity->name);
    json_out_text(json, "key_number", identity->key_number);
    json_out_text(json, "verdict", "good"); /* others are refused, and prove nothing */
}

const char *proof_describe(struct arena *arena, const struct proof *p)
{
    char *buffer = arena_alloc(arena, DESCRIPTION_MAX);
    if (buffer == NULL)
        return NULL;
    struct json_out json = json_out_new(buffer, DESCRIPTION_MAX);
    json_out_object(&json, NULL);
    json_out_number(&json, "evidence", PROOF_VERSION);
    describe_message(&json, p);
    describe_chain(&json, p->identity);
    describe_identity(&json, p->identity);
    if (describe_status(&json, &p->identity->status) != IDP_OK)
        return NULL;
    json_out_text(&json, "agent_version", p->answer->agent_version);
    json_out_text(&json, "platform", p->client);
    json_out_text(&json, "session", p->session);
    json_out_end_object(&json);
    return json_out_done(&json) > 0 ? buffer : NULL;
}

/* --- objects -------------------------------------------------------------------------------- */

/* A certificate or an answer, as it is kept. */
struct object {
    const char *kind;
    struct sql_value bytes;
    unsigned char hash[DIGEST_SIZE];
};

enum { OBJECTS_MAX = 4 };

struct objects {
    struct object list[OBJECTS_MAX];
    size_t count;
};

static void add_certificate(struct objects *objects, const unsigned char *hash,
                            const unsigned char *der, size_t len)
{
    struct object *object = &objects->list[objects->count++];
    *object = (struct object){.kind = "certificate", .bytes = sql_blob(der, len)};
    memcpy(object->hash, hash, DIGEST_SIZE);
}

static void add_listed(struct objects *objects, const struct trust_certificate *certificate)
{
    if (certificate != NULL)
        add_certificate(objects, certificate->hash, certificate->der, certificate->der_len);
}

static enum idp_err list_objects(const struct proof *p, struct objects *out)
{
    const struct lock_identity *identity = p->identity;
    const struct lock_status *status = &identity->status;
    out->count = 0;
    add_certificate(out, identity->certificate_hash, identity->certificate,
                    identity->certificate_len);
    add_listed(out, identity->anchor);
    add_listed(out, identity->root);
    if (status->source != LOCK_BY_OCSP)
        return IDP_OK;
    struct object *answer = &out->list[out->count++];
    *answer =
        (struct object){.kind = "ocsp", .bytes = sql_blob(status->response, status->response_len)};
    return hash_answer(status, answer->hash);
}

static enum idp_err keep(struct sql_tx *tx, const struct object *object, int64_t now)
{
    char hash[HASH_TEXT];
    base64url_encode(object->hash, DIGEST_SIZE, hash);
    const struct sql_value params[] = {sql_text(hash), sql_text(object->kind), object->bytes,
                                       sql_int(now)};
    return sql_run(tx, NULL,
                   &(struct sql_call){"INSERT INTO evidence_objects (hash, kind, bytes, created) "
                                      "VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO UPDATE SET "
                                      "kind = excluded.kind "
                                      "WHERE evidence_objects.kind = 'refused'",
                                      params, 4},
                   NULL, NULL);
}

enum idp_err proof_keep(struct sql_tx *tx, struct kept *kept, const struct proof *p, int64_t now)
{
    struct objects objects;
    enum idp_err err = list_objects(p, &objects);
    for (size_t i = 0; err == IDP_OK && i < objects.count; i++)
        if (!kept_has(kept, objects.list[i].hash))
            err = keep(tx, &objects.list[i], now);
    return err;
}

void proof_kept(struct kept *kept, const struct proof *p)
{
    struct objects objects;
    if (kept == NULL || list_objects(p, &objects) != IDP_OK)
        return;
    for (size_t i = 0; i < objects.count; i++)
        if (!kept_has(kept, objects.list[i].hash))
            kept_add(kept, objects.list[i].hash);
}
