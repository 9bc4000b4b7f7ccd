/*
 * One exchange with a PostgreSQL server: what is sent together and answered together, in libpq's
 * pipeline mode (PostgreSQL manual, section 34.5), before a deadline.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "base/error.h"
#include "store/harvest.h"
#include "store/postgres_call.h"
#include "store/postgres_report.h"

/* What an exchange may consist of, in this order. */
enum postgres_part {
    PART_BEGIN,
    PART_FORGET, /* a statement that was prepared */
    PART_PREPARE,
    PART_CALL,
    PART_COMMIT,
    PART_ROLLBACK,
    PART_SYNC, /* always: until here the server passes over everything after an error */
    PARTS,
};

/* The line to a server. */
struct postgres_line {
    PGconn *conn;
    int64_t deadline_ms;   /* for each exchange */
    enum postgres_end end; /* what became of the last one */
    bool broken;           /* in the middle of an exchange, or otherwise of no more use */
    bool late;             /* which is because it missed a deadline */
    bool warned;           /* by the server, during the last part */
};

struct postgres_exchange {
    bool parts[PARTS];
    const char *text;      /* of the call, and for reports */
    const char *name;      /* of the call's prepared statement */
    const char *forgotten; /* of the one to forget */
    struct postgres_params params;
    bool wants_rows;
    struct harvest harvest;
    int64_t changed;
    bool not_prepared; /* PART_PREPARE failed */

    int64_t until_ms;
    enum idp_err err; /* the first */
};

/* Makes a connection that postgres_greet() has made ready for exchanges. The line must stay where
 * it is. Returns IDP_UNAVAILABLE when there is no answer. */
enum idp_err postgres_line_open(struct postgres_line *line, int64_t until_ms);

/* Sends the parts and takes what is answered. Returns what sql_run() does; see line->end. */
enum idp_err postgres_exchange_run(struct postgres_line *line, struct postgres_exchange *x);

/* Runs several statements in one text, before a deadline of its own. */
enum idp_err postgres_exchange_script(struct postgres_line *line, const char *script,
                                      int64_t until_ms);
