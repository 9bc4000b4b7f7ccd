/* Brings a database to the schema of this program. The scripts are schema/NNNN-name.sql. */
#pragma once

#include "base/error.h"

struct sql;

/*
 * Runs the scripts that the database lacks, all in one transaction with their rows in
 * schema_version; nodes that run hear of it as of a new generation. Programs may do this at the
 * same time: one of them does it. A database that has the program's schema, or a newer one that it
 * can work with, is left as it is. Returns IDP_CONFLICT for one that is not for this program
 * (schema_may_migrate() says why), IDP_FAULT for a script that fails, and otherwise what
 * sql_transact() does; the log tells each script.
 */
enum idp_err migrate_run(struct sql *db);

/*
 * For programs that work with the database: checks that this one can, and changes nothing, save
 * that an embedded store which is empty gets its tables, so that a first start needs no other
 * command. Returns IDP_CONFLICT, and a line in *why that the caller frees, when it cannot.
 */
enum idp_err migrate_check(struct sql *db, char **why);
