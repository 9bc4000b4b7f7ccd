/*
 * A connection to a SQLite file, with the statements it has prepared. One thread at a time.
 *
 * A call that meets another process's lock waits for it, up to CONNECTION_BUSY_MS, and then returns
 * IDP_UNAVAILABLE, which is also what a full disk, a broken file and everything else becomes that
 * is no mistake of this program; a wrong statement is IDP_FAULT. Both are logged.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/sql.h"

enum { CONNECTION_BUSY_MS = 5000 };

struct sqlite_connection;

/* The statements that shape transactions. Those of callers may not: the connection refuses them. */
enum sqlite_step {
    STEP_BEGIN, /* for writing: takes the lock at once */
    STEP_COMMIT,
    STEP_ROLLBACK,
    STEP_SAVE,
    STEP_RELEASE,
    STEP_UNDO, /* all since STEP_SAVE, which still has to be released */
    STEPS,
};

/*
 * Opens an existing file. One that may write turns WAL on; one that may not refuses statements that
 * write. Returns IDP_UNAVAILABLE and a text in *why (unless why is NULL), which the caller frees,
 * when that does not work; IDP_FAULT for no memory.
 */
enum idp_err sqlite_connection_open(const char *path, bool may_write, char **why,
                                    struct sqlite_connection **out);

/* NULL is allowed. */
void sqlite_connection_close(struct sqlite_connection *connection);

/* Runs one statement: see sql_run(). */
enum idp_err sqlite_connection_run(struct sqlite_connection *connection, struct arena *arena,
                                   const struct sql_call *call, struct sql_rows *out,
                                   int64_t *changed);

/* Runs statements without parameters, one after the other. */
enum idp_err sqlite_connection_script(struct sqlite_connection *connection, const char *script);

enum idp_err sqlite_connection_step(struct sqlite_connection *connection, enum sqlite_step step);

/* Whether a transaction is open: some errors make SQLite roll back by itself. */
bool sqlite_connection_in_transaction(const struct sqlite_connection *connection);

/* Whether the last step failed because another process kept its lock for too long. */
bool sqlite_connection_was_busy(const struct sqlite_connection *connection);
