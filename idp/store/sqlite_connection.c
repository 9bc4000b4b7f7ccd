#include "store/sqlite_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "store/sqlite_call.h"

/* Prepared statements lie in small sets, chosen by the address of their text. */
enum { SETS = 64, WAYS = 4 };

static const char *const step_texts[STEPS] = {
    [STEP_BEGIN] = "BEGIN IMMEDIATE", [STEP_COMMIT] = "COMMIT",
    [STEP_ROLLBACK] = "ROLLBACK",     [STEP_SAVE] = "SAVEPOINT one",
    [STEP_RELEASE] = "RELEASE one",   [STEP_UNDO] = "ROLLBACK TO one",
};

struct sqlite_connection {
    sqlite3 *db;
    bool may_write;
    bool stepping; /* one of our own statements runs */
    bool was_busy;
    int64_t busy_since;
    unsigned turn; /* which of a set goes next */
    sqlite3_stmt *steps[STEPS];
    struct sqlite_statement *cache[SETS][WAYS];
};

/* --- opening ------------------------------------------------------------------------------- */

/* Another process has the lock: waits a little, for at most CONNECTION_BUSY_MS in all. */
static int wait_for_lock(void *with, int tried)
{
    struct sqlite_connection *connection = with;
    const struct timespec nap = {.tv_nsec = tried < 20 ? 500000 : 5000000};
    int64_t now = clock_ticks_ms();
    if (tried == 0)
        connection->busy_since = now;
    if (now - connection->busy_since >= CONNECTION_BUSY_MS)
        return 0;
    (void)nanosleep(&nap, NULL);
    return 1;
}

/* Callers' statements must not end the transaction they stand in, nor change the connection. */
static int authorise(void *with, int action, const char *a, const char *b, const char *c,
                     const char *d)
{
    const struct sqlite_connection *connection = with;
    (void)b, (void)c, (void)d;
    bool asks = action == SQLITE_PRAGMA && strcmp(a, "table_info") == 0; /* the names of columns */
    bool shapes = action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT ||
                  (action == SQLITE_PRAGMA && !asks) || action == SQLITE_ATTACH ||
                  action == SQLITE_DETACH;
    return shapes && !connection->stepping ? SQLITE_DENY : SQLITE_OK;
}

/* Turning WAL on needs the file for a moment, and SQLite does not wait for that by itself. */
static int turn_wal_on(sqlite3 *db)
{
    int code = SQLITE_OK;
    int64_t until = clock_ticks_ms() + CONNECTION_BUSY_MS;
    const struct timespec nap = {.tv_nsec = 5000000};
    while ((code = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL)) ==
               SQLITE_BUSY &&
           clock_ticks_ms() < until)
        (void)nanosleep(&nap, NULL);
    return code;
}

static int configure(struct sqlite_connection *connection)
{
    sqlite3 *db = connection->db;
    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_busy_handler(db, wait_for_lock, connection);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
    /* "x" is a name and never a text, as in PostgreSQL. */
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, (int *)NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, (int *)NULL);
    int code = connection->may_write ? turn_wal_on(db) : SQLITE_OK;
    if (code == SQLITE_OK)
        code = sqlite3_exec(db,
                            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                            "PRAGMA temp_store = MEMORY;" /* no copies of rows in /tmp */
                            "PRAGMA journal_size_limit = 67108864",
                            NULL, NULL, NULL);
    if (code == SQLITE_OK) /* reads the file's header: here a file that is no database shows */
        code = sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    return code;
}

static int prepare_steps(struct sqlite_connection *connection)
{
    for (size_t i = 0; connection->may_write && i < STEPS; i++) {
        int code = sqlite3_prepare_v3(connection->db, step_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &connection->steps[i], NULL);
        if (code != SQLITE_OK)
            return code;
    }
    return sqlite3_set_authorizer(connection->db, authorise, connection);
}

static char *describe(const char *path, sqlite3 *db, int code)
{
    const char *reason = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    size_t size = strlen(path) + strlen(reason) + 32;
    char *text = malloc(size);
    if (text != NULL)
        (void)snprintf(text, size, "cannot open %s: %s", path, reason);
    return text;
}

enum idp_err sqlite_connection_open(const char *path, bool may_write, char **why,
                                    struct sqlite_connection **out)
{
    int flags = SQLITE_OPEN_NOMUTEX | (may_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    struct sqlite_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        return IDP_FAULT;
    connection->may_write = may_write;
    int code = sqlite3_open_v2(path, &connection->db, flags, NULL);
    if (code == SQLITE_OK)
        code = configure(connection);
    if (code == SQLITE_OK)
        code = prepare_steps(connection);
    if (code == SQLITE_OK) {
        *out = connection;
        return IDP_OK;
    }
    (void)sqlite_result(connection->db, code, "open");
    if (why != NULL)
        *why = describe(path, connection->db, code);
    sqlite_connection_close(connection);
    return IDP_UNAVAILABLE;
}

void sqlite_connection_close(struct sqlite_connection *connection)
{
    if (connection == NULL)
        return;
    for (size_t i = 0; i < STEPS; i++)
        (void)sqlite3_finalize(connection->steps[i]);
    for (size_t i = 0; i < (size_t)SETS * WAYS; i++)
        sqlite_statement_free(connection->cache[i / WAYS][i % WAYS]);
    (void)sqlite3_close(connection->db);
    free(connection);
}

/* --- statements ---------------------------------------------------------------------------- */

static enum idp_err prepare(struct sqlite_connection *connection, const char *text,
                            struct sqlite_statement **out)
{
    struct sqlite_statement *statement = NULL;
    enum idp_err err = sqlite_statement_prepare(connection->db, text, &statement);
    if (err != IDP_OK)
        return err;
    if (!connection->may_write && !sqlite3_stmt_readonly(statement->stmt)) {
        (void)sqlite_result(NULL, SQLITE_AUTH, text); /* logs it: a read must not write */
        sqlite_statement_free(statement);
        return IDP_FAULT;
    }
    *out = statement;
    return IDP_OK;
}

/* The prepared statement for a text, from the cache or into it. */
static enum idp_err find(struct sqlite_connection *connection, const char *text,
                         struct sqlite_statement **out)
{
    uintptr_t address = (uintptr_t)text;
    struct sqlite_statement **set = connection->cache[(address ^ address >> 6) % SETS];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i] != NULL && set[i]->address == text && strcmp(set[i]->text, text) == 0) {
            *out = set[i];
            return IDP_OK;
        }
    }
    enum idp_err err = prepare(connection, text, out);
    if (err != IDP_OK)
        return err;
    struct sqlite_statement **place = &set[connection->turn++ % WAYS];
    sqlite_statement_free(*place);
    *place = *out;
    return IDP_OK;
}

enum idp_err sqlite_connection_run(struct sqlite_connection *connection, struct arena *arena,
                                   const struct sql_call *call, struct sql_rows *out,
                                   int64_t *changed)
{
    struct sqlite_statement *statement = NULL;
    enum idp_err err = find(connection, call->text, &statement);
    if (err == IDP_OK)
        err = sqlite_statement_run(statement, arena, call, out);
    if (err != IDP_OK || changed == NULL)
        return err;
    /* Of a statement that writes nothing SQLite would tell the number of the one before it. */
    bool reads = sqlite3_stmt_readonly(statement->stmt) != 0;
    *changed = reads ? 0 : sqlite3_changes64(connection->db);
    return IDP_OK;
}

enum idp_err sqlite_connection_script(struct sqlite_connection *connection, const char *script)
{
    int code = sqlite3_exec(connection->db, script, NULL, NULL, NULL);
    return sqlite_result(connection->db, code, "script");
}

enum idp_err sqlite_connection_step(struct sqlite_connection *connection, enum sqlite_step step)
{
    sqlite3_stmt *stmt = connection->steps[step];
    connection->stepping = true; /* SQLite may prepare the statement anew */
    int code = sqlite3_step(stmt);
    enum idp_err err = sqlite_result(connection->db, code, step_texts[step]);
    (void)sqlite3_reset(stmt);
    connection->stepping = false;
    connection->was_busy = (code & 0xFF) == SQLITE_BUSY;
    return err;
}

bool sqlite_connection_in_transaction(const struct sqlite_connection *connection)
{
    return sqlite3_get_autocommit(connection->db) == 0;
}

bool sqlite_connection_was_busy(const struct sqlite_connection *connection)
{
    return connection->was_busy;
}
