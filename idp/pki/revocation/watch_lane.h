/* The watching of one authority's certificates (pki/revocation/watch.h), turn by turn. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "pki/revocation/again.h"

struct pki;
struct watch_lane;

enum {
    WATCH_THREADS_MAX = 4, /* of an authority; and at most half of those that may wait for it */
    WATCH_TURN_MS = 3000,  /* a turn that takes longer begins no more questions */
    WATCH_FIRST_MAX = 500, /* certificates looked at for the first time, in a turn */
};

/* Who wants to know. Called by the threads that watch, of several certificates at once. */
struct watch_hook {
    void *context;
    /* Something else is said of a certificate than the time before. Where this fails the
     * certificate is looked at again soon, and told of as if nothing had been said of it yet. */
    enum idp_err (*turned)(void *context, const struct seen_certificate *certificate,
                           const struct verdict *verdict, int64_t now);
};

/* pki and hook are borrowed. Returns NULL when there is no memory. */
struct watch_lane *watch_lane_new(struct pki *pki, const struct watch_hook *hook,
                                  const char *authority);
void watch_lane_free(struct watch_lane *lane);

const char *watch_lane_authority(const struct watch_lane *lane);

/* As the calls of pki/revocation/watch.h; any thread may. anew: nothing from before counts, because
 * another node may have watched meanwhile. */
void watch_lane_begin(struct watch_lane *lane, bool anew);
enum idp_err watch_lane_add(struct watch_lane *lane, const struct seen_certificate *certificate,
                            bool signed_in, int64_t now);
void watch_lane_end(struct watch_lane *lane);

size_t watch_lane_count(struct watch_lane *lane);

/*
 * A turn, to be taken once a second by one thread at a time: looks all certificates up whose lists
 * have changed, looks at new ones, and asks about those that are due, by several threads at once.
 * Nothing where the authority is not in the list that counts.
 */
void watch_lane_turn(struct watch_lane *lane, int64_t now);
