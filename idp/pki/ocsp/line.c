#include "pki/ocsp/line.h"

#include <stdlib.h>
#include <string.h>

struct line *line_new(const char *id)
{
    size_t size = strlen(id) + 1;
    struct line *line = calloc(1, sizeof(*line) + size);
    if (line == NULL)
        return NULL;
    atomic_init(&line->references, 1);
    memcpy(line->id, id, size);
    circuit_init(&line->circuit, line->id, LINE_PAUSE_MS);
    services_init(&line->services);
    return line;
}

static void add(_Atomic uint64_t *counter, uint64_t n)
{
    (void)atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static size_t bucket_of(int64_t took_us)
{
    size_t i = 0;
    while (i < FIGURES_BOUNDS && took_us > figures_bounds_us[i])
        i++;
    return i;
}

void line_count(struct line *line, enum status_verdict verdict, int64_t took_us)
{
    add(verdict == STATUS_GOOD       ? &line->good
        : verdict == STATUS_UNUSABLE ? &line->unusable
                                     : &line->other,
        1);
    add(&line->total_us, (uint64_t)took_us);
    add(&line->buckets[bucket_of(took_us)], 1);
}

void line_count_known(struct line *line)
{
    add(&line->known, 1);
}

void line_count_spared(struct line *line)
{
    add(&line->spared, 1);
}

struct line *line_take(struct line *line)
{
    (void)atomic_fetch_add_explicit(&line->references, 1, memory_order_relaxed);
    return line;
}

void line_release(struct line *line)
{
    if (line == NULL || atomic_fetch_sub_explicit(&line->references, 1, memory_order_acq_rel) != 1)
        return;
    services_clear(&line->services);
    free(line);
}
