#include "evidence/proof.h"

#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/json_out.h"
#include "evidence/kept.h"
#include "pki/trust.h"
#include "pki/verify.h"
#include "store/sql.h"

enum { DESCRIPTION_MAX = 4096, HASH_TEXT = BASE64URL_LEN(DIGEST_SIZE) + 1 };

/* The hash under which the authority's answer is kept. */
static enum idp_err hash_status(const struct lock_status *status, unsigned char out[DIGEST_SIZE])
{
    if (status->hash == NULL)
        return digest(DIGEST_SHA256, status->response, status->response_len, out);
    memcpy(out, status->hash, DIGEST_SIZE);
    return IDP_OK;
}

static void describe_status(struct json_out *json, const struct lock_status *status,
                            const char *hash)
{
    json_out_object(json, "status");
    json_out_text(json, "ocsp", hash);
    json_out_number(json, "produced", status->produced);
    json_out_number(json, "this_update", status->this_update);
    json_out_number(json, "next_update", status->next_update);
    json_out_end_object(json);
}

const char *proof_describe(struct arena *arena, const struct proof *p)
{
    char certificate[HASH_TEXT];
    char response[HASH_TEXT];
    unsigned char hash[DIGEST_SIZE];
    char signature[BASE64URL_LEN(LOCK_SIGNATURE_MAX) + 1];
    char *buffer = arena_alloc(arena, DESCRIPTION_MAX);
    const struct lock_status *status = &p->identity->status;
    if (buffer == NULL || hash_status(status, hash) != IDP_OK)
        return NULL;
    base64url_encode(hash, sizeof(hash), response);
    base64url_encode(p->identity->certificate_hash, LOCK_HASH_SIZE, certificate);
    base64url_encode(p->answer->signature, p->answer->signature_len, signature);

    struct json_out json = json_out_new(buffer, DESCRIPTION_MAX);
    json_out_object(&json, NULL);
    json_out_text(&json, "origin", p->question->origin);
    json_out_text(&json, "challenge", p->question->challenge);
    json_out_text(&json, "algorithm", lock_algorithm_name(p->answer->algorithm));
    json_out_text(&json, "signature", signature);
    json_out_text(&json, "certificate", certificate);
    json_out_text(&json, "authority", p->identity->authority->id);
    json_out_text(&json, "trust_list", p->trust_version);
    json_out_text(&json, "agent_version", p->answer->agent_version);
    json_out_text(&json, "uscc", p->identity->uscc);
    json_out_text(&json, "name", p->identity->name);
    json_out_text(&json, "session", p->session);
    describe_status(&json, status, response);
    json_out_end_object(&json);
    return json_out_done(&json) > 0 ? buffer : NULL;
}

/* A certificate or an answer, as it is kept. */
struct object {
    const char *kind;
    struct sql_value bytes;
    unsigned char hash[DIGEST_SIZE];
};

enum { OBJECTS = 2 };

static enum idp_err list_objects(const struct proof *p, struct object out[OBJECTS])
{
    const struct lock_identity *identity = p->identity;
    const struct lock_status *status = &identity->status;
    out[0] = (struct object){
        "certificate", sql_blob(identity->certificate, identity->certificate_len), {0}};
    out[1] = (struct object){"ocsp", sql_blob(status->response, status->response_len), {0}};
    memcpy(out[0].hash, identity->certificate_hash, DIGEST_SIZE);
    return hash_status(status, out[1].hash);
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
    struct object objects[OBJECTS];
    enum idp_err err = list_objects(p, objects);
    for (size_t i = 0; err == IDP_OK && i < OBJECTS; i++)
        if (!kept_has(kept, objects[i].hash))
            err = keep(tx, &objects[i], now);
    return err;
}

void proof_kept(struct kept *kept, const struct proof *p)
{
    struct object objects[OBJECTS];
    if (kept == NULL || list_objects(p, objects) != IDP_OK)
        return;
    for (size_t i = 0; i < OBJECTS; i++)
        if (!kept_has(kept, objects[i].hash))
            kept_add(kept, objects[i].hash);
}
