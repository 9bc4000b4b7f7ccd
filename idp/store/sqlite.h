/* The SQL driver for one machine: SQLite, WAL, synchronous=FULL, group commit. */
#pragma once

#include "base/error.h"

struct sql;

/*
 * Opens the database file at path, making it (mode 0600) when it is not there. Returns
 * IDP_UNAVAILABLE when that cannot be done, and then a text in *why (unless why is NULL), which the
 * caller frees; IDP_BAD_REQUEST for a path that does not name a file.
 */
enum idp_err sqlite_open(const char *path, char **why, struct sql **out);
