/*
 * Databases for tests, of whichever driver: SQLite files, or databases in a PostgreSQL server that
 * is started at the first call and ends with the program.
 */
#pragma once

#include <stddef.h>

enum database_kind { DATABASE_SQLITE, DATABASE_POSTGRES };

/* The one that tests run on which do not care: SQLite, or what TAMGA_TEST_SQL=postgresql says. */
enum database_kind database_kind(void);

enum { DATABASE_WHERE_MAX = 4352 };

/* Names a database that is empty, for sql_open(). SQLite's lies in the folder, as t.db. */
void database_make(enum database_kind kind, const char *folder, char where[DATABASE_WHERE_MAX]);

/* Names a copy of one that nobody has open. The copy before is gone: nobody may have it open. */
void database_copy(const char *from, const char *folder, char where[DATABASE_WHERE_MAX]);

/* Starts PostgreSQL now, if that is what database_kind() says: before there are threads. */
void database_prepare(void);

struct postgres_server;

/* The server that the databases are in. */
struct postgres_server *database_server(void);
