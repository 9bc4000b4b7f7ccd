/*
 * Waiting for a PostgreSQL server, never past a deadline. What was sent stands in libpq's buffer
 * and is written on the way.
 */
#pragma once

#include <stdint.h>

#include <libpq-fe.h>

enum postgres_wait {
    WAIT_DONE,
    WAIT_LATE, /* the deadline was missed */
    WAIT_LOST, /* the connection is gone */
};

/* Drives a connection that has been begun until it stands or has failed (WAIT_LOST). until_ms is of
 * clock_ticks_ms(). */
enum postgres_wait postgres_wait_connect(PGconn *conn, int64_t until_ms);

/* The next result, for PQclear(), or NULL at the end of one statement's. */
enum postgres_wait postgres_wait_result(PGconn *conn, int64_t until_ms, PGresult **out);
