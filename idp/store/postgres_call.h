/* One call as libpq wants it: its parameters go in, its rows come out. */
#pragma once

#include <libpq-fe.h>

#include "base/error.h"
#include "store/sql.h"

struct harvest;

enum { POSTGRES_PARAMS_MAX = 64, POSTGRES_DIGITS = 24 };

/*
 * Parameters, with their types left to the server, which knows them from where they stand. Numbers
 * go as decimal digits, which fit integers of any width; texts and bytes go as they are.
 */
struct postgres_params {
    int count;
    const char *values[POSTGRES_PARAMS_MAX];
    int lengths[POSTGRES_PARAMS_MAX];
    int formats[POSTGRES_PARAMS_MAX];
    char digits[POSTGRES_PARAMS_MAX][POSTGRES_DIGITS];
};

/* Borrows what the call points to. Returns IDP_FAULT, and logs why, for more parameters than there
 * may be, for bytes without end and for a text with a NUL in it, which PostgreSQL cannot keep. */
enum idp_err postgres_params_fill(const struct sql_call *call, struct postgres_params *out);

/*
 * Takes the one row of a result in binary format. Returns IDP_FULL when the result is too big,
 * IDP_FAULT for a type that is none of sql.h's (and logs it), and for no memory.
 */
enum idp_err postgres_row_take(struct harvest *harvest, const PGresult *result, const char *text);

/* How many rows a statement has changed: 0 for one that only reads. */
int64_t postgres_changed(PGresult *result);
