#include "pki/ocsp/latency.h"

#include <stddef.h>

enum {
    STEPS = 4,     /* buckets between a power of two and the next */
    FIRST_LOG = 9, /* the first bucket begins at 2^9 us */
};

static size_t bucket_of(int64_t took_us)
{
    int log = FIRST_LOG;
    while (log < FIRST_LOG + LATENCY_BUCKETS / STEPS && took_us >> (log + 1) > 0)
        log++;
    if (took_us >> FIRST_LOG == 0)
        return 0;
    if (log == FIRST_LOG + LATENCY_BUCKETS / STEPS)
        return LATENCY_BUCKETS - 1;
    int64_t step = took_us >> (log - 2) & (STEPS - 1);
    return (size_t)(log - FIRST_LOG) * STEPS + (size_t)step;
}

/* Where a bucket ends. */
static int64_t end_of(size_t bucket)
{
    int log = FIRST_LOG + (int)(bucket / STEPS);
    return (int64_t)(STEPS + 1 + bucket % STEPS) << (log - 2);
}

static void forget_half(struct latency *latency)
{
    latency->count = 0;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        latency->buckets[i] /= 2;
        latency->count = (uint16_t)(latency->count + latency->buckets[i]);
    }
}

void latency_add(struct latency *latency, int64_t took_us)
{
    if (latency->count == LATENCY_KEPT)
        forget_half(latency);
    latency->buckets[bucket_of(took_us)]++;
    latency->count++;
}

int64_t latency_quantile(const struct latency *latency, unsigned percent)
{
    unsigned wanted = (latency->count * percent + 99) / 100;
    unsigned seen = 0;
    size_t i = 0;
    if (latency->count < LATENCY_FEW)
        return 0;
    for (; i < LATENCY_BUCKETS - 1; i++) {
        seen += latency->buckets[i];
        if (seen >= wanted)
            break;
    }
    return end_of(i);
}
