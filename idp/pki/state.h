/* The inside of struct pki, for this room only. */
#pragma once

#include "pki/ocsp/asking.h"
#include "pki/pki.h"
#include "pki/revocation/ahead.h"
#include "pki/revocation/revoked.h"
#include "pki/trust/views.h"

struct pki {
    struct views *views;
    struct kv *kv;
    struct pki_lists lists;
    struct pki_archive archive;
    struct revoked *revoked;
    unsigned waiters; /* threads that one authority may occupy at a time */
    struct asking *asking;
    struct ahead *ahead;
};

/* The present view, for as long as the arena lives. Returns NULL when there is no memory. */
struct view *pki_view(struct pki *pki, struct arena *arena);
