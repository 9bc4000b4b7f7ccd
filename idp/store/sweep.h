/*
 * Deleting what is over, a little at a time: a walk through a table in the order of its key, in
 * short steps, each from where the last one stood. It needs no index of its own, reads without a
 * transaction, and its transactions touch only rows that nobody has a use for any more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/sql.h"

enum { SWEEP_KEY_MAX = 64, SWEEP_STEP_MAX = 500, SWEEP_REMOVES_MAX = 2 };

/* What may be deleted; beside the thing it speaks of. */
struct sweep {
    const char *name;  /* for the log */
    enum sql_type key; /* SQL_TEXT or SQL_BLOB */
    int64_t spare_s;   /* it has to be over for so much longer than the settings say */
    /* The next rows: $1 the key they are behind, $2 seconds since 1970 before which a row has to be
     * over. Columns: key, and 1 for a row that is. In the order of keys, at most SWEEP_STEP_MAX. */
    const char *list;
    /* Deletes one row, $1, if it is still over at $2; what refers to it goes first. The last of
     * them deletes the row that counts. The end is NULL. */
    const char *remove[SWEEP_REMOVES_MAX + 1];
};

/* Where a walk stands; zeroed: at the beginning. */
struct sweep_walk {
    unsigned char key[SWEEP_KEY_MAX];
    size_t len;
    int64_t deleted; /* on this walk */
    bool whole;      /* there is nothing behind the key */
};

/*
 * One step of a walk; before: seconds since 1970. Returns what sql_read() and sql_transact() do;
 * the walk then stands where it stood, and counts what was deleted.
 */
enum idp_err sweep_step(struct sql *db, const struct sweep *sweep, int64_t before,
                        struct sweep_walk *walk);
