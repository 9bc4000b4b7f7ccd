/*
 * Moves a table from one database to another, row by row as it is, and sums up what a database
 * holds of it, so that two can be compared whatever order their engines sort texts in.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sql;
struct sql_tx;

enum {
    TRANSFER_KEYS_MAX = 4,
    TRANSFER_SUM_SIZE = 32,
};

struct transfer_table {
    const char *name;
    const char *key[TRANSFER_KEYS_MAX + 1]; /* the columns of the primary key */
    int64_t batch;                          /* that many rows are held in memory at a time */
};

struct transfer_sum {
    int64_t rows;
    unsigned char sum[TRANSFER_SUM_SIZE]; /* of the SHA-256 of each row, modulo 2^256 */
};

/*
 * Copies all rows into a table that has the same columns, in the transaction. Returns IDP_CONFLICT
 * when the target refuses a row, otherwise what sql_read() and sql_run() do.
 */
enum idp_err transfer_copy(struct sql *from, struct sql_tx *to, const struct transfer_table *table);

/* Sums up what a table holds. Returns what sql_read() does. */
enum idp_err transfer_sum(struct sql *db, const struct transfer_table *table,
                          struct transfer_sum *out);

/*
 * Sums up what a table holds in the one, as it was committed, and in the other, as the transaction
 * sees it; in turns, so that the transaction never waits for long. Returns what sql_read() and
 * sql_run() do.
 */
enum idp_err transfer_compare(struct sql *from, struct sql_tx *to,
                              const struct transfer_table *table, struct transfer_sum out[2]);
