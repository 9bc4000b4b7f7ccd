/*
 * The text format that Prometheus reads, version 0.0.4: families of samples, each with a help and a
 * type line before them. All of it in an arena, up to EXPOSITION_MAX bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum { EXPOSITION_MAX = 2 * 1024 * 1024 };
#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct exposition {
    struct arena *arena;
    char *bytes;
    size_t len, size;
    bool failed;        /* it did not fit, or there was no memory */
    const char *family; /* of the samples that follow */
};

struct exposition exposition_new(struct arena *arena);

/* Begins a family. name ends with "_total" for a counter; help is one line. Both are literals. */
void exposition_counter(struct exposition *e, const char *name, const char *help);
void exposition_gauge(struct exposition *e, const char *name, const char *help);
void exposition_histogram(struct exposition *e, const char *name, const char *help);

/* A label of a sample; its value may be any text. A list of them ends with a NULL name. */
struct label {
    const char *name, *value;
};

/* A sample of the present family. labels may be NULL. */
void exposition_count(struct exposition *e, const struct label *labels, uint64_t value);
void exposition_value(struct exposition *e, const struct label *labels, double value);

/* What was counted by time: buckets, one more than bounds, each of those over the bound before. */
struct timings {
    const int64_t *bounds_us;
    const uint64_t *buckets;
    size_t bounds;
    uint64_t total_us;
};

/* The samples of one histogram, in seconds: cumulative buckets, sum and count. */
void exposition_timings(struct exposition *e, const struct label *labels,
                        const struct timings *timings);

/* The document and its length; NULL when it failed. */
const char *exposition_done(const struct exposition *e, size_t *len);
