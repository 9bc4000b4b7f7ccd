/*
 * What is kept about an authority from one trust list to the next, found by its id: whether its
 * service answers, how many wait for it, and what it has cost. Counted; shared by views.
 */
#pragma once

#include <stdatomic.h>

#include "base/circuit.h"

enum { LINE_PAUSE_MS = 5000 /* between probes of an authority that missed its deadline */ };

struct line {
    atomic_uint references;
    struct circuit circuit;
    unsigned people; /* who ask, and who wait; guarded by the lock of asking.c */
    char id[];       /* the authority's */
};

/* Begins a line with one reference. Returns NULL when there is no memory. */
struct line *line_new(const char *id);

/* One reference more; returns the line. */
struct line *line_take(struct line *line);

/* One reference less; NULL is allowed. */
void line_release(struct line *line);
