/* What was counted of refusals (refusals.h), for operators. Every call waits. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct sql;

/* Which refusals: since that day (refusals_day()), of one authority or, with NULL, of all. */
struct refusal_query {
    int64_t since;
    const char *authority;
};

/* All refusals of an authority for one reason. */
struct refusal_sum {
    const char *authority; /* "": not known */
    const char *reason;    /* its code */
    int64_t count;
    int64_t certificates; /* how many different ones that are named */
    int64_t last;         /* seconds since 1970 */
};

/* A certificate that was refused, with what its row says while that is kept. */
struct refused_row {
    const char *certificate; /* base64url(SHA-256(DER)) */
    const char *authority, *reason;
    int64_t count, last;
    const char *uscc, *serial; /* NULL: forgotten */
};

enum { REFUSED_ROWS_MAX = 1000 };

/* The sums by authority, the commonest reason first; *count entries in the arena. */
enum idp_err refusal_sums_read(struct sql *db, struct arena *arena, const struct refusal_query *of,
                               const struct refusal_sum **out, size_t *count);

/* The named certificates, the one refused last first, at most REFUSED_ROWS_MAX. */
enum idp_err refused_rows_read(struct sql *db, struct arena *arena, const struct refusal_query *of,
                               const struct refused_row **out, size_t *count);
