/*
 * A line between a program and its PostgreSQL server that can lose an answer: what the program
 * sends arrives and is done, and then the connection is gone.
 */
#pragma once

#include <stddef.h>

struct lossy;
struct postgres_server;

/* Listens on a free port of 127.0.0.1. Ends the test program when it cannot. */
struct lossy *lossy_start(const struct postgres_server *server);

/* Waits until the connections through it are over. NULL is allowed. */
void lossy_stop(struct lossy *lossy);

/* Where a database is through this line, for sql_open(). */
void lossy_where(const struct lossy *lossy, const char *database, char *where, size_t size);

/* Loses the answer to the next message with these bytes in it, and the connection with it. bytes
 * must live as long as the line; NULL: no message any more. */
void lossy_lose(struct lossy *lossy, const char *bytes);
