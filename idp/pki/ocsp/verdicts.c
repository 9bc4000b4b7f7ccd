#include "pki/ocsp/verdicts.h"

#include <string.h>

/* The leaf's hash is one already: its first bytes choose the slot. */
static size_t slot_of(const unsigned char *hash)
{
    return ((size_t)hash[0] << 8 | hash[1]) % VERDICTS_SLOTS;
}

static int64_t life_of(enum status_verdict verdict)
{
    switch (verdict) {
    case STATUS_REVOKED:
    case STATUS_ON_HOLD:
        return VERDICTS_REVOKED_MS;
    case STATUS_UNKNOWN:
        return VERDICTS_UNKNOWN_MS;
    case STATUS_UNUSABLE:
        return VERDICTS_UNUSABLE_MS;
    case STATUS_GOOD:
    default:
        return 0;
    }
}

const struct ocsp_answer *verdicts_find(const struct verdicts *verdicts, const unsigned char *hash,
                                        int64_t now_ms)
{
    const struct verdict_slot *slot = &verdicts->slots[slot_of(hash)];
    if (now_ms >= slot->until_ms || memcmp(slot->hash, hash, DIGEST_SIZE) != 0)
        return NULL;
    return &slot->answer;
}

void verdicts_keep(struct verdicts *verdicts, const unsigned char *hash,
                   const struct ocsp_answer *answer, int64_t now_ms)
{
    struct verdict_slot *slot = &verdicts->slots[slot_of(hash)];
    int64_t life = life_of(answer->verdict);
    if (life == 0)
        return;
    memcpy(slot->hash, hash, DIGEST_SIZE);
    slot->until_ms = now_ms + life;
    slot->answer = *answer;
}
