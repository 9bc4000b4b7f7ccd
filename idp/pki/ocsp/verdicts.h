/*
 * Verdicts that are not good, remembered for seconds: whoever tries again at once with a lock that
 * was refused does not make the authority, and a worker, answer the same question again. Good ones
 * are kept by status.c.
 */
#pragma once

#include <stdint.h>

#include "base/digest.h"
#include "pki/ocsp/ocsp.h"

enum {
    VERDICTS_SLOTS = 512,        /* a newer verdict takes the place of an older one */
    VERDICTS_REVOKED_MS = 30000, /* revoked and on hold, which a person lifts */
    VERDICTS_UNKNOWN_MS = 5000,  /* a new lock may become known to its authority any moment */
    VERDICTS_UNUSABLE_MS = 2000,
};

/* The caller guards it with a lock of its own. All zero: empty. */
struct verdicts {
    struct verdict_slot {
        unsigned char hash[DIGEST_SIZE]; /* the leaf's */
        int64_t until_ms;                /* of clock_ticks_ms() */
        struct ocsp_answer answer;
    } slots[VERDICTS_SLOTS];
};

/* The verdict about a leaf that is remembered at now_ms, or NULL. */
const struct ocsp_answer *verdicts_find(const struct verdicts *verdicts, const unsigned char *hash,
                                        int64_t now_ms);

/* Remembers a verdict, unless it is good. */
void verdicts_keep(struct verdicts *verdicts, const unsigned char *hash,
                   const struct ocsp_answer *answer, int64_t now_ms);
