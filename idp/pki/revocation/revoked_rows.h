/*
 * The rows of revoked certificates, as those see them who have to end what rested on each: open
 * until that is done.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct sql;
struct sql_tx;

enum { REVOKED_ROWS_MAX = 100 };

struct revoked_row {
    int64_t number;
    const char *certificate; /* base64url(SHA-256(DER)) */
    const char *authority;
    int reason; /* CRLReason (RFC 5280 section 5.3.1); -1: none was given */
};

/* The open rows that were learned first, REVOKED_ROWS_MAX at most, in the arena. Returns what
 * sql_read() does. */
enum idp_err revoked_rows_open(struct sql *db, struct arena *arena, const struct revoked_row **out,
                               size_t *count);

/* Closes a row. Returns IDP_NOT_FOUND when somebody else has; what sql_run() does. */
enum idp_err revoked_row_close(struct sql_tx *tx, int64_t number, int64_t now);
