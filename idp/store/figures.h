/*
 * What a store has been asked since the program began, for /metrics and for counting round trips.
 *
 * The fronts (kv.c, sql.c) note every call; a driver that speaks over a network notes each round
 * trip itself. Threads do not share what they count in: a reading adds it up.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct figures;

enum figures_store { FIGURES_KV, FIGURES_SQL, FIGURES_STORES };

/* The upper ends of the latency's buckets; a last one, of no end, follows them. */
enum { FIGURES_BOUNDS = 17, FIGURES_BUCKETS = FIGURES_BOUNDS + 1 };
extern const int64_t figures_bounds_us[FIGURES_BOUNDS];

struct figures_reading {
    uint64_t calls;       /* that were tried; those answered with IDP_WAIT are not */
    uint64_t unavailable; /* of these: the store did not answer, or the circuit was open */
    uint64_t faults;      /* no memory, a wrong statement, rubbish */
    uint64_t full;
    uint64_t round_trips;
    uint64_t buckets[FIGURES_BUCKETS]; /* calls that took up to a bound and over the one before */
    uint64_t timed, total_us;          /* how many calls were timed, and their sum */
};

/* Returns NULL when there is no memory. */
struct figures *figures_new(enum figures_store store);

/* NULL is allowed. */
void figures_free(struct figures *figures);

/* Notes a call and its result; took_us below 0: it was not timed. NULL figures are allowed, here
 * and below. */
void figures_call(struct figures *figures, enum idp_err err, int64_t took_us);

/* Notes one round trip, of the store and of the calling thread. */
void figures_trip(struct figures *figures);

void figures_read(const struct figures *figures, struct figures_reading *out);

/* How many round trips the calling thread has made to stores of a sort since it began: what a
 * request costs is the difference of two readings on each thread it ran on. */
uint64_t figures_trips_of_thread(enum figures_store store);
