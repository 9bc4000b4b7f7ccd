/* The inside of struct pki, for this room only. */
#pragma once

#include "pki/ahead.h"
#include "pki/asking.h"
#include "pki/pki.h"
#include "pki/status.h"
#include "pki/views.h"

struct pki {
    struct views *views;
    struct kv *kv;
    struct asking *asking;
    struct ahead *ahead;
};

/* The present view, for as long as the arena lives. Returns NULL when there is no memory. */
struct view *pki_view(struct pki *pki, struct arena *arena);

/*
 * The status of a leaf whose path is good: known, or asked for on a thread that may wait, and kept
 * when it is good. Returns IDP_WAIT on another thread, IDP_UNAVAILABLE when the store does not
 * answer, IDP_FAULT.
 */
enum idp_err pki_status(struct pki *pki, struct arena *arena, const struct asking_about *about,
                        struct status *out);
