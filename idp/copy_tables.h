/* All that an installation keeps, table by table, and moving it to an empty database. */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "store/transfer.h"

struct sql;

enum copy_way {
    COPY_MOVES,
    COPY_REPLACES, /* the schema puts rows in, which those of the source take the place of */
    COPY_STAYS,    /* belongs to the programs that run, or to the database itself: is not moved */
};

struct copy_table {
    struct transfer_table table;
    enum copy_way way;
};

/* Every table of the schema, those that others refer to first; the last has no name. */
extern const struct copy_table copy_tables[];

enum { COPY_TABLES_MAX = 48, COPY_WHY_MAX = 384 };

/* What was moved of one table: the same on both sides. */
struct copied {
    const char *name;
    struct transfer_sum sum;
};

struct copy {
    struct sql *from, *to;
    struct copied tables[COPY_TABLES_MAX]; /* those that were moved, in the order of copy_tables */
    size_t count;
    char why[COPY_WHY_MAX]; /* one line when it failed */
};

/*
 * Moves everything into a database that has the schema and nothing else, in one transaction, reads
 * both back and compares: on failure the target is as it was. The caller sets from and to. Returns
 * IDP_CONFLICT when the two do not fit, a node uses the source, or what was read back is not the
 * same; otherwise what sql_transact() does.
 */
enum idp_err copy_everything(struct copy *copy);
