/*
 * The connections to a PostgreSQL server: as many as the settings allow, made when they are needed
 * and kept. Who comes when all are in use waits, first come first served. After a missed deadline
 * or a failed connect the circuit is open, and nobody waits.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

struct postgres_connection;
struct postgres_place;
struct postgres_pool;

/* Makes a pool of at most that many connections, with the first in it. The place stays the
 * caller's. Returns what postgres_connection_open() does. */
enum idp_err postgres_pool_new(const struct postgres_place *place, size_t most, char **why,
                               struct postgres_pool **out);

/* No connection may be in use. NULL is allowed. */
void postgres_pool_free(struct postgres_pool *pool);

/* A connection, for postgres_pool_give(). Returns IDP_UNAVAILABLE when there is none before the
 * place's deadline. */
enum idp_err postgres_pool_take(struct postgres_pool *pool, struct postgres_connection **out);

/* Gives a connection back, which is closed when it is of no more use. */
void postgres_pool_give(struct postgres_pool *pool, struct postgres_connection *connection);
