/*
 * How long something usually takes: an estimate of its quantiles over the last few hundred times,
 * in 130 bytes. Within a fifth of the truth, from half a millisecond to half a minute.
 */
#pragma once

#include <stdint.h>

enum {
    LATENCY_BUCKETS = 64,
    LATENCY_KEPT = 256, /* times; when so many are known, each half-forgets what it knows */
    LATENCY_FEW = 16    /* fewer say nothing about a quantile */
};

/* All zero: nothing is known. */
struct latency {
    uint16_t buckets[LATENCY_BUCKETS]; /* each a fifth longer than the one before */
    uint16_t count;
};

void latency_add(struct latency *latency, int64_t took_us);

/* The time, in microseconds, that so many percent do not exceed; 0: too few are known. */
int64_t latency_quantile(const struct latency *latency, unsigned percent);
