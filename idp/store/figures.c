/* A thread counts in one of a few stripes, so that counting costs no wandering cache line. */
#include "store/figures.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { STRIPES = 16, LINE = 64 };

const int64_t figures_bounds_us[FIGURES_BOUNDS] = {
    100,    250,    500,    1000,    2500,    5000,    10000,    25000,    50000,
    100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000,
};

struct stripe {
    _Alignas(LINE) _Atomic uint64_t calls;
    _Atomic uint64_t unavailable, faults, full, round_trips, timed, total_us;
    _Atomic uint64_t buckets[FIGURES_BUCKETS];
};

struct figures {
    struct stripe stripes[STRIPES];
    enum figures_store store;
};

static _Thread_local uint64_t trips[FIGURES_STORES];

/* Which stripe this thread counts in: threads are dealt out in turn. */
static struct stripe *mine(struct figures *figures)
{
    static atomic_uint dealt;
    static _Thread_local unsigned own; /* counted from 1; 0: none yet */
    if (own == 0)
        own = atomic_fetch_add(&dealt, 1) % STRIPES + 1;
    return &figures->stripes[own - 1];
}

static void add(_Atomic uint64_t *counter, uint64_t n)
{
    (void)atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

struct figures *figures_new(enum figures_store store)
{
    struct figures *figures = aligned_alloc(_Alignof(struct figures), sizeof(*figures));
    if (figures == NULL)
        return NULL;
    memset(figures, 0, sizeof(*figures));
    figures->store = store;
    return figures;
}

void figures_free(struct figures *figures)
{
    free(figures);
}

static size_t bucket_of(int64_t took_us)
{
    size_t i = 0;
    while (i < FIGURES_BOUNDS && took_us > figures_bounds_us[i])
        i++;
    return i;
}

void figures_call(struct figures *figures, enum idp_err err, int64_t took_us)
{
    if (figures == NULL)
        return;
    struct stripe *stripe = mine(figures);
    add(&stripe->calls, 1);
    if (err == IDP_UNAVAILABLE)
        add(&stripe->unavailable, 1);
    if (err == IDP_FAULT)
        add(&stripe->faults, 1);
    if (err == IDP_FULL)
        add(&stripe->full, 1);
    if (took_us < 0)
        return;
    add(&stripe->buckets[bucket_of(took_us)], 1);
    add(&stripe->timed, 1);
    add(&stripe->total_us, (uint64_t)took_us);
}

void figures_trip(struct figures *figures)
{
    if (figures == NULL)
        return;
    trips[figures->store]++;
    add(&mine(figures)->round_trips, 1);
}

uint64_t figures_trips_of_thread(enum figures_store store)
{
    return trips[store];
}

static uint64_t value(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_up(const struct stripe *stripe, struct figures_reading *out)
{
    out->calls += value(&stripe->calls);
    out->unavailable += value(&stripe->unavailable);
    out->faults += value(&stripe->faults);
    out->full += value(&stripe->full);
    out->round_trips += value(&stripe->round_trips);
    out->timed += value(&stripe->timed);
    out->total_us += value(&stripe->total_us);
    for (size_t i = 0; i < FIGURES_BUCKETS; i++)
        out->buckets[i] += value(&stripe->buckets[i]);
}

void figures_read(const struct figures *figures, struct figures_reading *out)
{
    *out = (struct figures_reading){0};
    for (size_t i = 0; figures != NULL && i < STRIPES; i++)
        add_up(&figures->stripes[i], out);
}
