#include "pki/status.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/pack.h"
#include "pki/asking.h"
#include "store/kv.h"

enum {
    RECORD_VERSION = 2,
    VERSION_LEN = 16, /* of the trust list's version that goes into a key */
    KEY_LEN = DIGEST_SIZE + VERSION_LEN,
    RECORD_MAX = OCSP_ANSWER_MAX + 128 + DIGEST_SIZE,
};

static struct kv_bytes key_of(const struct asking_about *about, unsigned char key[KEY_LEN])
{
    memcpy(key, about->leaf->hash, DIGEST_SIZE);
    memcpy(key + DIGEST_SIZE, about->view->trust->version, VERSION_LEN);
    return (struct kv_bytes){.bytes = key, .len = KEY_LEN};
}

static enum idp_err read_record(struct arena *arena, struct kv_bytes record, struct status *out)
{
    struct unpack u = unpack_new(record.bytes, record.len, RECORD_VERSION, arena);
    struct ocsp_answer answer = {.verdict = STATUS_GOOD};
    answer.produced = unpack_number(&u);
    answer.this_update = unpack_number(&u);
    answer.next_update = unpack_number(&u);
    answer.usable_until = unpack_number(&u);
    int64_t len = unpack_number(&u);
    if (u.failed || len <= 0 || len > OCSP_ANSWER_MAX)
        return IDP_NOT_FOUND;
    unsigned char *response = arena_alloc(arena, (size_t)len);
    unsigned char *hash = arena_alloc(arena, DIGEST_SIZE);
    if (response == NULL || hash == NULL)
        return IDP_FAULT;
    unpack_bytes(&u, response, (size_t)len);
    unpack_bytes(&u, hash, DIGEST_SIZE);
    if (!unpack_done(&u))
        return IDP_NOT_FOUND;
    *out = (struct status){
        .answer = answer, .response = response, .response_len = (size_t)len, .hash = hash};
    return IDP_OK;
}

enum idp_err status_find(struct kv *kv, struct arena *arena, const struct asking_about *about,
                         struct status *out)
{
    unsigned char key[KEY_LEN];
    struct kv_bytes record;
    struct status found;
    enum idp_err err = kv_get(kv, KV_STATUS, key_of(about, key), arena, &record);
    if (err == IDP_OK)
        err = read_record(arena, record, &found);
    if (err != IDP_OK)
        return err;
    if (found.answer.usable_until <= about->now)
        return IDP_NOT_FOUND;
    line_count_known(view_line(about->view, about->leaf));
    *out = found;
    return IDP_OK;
}

void status_keep(struct kv *kv, const struct asking_about *about, const struct status *status)
{
    unsigned char key[KEY_LEN];
    unsigned char record[RECORD_MAX];
    unsigned char hash[DIGEST_SIZE];
    const struct ocsp_answer *answer = &status->answer;
    if (answer->verdict != STATUS_GOOD || answer->usable_until <= about->now ||
        digest(DIGEST_SHA256, status->response, status->response_len, hash) != IDP_OK)
        return;
    struct pack p = pack_new(record, sizeof(record), RECORD_VERSION);
    pack_number(&p, answer->produced);
    pack_number(&p, answer->this_update);
    pack_number(&p, answer->next_update);
    pack_number(&p, answer->usable_until);
    pack_number(&p, (int64_t)status->response_len);
    pack_bytes(&p, status->response, status->response_len);
    pack_bytes(&p, hash, DIGEST_SIZE); /* every sign-in names the answer by it */
    if (p.failed)
        return;
    enum idp_err err =
        kv_put(kv, KV_STATUS, key_of(about, key), (struct kv_bytes){.bytes = record, .len = p.len},
               (answer->usable_until - about->now) * 1000);
    if (err != IDP_OK)
        log_event(LOG_WARN, "status_not_kept", "authority", about->leaf->authority->id);
}
