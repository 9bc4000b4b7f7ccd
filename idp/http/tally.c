#include "http/tally.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { STRIPES = 8, LINE = 64 };

const int64_t http_bounds_us[HTTP_BOUNDS] = {
    500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000,
};

struct cell {
    _Alignas(LINE) _Atomic uint64_t total_us;
    _Atomic uint64_t by_class[HTTP_STATUS_CLASSES], buckets[HTTP_BUCKETS];
};

struct http_tally {
    size_t calls;
    struct cell *cells; /* calls of one stripe after the other */
};

struct http_tally *http_tally_new(size_t calls)
{
    struct http_tally *tally = calloc(1, sizeof(*tally));
    size_t size = STRIPES * calls * sizeof(struct cell);
    if (tally == NULL)
        return NULL;
    tally->calls = calls;
    tally->cells = aligned_alloc(LINE, size);
    if (tally->cells == NULL) {
        free(tally);
        return NULL;
    }
    memset(tally->cells, 0, size);
    return tally;
}

void http_tally_free(struct http_tally *tally)
{
    if (tally == NULL)
        return;
    free(tally->cells);
    free(tally);
}

/* Threads are dealt out in turn. */
static size_t stripe(void)
{
    static atomic_uint dealt;
    static _Thread_local unsigned own; /* counted from 1; 0: none yet */
    if (own == 0)
        own = atomic_fetch_add(&dealt, 1) % STRIPES + 1;
    return own - 1;
}

static size_t bucket_of(int64_t took_us)
{
    size_t i = 0;
    while (i < HTTP_BOUNDS && took_us > http_bounds_us[i])
        i++;
    return i;
}

static void add(_Atomic uint64_t *counter, uint64_t n)
{
    (void)atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t read(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void http_tally_count(struct http_tally *tally, size_t call, int status, int64_t took_us)
{
    struct cell *cell = &tally->cells[stripe() * tally->calls + call];
    size_t class = status >= 100 && status < 600 ? (size_t)status / 100 : 0;
    add(&cell->by_class[class], 1);
    add(&cell->buckets[bucket_of(took_us)], 1);
    add(&cell->total_us, took_us > 0 ? (uint64_t)took_us : 0);
}

void http_tally_add(const struct http_tally *tally, size_t call, struct http_call_figures *out)
{
    for (size_t s = 0; s < STRIPES; s++) {
        const struct cell *cell = &tally->cells[s * tally->calls + call];
        for (size_t i = 0; i < HTTP_STATUS_CLASSES; i++)
            out->by_class[i] += read(&cell->by_class[i]);
        for (size_t i = 0; i < HTTP_BUCKETS; i++)
            out->buckets[i] += read(&cell->buckets[i]);
        out->total_us += read(&cell->total_us);
    }
}
