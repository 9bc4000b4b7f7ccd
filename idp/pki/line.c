#include "pki/line.h"

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
    return line;
}

void line_count(struct line *line, enum status_verdict verdict, int64_t took_us)
{
    _Atomic uint64_t *counter = verdict == STATUS_GOOD       ? &line->good
                                : verdict == STATUS_UNUSABLE ? &line->unusable
                                                             : &line->other;
    (void)atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&line->total_us, (uint64_t)took_us, memory_order_relaxed);
}

struct line *line_take(struct line *line)
{
    (void)atomic_fetch_add_explicit(&line->references, 1, memory_order_relaxed);
    return line;
}

void line_release(struct line *line)
{
    if (line != NULL && atomic_fetch_sub_explicit(&line->references, 1, memory_order_acq_rel) == 1)
        free(line);
}
