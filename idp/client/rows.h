/* The clients' rows, decoded: for the registry, which remembers them, and for operators. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "client/client.h"

struct arena;
struct sql;

struct client_row {
    struct client client;
    const char *metadata; /* JSON text, with client_id */
    int64_t created, changed;
};

/* In the order of the chooser: group, order, id. */
struct client_rows {
    const struct client_row *rows;
    size_t count;
};

/*
 * Reads one row from SQL into the arena; every call waits. Returns IDP_NOT_FOUND when there is
 * none, IDP_FAULT for a row that does not decode (which is logged), and what sql_read() returns.
 */
enum idp_err client_row_read(struct sql *db, struct arena *arena, const char *id,
                             struct client_row *out);

/* All rows. One that does not decode is logged and left out. */
enum idp_err client_rows_read(struct sql *db, struct arena *arena, struct client_rows *out);
