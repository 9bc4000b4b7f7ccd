/*
 * Several requests of which one answer is enough: the second is sent when the first takes longer
 * than it should, and so on. One thread, however many are on their way.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/fetch.h"

enum {
    NET_RACE_MAX = 8,      /* entrants */
    NET_RACE_NAME_MS = 100 /* for a later entrant's name, while another is on its way */
};

struct net_entrant {
    struct net_request request; /* whose own deadline is not looked at */
    unsigned patience_ms;       /* how long it runs before the next one joins it */
    /* Set by the race. */
    bool begun;
    bool joined;     /* while another was on its way */
    bool over;       /* take() was told; else it was broken off */
    int64_t took_us; /* until it was over or broken off */
};

struct net_race {
    struct net_entrant *list;
    size_t count;
    unsigned deadline_ms; /* for all of them together */
    void *context;
    /*
     * Told what came of an entrant, as net_fetch() would return it; answer is NULL unless it is
     * IDP_OK. Returns true when that is enough: the others are broken off.
     */
    bool (*take)(void *context, size_t which, enum idp_err err, const struct net_answer *answer);
};

/*
 * Begins the entrants in their order, each when the one before has run out of patience, or at once
 * when nothing is on its way. All of net/fetch.h's rules hold for each. Connections are kept for
 * whichever thread asks next. Returns IDP_OK when it is over, whatever the entrants brought;
 * IDP_WAIT on a thread that may not wait, IDP_FAULT when there is no memory.
 */
enum idp_err net_race(struct net *net, struct arena *arena, struct net_race *race);
