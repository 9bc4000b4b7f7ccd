/* Brings a database to the schema of this program. The scripts are schema/NNNN-name.sql. */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct sql;

/* The schema version this program was built for: the highest number in schema/. */
int64_t migrate_version(void);

/*
 * Runs the scripts that the database lacks, each in a transaction with its row in
 * schema_version. Programs may start at the same time: each script is run by one of them. Returns
 * IDP_CONFLICT when the database is newer than the program, IDP_FAULT for a script that fails, and
 * otherwise as sql_transact(); the log says which.
 */
enum idp_err migrate_run(struct sql *db);
