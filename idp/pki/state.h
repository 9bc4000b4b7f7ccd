/* The inside of struct pki, for this room only. */
#pragma once

#include "pki/ahead.h"
#include "pki/asking.h"
#include "pki/leaves.h"
#include "pki/pki.h"
#include "pki/status.h"

struct pki {
    struct trust *trust;
    struct kv *kv;
    struct leaves *leaves;
    struct asking *asking;
    struct ahead *ahead;
};

/*
 * The status of a leaf whose path is good: known, or asked for on a thread that may wait, and kept
 * when it is good. Returns IDP_WAIT on another thread, IDP_UNAVAILABLE when the store does not
 * answer, IDP_FAULT.
 */
enum idp_err pki_status(struct pki *pki, struct arena *arena, const struct leaf *leaf, int64_t now,
                        struct status *out);
