/* The rows of enterprises and their locks, for operators. Every call waits. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "enterprise/enterprise.h"
#include "enterprise/lock.h"

struct arena;
struct sql;

struct enterprise_row {
    struct enterprise enterprise;
    int64_t created, changed;
    int64_t rights_ended; /* when it was last suspended; 0: never */
    int64_t locks;        /* bound ones */
};

struct enterprise_rows {
    const struct enterprise_row *rows;
    size_t count;
};

enum { ENTERPRISE_PAGE = 500 };

/*
 * A page of at most ENTERPRISE_PAGE rows by USCC, behind `after` ("" for the first), in the arena.
 * Returns what sql_read() does.
 */
enum idp_err enterprise_rows_read(struct sql *db, struct arena *arena, const char *after,
                                  struct enterprise_rows *out);

/* Finds one by its id or its USCC. IDP_NOT_FOUND. */
enum idp_err enterprise_row_find(struct sql *db, struct arena *arena, const char *name,
                                 struct enterprise_row *out);

struct lock_row {
    struct lock lock;
    const char *enterprise; /* id */
    int64_t bound, unbound; /* unbound 0: it holds */
};

struct lock_rows {
    const struct lock_row *rows;
    size_t count;
};

/* All locks that are or were bound to an enterprise, the first bound first. */
enum idp_err lock_rows_read(struct sql *db, struct arena *arena, const char *enterprise,
                            struct lock_rows *out);

/* Finds one by its id. IDP_NOT_FOUND. */
enum idp_err lock_row_find(struct sql *db, struct arena *arena, const char *id,
                           struct lock_row *out);
