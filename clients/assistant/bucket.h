/* How often each origin may ask: a token bucket for each, so that a page cannot flood the lock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assistant/settings.h"

enum { BUCKET_SIZE = 40, BUCKET_REFILL_MS = 250 }; /* 40 at once, then 4 a second */

struct buckets {
    struct {
        int64_t full_at; /* the tick at which the bucket is full again */
    } origins[SETTINGS_ORIGINS_MAX];
};

/*
 * Takes a token of the origin with that number in the settings, at that tick of a monotonic clock
 * (milliseconds). Returns false when there is none. Not safe for two threads at once.
 */
bool bucket_take(struct buckets *buckets, size_t origin, int64_t now);
