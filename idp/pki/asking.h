/*
 * Asking the authorities: one question in flight for each certificate, however many wait for its
 * answer; a circuit for each authority; and no authority may occupy more than its share of threads,
 * so that a slow one never holds up the others.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "pki/leaf.h"
#include "pki/pki.h"
#include "pki/status.h"

struct asking;

enum {
    ASKING_SHARE = 16,          /* questions in flight for each authority */
    ASKING_SHARE_WAIT_MS = 500, /* how long one more waits for its turn */
    ASKING_PAUSE_MS = 5000,     /* between probes of an authority that missed its deadline */
};

/* The trust list is borrowed. Returns NULL when there is no memory. */
struct asking *asking_new(const struct trust *trust, struct pki_fetch fetch);
void asking_free(struct asking *asking);

/*
 * Asks about a leaf whose path is good, and waits for the answer, at most the authority's deadline.
 * What goes wrong at the authority is an answer, too: unusable. Returns IDP_FAULT: no memory.
 */
enum idp_err asking_ask(struct asking *asking, struct arena *arena, const struct leaf *leaf,
                        int64_t now, struct status *out);
