/*
 * What is kept about an authority from one trust list to the next, found by its id: whether its
 * service answers, how many wait for it, and what it has cost. Counted; shared by views.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/circuit.h"
#include "pki/ocsp/ocsp.h"
#include "pki/ocsp/services.h"
#include "store/figures.h"

enum { LINE_PAUSE_MS = 5000 /* between probes of an authority that missed its deadline */ };

/* What pki/revocation/watch.h has done, and has to do, on this node. */
struct line_watch {
    _Atomic uint64_t watched, due;          /* certificates, now */
    _Atomic uint64_t renewed, failed, late; /* since the program began */
};

struct line {
    atomic_uint references;
    struct circuit circuit;
    /* Questions since the program began: answered with good, with anything else, and not usably. */
    _Atomic uint64_t good, other, unusable;
    _Atomic uint64_t total_us;                 /* that they took together */
    _Atomic uint64_t buckets[FIGURES_BUCKETS]; /* of figures_bounds_us */
    _Atomic uint64_t known;  /* nobody had to ask: the answer, or the verdict, was remembered */
    _Atomic uint64_t spared; /* not asked: the circuit was open, or too many waited */
    struct line_watch watch;
    unsigned ahead;     /* threads of ahead.c busy with it; guarded by its lock */
    atomic_uint people; /* who ask, and who wait; changed with the lock of asking.c */
    struct services services;
    char id[]; /* the authority's */
};

/* Begins a line with one reference. Returns NULL when there is no memory. */
struct line *line_new(const char *id);

/* Counts a question that took so long. */
void line_count(struct line *line, enum status_verdict verdict, int64_t took_us);

/* Count one that was not asked, because that was not needed, or not to be afforded. */
void line_count_known(struct line *line);
void line_count_spared(struct line *line);

/* One reference more; returns the line. */
struct line *line_take(struct line *line);

/* One reference less; NULL is allowed. */
void line_release(struct line *line);
