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
