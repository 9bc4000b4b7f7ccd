/* One prepared SQLite statement: its parameters go in, its rows come out. */
#pragma once

#include <stdint.h>

#include <sqlite3.h>

#include "base/error.h"
#include "store/sql.h"

enum { SQLITE_PARAMS_MAX = 64 };

struct sqlite_statement {
    const char *address; /* where the text stood that it was prepared from */
    char *text;          /* a copy: another text may come to stand there */
    sqlite3_stmt *stmt;
    int count;                                /* of parameters, as SQLite counts them */
    unsigned char numbers[SQLITE_PARAMS_MAX]; /* the n of $n for each of them, less one */
    size_t params;                            /* what the caller has to bring: the highest n */
};

/*
 * Prepares a text, which must be one statement whose parameters are $1 to $64. Returns IDP_FAULT
 * for any other text, or for no memory. The caller frees *out.
 */
enum idp_err sqlite_statement_prepare(sqlite3 *db, const char *text, struct sqlite_statement **out);

/* NULL is allowed. */
void sqlite_statement_free(struct sqlite_statement *statement);

/*
 * Binds, runs to the end and resets. out may be NULL. Returns IDP_FAULT when the parameters do not
 * fit the statement, for a real number in a row and for no memory, IDP_FULL for more rows or bytes
 * than there may be, and otherwise what sqlite_result() makes of SQLite's answer.
 */
enum idp_err sqlite_statement_run(struct sqlite_statement *statement, struct arena *arena,
                                  const struct sql_call *call, struct sql_rows *out);

/* What an answer of SQLite is to us. Logs it with what was done, unless it is good or a conflict.
 */
enum idp_err sqlite_result(sqlite3 *db, int code, const char *what);
