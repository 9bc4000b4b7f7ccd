#include "operate/exposition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"

enum { FIRST_SIZE = 32 * 1024, NUMBER_MAX = 40 };

struct exposition exposition_new(struct arena *arena)
{
    return (struct exposition){.arena = arena, .family = ""};
}

/* --- bytes ---------------------------------------------------------------------------------- */

/* Makes room for n bytes more. */
static bool make_room(struct exposition *e, size_t n)
{
    size_t size = e->size > 0 ? e->size : FIRST_SIZE;
    if (e->failed || n > EXPOSITION_MAX - e->len) {
        e->failed = true;
        return false;
    }
    while (size - e->len < n)
        size *= 2;
    if (size == e->size)
        return true;
    char *bytes = arena_alloc(e->arena, size);
    if (bytes == NULL) {
        e->failed = true;
        return false;
    }
    if (e->len > 0)
        memcpy(bytes, e->bytes, e->len);
    e->bytes = bytes;
    e->size = size;
    return true;
}

static void put_n(struct exposition *e, const char *text, size_t len)
{
    if (!make_room(e, len))
        return;
    memcpy(e->bytes + e->len, text, len);
    e->len += len;
}

static void put(struct exposition *e, const char *text)
{
    put_n(e, text, strlen(text));
}

/* In a label's value a backslash, a quote and the end of a line are written as two characters. */
static void put_escaped(struct exposition *e, const char *text)
{
    while (*text != '\0') {
        size_t plain = strcspn(text, "\\\"\n");
        put_n(e, text, plain);
        text += plain;
        if (*text == '\0')
            break;
        put(e, *text == '\n' ? "\\n" : *text == '"' ? "\\\"" : "\\\\");
        text++;
    }
}

/* --- families ------------------------------------------------------------------------------- */

static void begin(struct exposition *e, const char *name, const char *type, const char *help)
{
    const char *const parts[] = {"# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        put(e, parts[i]);
    e->family = name;
}

void exposition_counter(struct exposition *e, const char *name, const char *help)
{
    begin(e, name, "counter", help);
}

void exposition_gauge(struct exposition *e, const char *name, const char *help)
{
    begin(e, name, "gauge", help);
}

void exposition_histogram(struct exposition *e, const char *name, const char *help)
{
    begin(e, name, "histogram", help);
}

/* --- samples -------------------------------------------------------------------------------- */

/* bound: the value of the label "le", or NULL. */
static void put_labels(struct exposition *e, const struct label *labels, const char *bound)
{
    const char *before = "{";
    for (; labels != NULL && labels->name != NULL; labels++) {
        put(e, before);
        put(e, labels->name);
        put(e, "=\"");
        put_escaped(e, labels->value);
        put(e, "\"");
        before = ",";
    }
    if (bound != NULL) {
        put(e, before);
        put(e, "le=\"");
        put(e, bound);
        put(e, "\"");
        before = ",";
    }
    if (*before == ',')
        put(e, "}");
}

static void put_sample(struct exposition *e, const char *suffix, const struct label *labels,
                       const char *bound, const char *value)
{
    put(e, e->family);
    put(e, suffix);
    put_labels(e, labels, bound);
    put(e, " ");
    put(e, value);
    put(e, "\n");
}

void exposition_count(struct exposition *e, const struct label *labels, uint64_t value)
{
    char text[NUMBER_MAX];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    put_sample(e, "", labels, NULL, text);
}

void exposition_value(struct exposition *e, const struct label *labels, double value)
{
    char text[NUMBER_MAX];
    (void)snprintf(text, sizeof(text), "%.15g", value);
    put_sample(e, "", labels, NULL, text);
}

/* Microseconds as seconds, without the noise of a binary fraction. */
static void write_seconds(uint64_t us, char out[NUMBER_MAX])
{
    int n = snprintf(out, NUMBER_MAX, "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
    while (n > 0 && out[n - 1] == '0')
        n--;
    if (n > 0 && out[n - 1] == '.')
        n--;
    out[n > 0 ? n : 0] = '\0';
}

void exposition_timings(struct exposition *e, const struct label *labels,
                        const struct timings *timings)
{
    char number[NUMBER_MAX];
    char bound[NUMBER_MAX];
    uint64_t so_far = 0;
    for (size_t i = 0; i <= timings->bounds; i++) {
        so_far += timings->buckets[i];
        if (i < timings->bounds)
            write_seconds((uint64_t)timings->bounds_us[i], bound);
        else
            (void)snprintf(bound, sizeof(bound), "+Inf");
        (void)snprintf(number, sizeof(number), "%" PRIu64, so_far);
        put_sample(e, "_bucket", labels, bound, number);
    }
    write_seconds(timings->total_us, number);
    put_sample(e, "_sum", labels, NULL, number);
    (void)snprintf(number, sizeof(number), "%" PRIu64, so_far);
    put_sample(e, "_count", labels, NULL, number);
}

const char *exposition_done(const struct exposition *e, size_t *len)
{
    *len = e->len;
    return e->failed ? NULL : e->bytes;
}
