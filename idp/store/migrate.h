/* Brings a database to the schema of this program. The scripts are schema/NNNN-name.sql. */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct sql;

/* The schema version this program was built for: the highest number in schema/. */
int64_t migrate_version(void);

/*
 * Runs the scripts that the database lacks, each in a transaction with its row in
 * schema_version. Returns IDP_CONFLICT when the database is newer than the program.
 */
enum idp_err migrate_run(struct sql *db);
