#include "assistant/bucket.h"

bool bucket_take(struct buckets *buckets, size_t origin, int64_t now)
{
    int64_t *full_at = &buckets->origins[origin].full_at;
    int64_t start = *full_at > now ? *full_at : now;
    if (start - now > (int64_t)(BUCKET_SIZE - 1) * BUCKET_REFILL_MS)
        return false;
    *full_at = start + BUCKET_REFILL_MS;
    return true;
}
