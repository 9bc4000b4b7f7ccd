#include "access/rate.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "access/access.h"
#include "base/text.h"
#include "store/kv.h"

enum { WINDOW_S = 60, NAME_MAX_LEN = 120 };

/* The counter of this minute. The name is the key's storage. */
static struct kv_bytes key_of(const struct rate *rate, int64_t now, char name[NAME_MAX_LEN])
{
    int n = snprintf(name, NAME_MAX_LEN, "%s|%lld|%s", rate->what, (long long)(now / WINDOW_S),
                     rate->who);
    return (struct kv_bytes){name, n < NAME_MAX_LEN ? (size_t)n : NAME_MAX_LEN - 1};
}

enum idp_err rate_take(const struct access *access, const struct rate *rate, int64_t now)
{
    char name[NAME_MAX_LEN];
    int64_t sum = 0;
    if (rate->per_minute == 0)
        return IDP_OK;
    enum idp_err err = kv_count(access->kv, KV_COUNTER, key_of(rate, now, name), 1,
                                (int64_t)WINDOW_S * 1000, &sum);
    if (err == IDP_FULL)
        return IDP_OK;
    return err == IDP_OK && sum > rate->per_minute ? IDP_LIMITED : err;
}

/* Counters are kept as decimal digits (store/kv.h). */
enum idp_err rate_check(const struct access *access, struct arena *arena, const struct rate *rate,
                        int64_t now)
{
    char name[NAME_MAX_LEN];
    struct kv_bytes digits;
    int64_t sum = 0;
    if (rate->per_minute == 0)
        return IDP_OK;
    enum idp_err err = kv_get(access->kv, KV_COUNTER, key_of(rate, now, name), arena, &digits);
    if (err != IDP_OK)
        return err == IDP_NOT_FOUND ? IDP_OK : err;
    bool is_number = text_to_number(digits.bytes, 0, INT64_MAX, &sum);
    return is_number && sum >= rate->per_minute ? IDP_LIMITED : IDP_OK;
}
