/* Rate limits: so many a minute for a name, such as an address or a client. */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct access;
struct arena;

/* What is limited, and for whom. */
struct rate {
    const char *what;   /* challenge, authorize … */
    const char *who;    /* an address or a client id */
    int64_t per_minute; /* 0: no limit */
};

/*
 * Counts one. Returns IDP_LIMITED when the minute's measure is full; IDP_WAIT or IDP_UNAVAILABLE
 * as the store says. A counter store that is full limits nobody it did not know before.
 */
enum idp_err rate_take(const struct access *access, const struct rate *rate, int64_t now);

/* Says whether the measure is full without counting: for failures, which are counted when known. */
enum idp_err rate_check(const struct access *access, struct arena *arena, const struct rate *rate,
                        int64_t now);
