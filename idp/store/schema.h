/*
 * What a database says of its own schema, and whether this program can work with it.
 *
 * Each script of schema/ that was run has a row in schema_version: its number, the hash of its text
 * and the oldest program that can work with what it made. So two neighbouring versions share a
 * database: docs/decisions/schema-versions.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sql;

struct schema {
    int64_t version;        /* 0: the database is empty */
    int64_t oldest_program; /* schema version of the oldest program that can work with it */
    int64_t other_script;   /* the first version that a script of another text made; 0: none */
    bool foreign;           /* it holds tables, and not ours */
};

enum { SCHEMA_LINE_MAX = 256 };

/* The schema version this program was built for: the highest number in schema/. */
int64_t schema_of_program(void);

/* Reads what the database says. Returns what sql_read() does. */
enum idp_err schema_look(struct sql *db, struct schema *out);

/* Whether this program may bring the database up to date, or has nothing to do there. When not, why
 * in one line. */
bool schema_may_migrate(const struct schema *schema, char why[SCHEMA_LINE_MAX]);

/* Whether this program can work with the database as it is. When not, why, and what to do. */
bool schema_fits(const struct schema *schema, char why[SCHEMA_LINE_MAX]);
