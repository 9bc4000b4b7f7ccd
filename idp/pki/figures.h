/* What an operator wants to know about the authorities: whether they answer, and when they end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/figures.h"

struct arena;
struct pki;

/* One address of a status service. */
struct pki_service_figure {
    const char *address; /* lives as long as the arena */
    uint64_t asked, hedged, won, lost;
    const uint64_t *unusable; /* FAULTS of them, see pki/ocsp/ocsp.h */
    int64_t p50_us, p95_us;   /* how long it usually takes; 0: not known yet */
    bool is_down;             /* it is asked after the others for a while */
};

struct pki_figure {
    const char *id;                    /* of the authority; lives as long as the arena */
    uint64_t good, other, unusable;    /* questions about revocation, by what came back */
    uint64_t total_us;                 /* that they took together */
    uint64_t buckets[FIGURES_BUCKETS]; /* how many took up to each of figures_bounds_us */
    uint64_t known;                    /* that nobody had to ask: the answer was remembered */
    uint64_t spared;       /* that were not asked: the circuit was open, or too many waited */
    uint64_t watched, due; /* certificates that this node watches; of them to be asked about now */
    uint64_t renewed, failed, late;            /* of the questions that it asked for them */
    const struct pki_service_figure *services; /* in the trust list's order */
    size_t service_count;
    int64_t ends;     /* when the first of its anchors, or the responder's certificate, ends */
    unsigned waiting; /* threads that ask it, or wait for its answer, now */
    bool open;        /* its circuit: nobody asks it now */
};

/* Writes the figures of each authority in the list that counts, max at most. Returns how many; 0
 * also when there is no memory. Never waits. */
size_t pki_figures(struct pki *pki, struct arena *arena, struct pki_figure *out, size_t max);
