/*
 * A database with keys in it, for the tests of jose/: of each driver in turn, and failing when a
 * test says so. Two master keys: the one in use, and one that is to come.
 */
#pragma once

#include "jose/signing_keys.h"
#include "tests/store/database.h"
#include "tests/store/doubles.h"

struct arena;
struct master_key;
struct sql;

extern struct vault {
    struct arena *arena; /* of the test */
    char *folder;
    char where[DATABASE_WHERE_MAX];
    struct sql *db;
    struct faulty_sql faulty;                /* before db */
    struct master_key *master, *next, *both; /* both: the first two, joined */
} vault;

/* For each test. The database is migrated and empty. */
void vault_open(enum database_kind kind);
void vault_close(void);

/* Another connection to it, which the caller closes. */
struct sql *vault_connect(void);

/* Runs a statement that works. */
void vault_execute(const char *statement);

/* The first cell of the first row. */
int64_t vault_number(const char *query);
