/*
 * Writes to a SQLite file for many threads: group commit.
 *
 * There is one transaction at a time, and one sync for all that come while another is being made.
 * No thread is kept for it: a caller who finds nobody writing leads. It runs its own body and those
 * of everyone who has come meanwhile, each behind a savepoint, commits, hands the lead to the first
 * of those who came too late, and wakes the others. So a caller who is alone pays for no wake-up,
 * nobody waits for company, and each caller is woken once.
 */
#pragma once

#include "base/error.h"
#include "store/sql.h"

struct sqlite_connection;
struct sqlite_writer;

/* Takes connection over, also when it fails. Returns NULL when there is no memory. */
struct sqlite_writer *sqlite_writer_new(const struct sql_driver *driver,
                                        struct sqlite_connection *connection);

/* No call may be running. NULL is allowed. */
void sqlite_writer_free(struct sqlite_writer *writer);

/* Open while the writer cannot write. Lives as long as the writer. */
const struct circuit *sqlite_writer_circuit(const struct sqlite_writer *writer);

/* See sql_transact(). A body that calls this again is answered IDP_FAULT. */
enum idp_err sqlite_writer_transact(struct sqlite_writer *writer,
                                    enum idp_err (*body)(struct sql_tx *tx, void *with),
                                    void *with);

/* The driver's tx_run and tx_script. After an error the transaction can only fail. */
enum idp_err sqlite_tx_run(struct sql_tx *tx, struct arena *arena, const struct sql_call *call,
                           struct sql_rows *out, int64_t *changed);
enum idp_err sqlite_tx_script(struct sql_tx *tx, const char *script);
