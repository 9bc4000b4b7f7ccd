#include "access/rate.h"

#include <stdio.h>
#include <string.h>

#include "access/access.h"
#include "store/kv.h"

enum { WINDOW_S = 60, NAME_MAX_LEN = 120 };

static enum idp_err count(const struct access *access, const struct rate *rate, int64_t by,
                          int64_t now)
{
    char name[NAME_MAX_LEN];
    int64_t sum = 0;
    if (rate->per_minute == 0)
        return IDP_OK;
    int n = snprintf(name, sizeof(name), "%s|%lld|%s", rate->what, (long long)(now / WINDOW_S),
                     rate->who);
    size_t len = n < (int)sizeof(name) ? (size_t)n : sizeof(name) - 1;
    enum idp_err err = kv_count(access->kv, KV_COUNTER, (struct kv_bytes){name, len}, by,
                                (int64_t)WINDOW_S * 1000, &sum);
    if (err == IDP_FULL)
        return IDP_OK;
    if (err == IDP_OK && sum + (by == 0) > rate->per_minute)
        return IDP_LIMITED;
    return err;
}

enum idp_err rate_take(const struct access *access, const struct rate *rate, int64_t now)
{
    return count(access, rate, 1, now);
}

enum idp_err rate_check(const struct access *access, const struct rate *rate, int64_t now)
{
    return count(access, rate, 0, now);
}
