/*
 * One question to an authority: sent to the addresses of its status service, one after another and,
 * where one takes longer than it usually does, at once; the first answer that counts is taken.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "pki/pki.h"

struct arena;
struct asking_about;
struct status;

struct round {
    struct pki_fetch fetch;
    const struct pki_lists *lists; /* where delegates are looked up */
    const struct asking_about *about;
    bool answered; /* set: anything at all came back, from any address */
};

/*
 * Asks, at most for the authority's deadline. The answer is unusable when none of the addresses has
 * one that counts; it says then what was wrong with the one that came last. What came of each
 * address is counted in the authority's line. Returns IDP_FAULT: no memory.
 */
enum idp_err round_ask(struct round *round, struct arena *arena, struct status *out);
