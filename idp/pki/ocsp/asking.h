/*
 * Asking the authorities: one question in flight for each certificate, which others wait for, too;
 * a circuit for each authority; a verdict that is not good is remembered for seconds; and no
 * authority may occupy more than its share of threads, whether they ask or wait, so that a slow one
 * never holds up the others.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "pki/lock/leaf.h"
#include "pki/pki.h"
#include "pki/revocation/status.h"
#include "pki/trust/view.h"

struct asking;

enum {
    ASKING_WAITERS = 8,         /* a quarter of the workers that a server has by default */
    ASKING_RIDE_EXTRA_MS = 500, /* how much longer than the deadline others wait for a question */
};

/*
 * lists is where the delegates of the authorities are looked up. waiters is how many threads each
 * authority may occupy; 0: ASKING_WAITERS. Returns NULL when there is no memory.
 */
struct asking *asking_new(struct pki_fetch fetch, struct pki_lists lists, unsigned waiters);
void asking_free(struct asking *asking);

/* What is asked about. */
struct asking_about {
    struct view *view; /* by which the leaf was judged; held until the call is over */
    const struct leaf *leaf;
    int64_t now;
};

/*
 * Asks about a leaf whose path is good by this view, and waits for the answer, at most the
 * authority's deadline. What goes wrong at the authority is an answer, too: unusable, as is at once
 * what would take more than the authority's share. An answer that is remembered comes without its
 * bytes. Returns IDP_FAULT: no memory.
 */
enum idp_err asking_ask(struct asking *asking, struct arena *arena,
                        const struct asking_about *about, struct status *out);
