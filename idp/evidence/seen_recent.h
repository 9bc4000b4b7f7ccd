/* Certificates seen lately, with their bytes: what a new trust list is tried on. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct sql;

enum { SEEN_RECENT_MAX = 20000 /* that are looked at, the last ones */ };

struct seen_recent {
    const char *hash, *serial; /* as in the table */
    const unsigned char *der;
    size_t der_len;
};

/*
 * Those seen since then (seconds since 1970), the latest first, SEEN_RECENT_MAX at most. The result
 * is the arena's. Returns what sql_read() does.
 */
enum idp_err seen_recent_read(struct sql *db, struct arena *arena, int64_t since,
                              const struct seen_recent **out, size_t *count);
