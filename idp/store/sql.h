/*
 * The truth: what must not be lost. Statements are written once, with $1, $2 … for both drivers.
 *
 * A driver must: make a transaction durable before sql_transact() returns IDP_OK; leave nothing of
 * one that fails; run transactions as if one after the other. It may run a body more than once
 * (a serialisation failure), so bodies change nothing outside the database but their own `with`,
 * which they set anew at each run. docs/decisions/two-stores.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct circuit;
struct figures;
struct sql;
struct sql_tx;

enum sql_type { SQL_NULL = 0, SQL_INTEGER, SQL_TEXT, SQL_BLOB };

/* A parameter or a column. Texts carry a NUL behind len bytes. */
struct sql_value {
    enum sql_type type;
    int64_t number;
    const void *bytes;
    size_t len;
};

/* For parameter lists: sql_int(1), sql_text("x") (NULL text is SQL NULL), sql_blob(p, n). */
struct sql_value sql_int(int64_t number);
struct sql_value sql_text(const char *text);
struct sql_value sql_blob(const void *bytes, size_t len);
struct sql_value sql_null(void);

/* A statement with its parameters. Statement texts are literals: drivers remember them by address
 * and text and prepare each once per connection. */
struct sql_call {
    const char *text;
    const struct sql_value *params;
    size_t count;
};

/* Rows, in the arena. values has columns * rows entries, row by row. */
struct sql_rows {
    size_t columns, rows;
    const struct sql_value *values;
};

/* Cell access: NULL / 0 when the cell is NULL or of another type. */
const char *sql_cell_text(const struct sql_rows *rows, size_t row, size_t column);
int64_t sql_cell_int(const struct sql_rows *rows, size_t row, size_t column);
const struct sql_value *sql_cell(const struct sql_rows *rows, size_t row, size_t column);

/* What one result may hold. */
enum { SQL_ROWS_MAX = 10000, SQL_BYTES_MAX = 64 * 1024 * 1024 };

struct sql_driver {
    const char *name;
    bool embedded; /* of one machine: whoever opens an empty one may make its tables. One that is
                      not notes its round trips itself (store/figures.h) */

    /* Statements about the database itself. */
    const char *tables;      /* the names of the tables in it, a row each */
    const char *columns;     /* the names of the columns of table $1, a row each, in their order */
    const char *lock_schema; /* until the transaction ends nobody else gets past this statement;
                                it does not stop reading. NULL: transactions never overlap */

    enum idp_err (*read)(struct sql *db, struct arena *arena, const struct sql_call *call,
                         struct sql_rows *out);
    enum idp_err (*transact)(struct sql *db, enum idp_err (*body)(struct sql_tx *tx, void *with),
                             void *with);
    /* May be NULL: then sql_execute() is a transaction with one statement. */
    enum idp_err (*execute)(struct sql *db, const struct sql_call *call, int64_t *changed);
    enum idp_err (*tx_run)(struct sql_tx *tx, struct arena *arena, const struct sql_call *call,
                           struct sql_rows *out, int64_t *changed);
    enum idp_err (*tx_script)(struct sql_tx *tx, const char *script);
    void (*close)(struct sql *db);
};

/* A driver's own structs begin with these. */
struct sql {
    const struct sql_driver *driver;
    struct figures *figures;       /* of the front; NULL: nothing is counted */
    const struct circuit *circuit; /* of the driver; NULL: it has none */
};
struct sql_tx {
    const struct sql_driver *driver;
};

/* Which database, and how it is asked. What is beside where is for PostgreSQL. */
struct sql_settings {
    const char *where;         /* "sqlite:PATH" or "postgresql://USER@HOST:PORT/DATABASE?..." */
    const char *password_file; /* NULL: no password */
    int64_t connections;       /* at most; 0: 16 */
    int64_t deadline_ms;       /* for connecting, and for each statement; 0: 3,000 */
    bool development;          /* without TLS on the network, without fsync */
};

/*
 * Opens a database. Returns IDP_BAD_REQUEST for settings that name none, IDP_UNAVAILABLE when it
 * cannot be opened, and then a text in *why (unless why is NULL), which the caller frees;
 * IDP_FAULT without memory.
 */
enum idp_err sql_open_with(const struct sql_settings *settings, char **why, struct sql **out);

/* The same with the defaults and no password, for development. */
enum idp_err sql_open(const char *where, char **why, struct sql **out);
void sql_close(struct sql *db);

/*
 * All of these return IDP_UNAVAILABLE when the database does not answer, IDP_WAIT on a thread that
 * may not wait (always: every SQL call waits), IDP_FAULT for no memory or a statement that is
 * wrong.
 */

/* Reads outside a transaction: sees what was committed. At most 10,000 rows (IDP_FULL). */
enum idp_err sql_read(struct sql *db, struct arena *arena, const struct sql_call *call,
                      struct sql_rows *out);

/* The first row only; IDP_NOT_FOUND when there is none. */
enum idp_err sql_read_one(struct sql *db, struct arena *arena, const struct sql_call *call,
                          struct sql_rows *out);

/*
 * Runs body in a transaction, on a thread of the driver's choice, and commits when it returns
 * IDP_OK; any other result undoes all it did and is returned.
 */
enum idp_err sql_transact(struct sql *db, enum idp_err (*body)(struct sql_tx *tx, void *with),
                          void *with);

/*
 * One statement in the transaction. out and changed (rows changed) may be NULL. Returns
 * IDP_CONFLICT when a UNIQUE or other constraint forbids it; the transaction then can only fail.
 */
enum idp_err sql_run(struct sql_tx *tx, struct arena *arena, const struct sql_call *call,
                     struct sql_rows *out, int64_t *changed);

/* The names of the tables, a text a row, as sql_read() does. */
enum idp_err sql_tables(struct sql *db, struct arena *arena, struct sql_rows *out);

/* A single statement as a transaction of its own. */
enum idp_err sql_execute(struct sql *db, const struct sql_call *call, int64_t *changed);
