/* The SQL driver for several nodes: PostgreSQL 15 or later, through libpq. */
#pragma once

#include "base/error.h"

struct sql;
struct sql_settings;

/*
 * Opens the database that settings->where names, which must exist. Returns IDP_BAD_REQUEST for
 * settings that are wrong and IDP_UNAVAILABLE when the database cannot be used, and then a text in
 * *why (unless why is NULL), which the caller frees; IDP_FAULT without memory.
 */
enum idp_err postgres_open(const struct sql_settings *settings, char **why, struct sql **out);
