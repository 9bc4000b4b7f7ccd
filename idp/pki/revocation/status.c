#include "pki/revocation/status.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/pack.h"
#include "pki/ocsp/asking.h"
#include "store/kv.h"

enum {
    RECORD_VERSION = 3,
    VOICE_LEN = 16, /* of the anchor's voice that goes into a key */
    KEY_LEN = DIGEST_SIZE + VOICE_LEN,
    RECORD_MAX = OCSP_ANSWER_MAX + 128 + DIGEST_SIZE,
    LIFE_S = RULES_DEGRADED_MAX_S,
    TRIES = 3,
};

static struct kv_bytes key_of(const struct asking_about *about, unsigned char key[KEY_LEN])
{
    memcpy(key, about->leaf->hash, DIGEST_SIZE);
    memcpy(key + DIGEST_SIZE, about->leaf->anchor->voice, VOICE_LEN);
    return (struct kv_bytes){.bytes = key, .len = KEY_LEN};
}

/* --- records --------------------------------------------------------------------------------- */

static void read_answer(struct unpack *u, struct ocsp_answer *out)
{
    *out = (struct ocsp_answer){.verdict = (enum status_verdict)unpack_number(u)};
    out->produced = unpack_number(u);
    out->this_update = unpack_number(u);
    out->next_update = unpack_number(u);
    out->revoked_at = unpack_number(u);
    out->reason = (int)unpack_number(u);
    out->echoed = unpack_number(u) != 0;
}

static enum idp_err read_response(struct unpack *u, struct arena *arena, struct status *out)
{
    int64_t len = unpack_number(u);
    if (u->failed || len <= 0 || len > OCSP_ANSWER_MAX)
        return IDP_NOT_FOUND;
    unsigned char *response = arena_alloc(arena, (size_t)len);
    unsigned char *hash = arena_alloc(arena, DIGEST_SIZE);
    if (response == NULL || hash == NULL)
        return IDP_FAULT;
    unpack_bytes(u, response, (size_t)len);
    unpack_bytes(u, hash, DIGEST_SIZE);
    out->response = response;
    out->response_len = (size_t)len;
    out->hash = hash;
    return IDP_OK;
}

static enum idp_err read_record(struct arena *arena, struct kv_bytes record, struct status *out)
{
    struct unpack u = unpack_new(record.bytes, record.len, RECORD_VERSION, arena);
    struct status status = {.response = NULL};
    read_answer(&u, &status.answer);
    bool is_good = status.answer.verdict == STATUS_GOOD;
    enum idp_err err = is_good ? read_response(&u, arena, &status) : IDP_OK;
    if (err != IDP_OK)
        return err;
    if (!unpack_done(&u) || !(is_good || status.answer.verdict == STATUS_REVOKED))
        return IDP_NOT_FOUND;
    *out = status;
    return IDP_OK;
}

enum idp_err status_find(struct kv *kv, struct arena *arena, const struct asking_about *about,
                         struct status *out)
{
    unsigned char key[KEY_LEN];
    struct kv_bytes record;
    enum idp_err err = kv_get(kv, KV_STATUS, key_of(about, key), arena, &record);
    if (err == IDP_OK)
        err = read_record(arena, record, out);
    if (err == IDP_OK)
        out->answer.usable_until =
            ocsp_answer_until(&about->leaf->authority->rules->revocation, &out->answer);
    return err;
}

static void write_answer(struct pack *p, const struct ocsp_answer *answer)
{
    pack_number(p, answer->verdict);
    pack_number(p, answer->produced);
    pack_number(p, answer->this_update);
    pack_number(p, answer->next_update);
    pack_number(p, answer->revoked_at);
    pack_number(p, answer->reason);
    pack_number(p, answer->echoed);
}

/* --- keeping --------------------------------------------------------------------------------- */

/* What is to lie there, and for how long. */
struct record {
    struct kv_bytes bytes;
    int64_t life_s;
};

static bool is_mark(struct arena *arena, struct kv_bytes record)
{
    struct status status;
    return read_record(arena, record, &status) == IDP_OK && status.answer.verdict == STATUS_REVOKED;
}

/* One try. IDP_DENIED: a mark stands there; IDP_CONFLICT: another node was quicker. */
static enum idp_err put_beside_marks(struct kv *kv, struct kv_bytes key, struct arena *arena,
                                     const struct record *record)
{
    struct kv_bytes old;
    int64_t life_ms = record->life_s * 1000;
    enum idp_err err = kv_get(kv, KV_STATUS, key, arena, &old);
    if (err == IDP_NOT_FOUND)
        return kv_add(kv, KV_STATUS, key, record->bytes, life_ms);
    if (err != IDP_OK)
        return err;
    if (is_mark(arena, old))
        return IDP_DENIED;
    err = kv_swap(kv, KV_STATUS, key, old, record->bytes, life_ms);
    return err == IDP_NOT_FOUND ? IDP_CONFLICT : err;
}

/* Where the record cannot be kept nothing is lost but time. */
static enum idp_err note_failure(const struct asking_about *about, enum idp_err err)
{
    if (err != IDP_OK && err != IDP_DENIED)
        log_event(LOG_WARN, "status_not_kept", "authority", about->leaf->authority->id);
    return err == IDP_DENIED ? err : IDP_OK;
}

static enum idp_err keep_good(struct kv *kv, struct arena *arena, const struct asking_about *about,
                              const struct status *status)
{
    unsigned char key[KEY_LEN];
    unsigned char bytes[RECORD_MAX];
    unsigned char hash[DIGEST_SIZE];
    const struct ocsp_answer *answer = &status->answer;
    if (status->response == NULL ||
        digest(DIGEST_SHA256, status->response, status->response_len, hash) != IDP_OK)
        return IDP_OK;
    struct pack p = pack_new(bytes, sizeof(bytes), RECORD_VERSION);
    write_answer(&p, answer);
    pack_number(&p, (int64_t)status->response_len);
    pack_bytes(&p, status->response, status->response_len);
    pack_bytes(&p, hash, DIGEST_SIZE); /* every sign-in names the answer by it */
    const struct record record = {{p.buffer, p.len}, answer->this_update + LIFE_S - about->now};
    if (p.failed || record.life_s <= 0)
        return IDP_OK;
    enum idp_err err = IDP_CONFLICT;
    for (int i = 0; i < TRIES && err == IDP_CONFLICT; i++)
        err = put_beside_marks(kv, key_of(about, key), arena, &record);
    return note_failure(about, err);
}

static enum idp_err keep_mark(struct kv *kv, const struct asking_about *about,
                              const struct ocsp_answer *answer)
{
    unsigned char key[KEY_LEN];
    unsigned char bytes[128];
    struct pack p = pack_new(bytes, sizeof(bytes), RECORD_VERSION);
    write_answer(&p, answer);
    return note_failure(about, kv_put(kv, KV_STATUS, key_of(about, key),
                                      (struct kv_bytes){p.buffer, p.len}, (int64_t)LIFE_S * 1000));
}

/* Whoever believed the answer from before would let somebody in whom the authority took back. A
 * mark that was taken is put back. */
static enum idp_err remove_kept(struct kv *kv, struct arena *arena,
                                const struct asking_about *about)
{
    unsigned char key[KEY_LEN];
    struct kv_bytes old;
    enum idp_err err = kv_take(kv, KV_STATUS, key_of(about, key), arena, &old);
    if (err == IDP_OK && is_mark(arena, old)) {
        err = kv_put(kv, KV_STATUS, key_of(about, key), old, (int64_t)LIFE_S * 1000);
        (void)note_failure(about, err);
        return IDP_DENIED;
    }
    if (err != IDP_OK && err != IDP_NOT_FOUND)
        log_event(LOG_WARN, "status_not_removed", "authority", about->leaf->authority->id);
    return IDP_OK;
}

enum idp_err status_keep(struct kv *kv, struct arena *arena, const struct asking_about *about,
                         const struct status *status)
{
    switch (status->answer.verdict) {
    case STATUS_GOOD:
        return keep_good(kv, arena, about, status);
    case STATUS_REVOKED:
        return keep_mark(kv, about, &status->answer);
    case STATUS_ON_HOLD:
    case STATUS_UNKNOWN:
        return remove_kept(kv, arena, about);
    case STATUS_UNUSABLE:
    default:
        return IDP_OK;
    }
}
