/*
 * A connection to a PostgreSQL server, with the statements it has prepared. One thread at a time.
 *
 * What is sent at once is answered at once: a transaction's BEGIN travels with its first statement,
 * preparing with the first use, and a lone statement with BEGIN and COMMIT around it (libpq's
 * pipeline mode, PostgreSQL manual section 34.5), so that each of them costs one round trip.
 * Nothing blocks: every exchange has a deadline, and a connection that misses one is of no more
 * use.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/postgres_report.h"
#include "store/sql.h"

struct postgres_connection;
struct postgres_place;

/*
 * Connects, and makes sure of what sql.h promises: a server that can write, UTF-8 texts, commits
 * that wait for the disk. Returns IDP_UNAVAILABLE and a text in *why (unless why is NULL), which
 * the caller frees, when that cannot be had before the place's deadline; IDP_FAULT without memory.
 * *late says whether the deadline was missed.
 */
enum idp_err postgres_connection_open(const struct postgres_place *place, char **why, bool *late,
                                      struct postgres_connection **out);

/* NULL is allowed. */
void postgres_connection_close(struct postgres_connection *connection);

/* What stands around a statement in the same exchange. */
enum postgres_around {
    AROUND_NOTHING = 0, /* in the open transaction; without one it may only read */
    AROUND_BEGIN = 1,
    AROUND_COMMIT = 2,
};

struct postgres_work {
    unsigned around;             /* enum postgres_around, added up */
    const struct sql_call *call; /* NULL: none, only what stands around it */
    struct arena *arena;         /* for the rows */
    struct sql_rows *out;        /* may be NULL */
    int64_t *changed;            /* may be NULL */
};

/*
 * One exchange. Returns what sql_run() does; postgres_connection_end() then says what became of it.
 * After any error of a transaction it can only be rolled back.
 */
enum idp_err postgres_connection_run(struct postgres_connection *connection,
                                     const struct postgres_work *work);

/* Runs statements without parameters in the open transaction, without the deadline of the others,
 * but no longer than an hour. */
enum idp_err postgres_connection_script(struct postgres_connection *connection, const char *script);

/* Undoes what the open transaction did, if there is one. */
void postgres_connection_roll_back(struct postgres_connection *connection);

bool postgres_connection_in_transaction(const struct postgres_connection *connection);

/* What became of the last exchange. */
enum postgres_end postgres_connection_end(const struct postgres_connection *connection);

/* Whether it has missed a deadline. */
bool postgres_connection_is_late(const struct postgres_connection *connection);

/* Whether it may be used again, by somebody else: it is neither lost nor in a transaction. */
bool postgres_connection_is_good(const struct postgres_connection *connection);

/* Whether the server has said nothing since the last exchange, as it does before it closes. */
bool postgres_connection_is_quiet(const struct postgres_connection *connection);
