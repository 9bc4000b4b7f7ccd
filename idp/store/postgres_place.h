/*
 * Where a PostgreSQL database is, and how it is reached: a connection URI (PostgreSQL manual,
 * section 34.1.1.2) without the password, which lies in a file of its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "base/error.h"
#include "store/sql.h"

struct postgres_place {
    PQconninfoOption *options; /* of the URI; those it does not name have no value */
    char *name;                /* database "X" at HOST, for people */
    char *password_file;       /* NULL: no password */
    int64_t deadline_ms;
    char deadline[24]; /* the same as text */
    bool development;
};

/*
 * Reads and checks the settings. Returns IDP_BAD_REQUEST, and what is wrong in *why, which the
 * caller frees, for a URI that is none, that holds a password or names no host, and for a host on
 * the network without TLS unless this is for development; IDP_FAULT without memory.
 */
enum idp_err postgres_place_new(const struct sql_settings *settings, char **why,
                                struct postgres_place **out);

/* NULL is allowed. */
void postgres_place_free(struct postgres_place *place);

/*
 * Begins a connection, as PQconnectStart() does. The password's file is read anew each time: it may
 * have changed. Returns IDP_UNAVAILABLE with a text in *why when it cannot be read or others may
 * read it; IDP_FAULT without memory. The caller finishes *out, which may have failed already.
 */
enum idp_err postgres_place_connect(const struct postgres_place *place, char **why, PGconn **out);
