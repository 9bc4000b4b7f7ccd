/* The front of the SQL store: who may wait, figures, and the choice of a driver. */
#include "store/sql.h"

#include <string.h>

#include "base/clock.h"
#include "base/lane.h"
#include "base/text.h"
#include "store/figures.h"
#include "store/postgres.h"
#include "store/sqlite.h"

struct sql_value sql_int(int64_t number)
{
    return (struct sql_value){.type = SQL_INTEGER, .number = number};
}

struct sql_value sql_text(const char *text)
{
    if (text == NULL)
        return sql_null();
    return (struct sql_value){.type = SQL_TEXT, .bytes = text, .len = strlen(text)};
}

struct sql_value sql_blob(const void *bytes, size_t len)
{
    return (struct sql_value){.type = SQL_BLOB, .bytes = bytes, .len = len};
}

struct sql_value sql_null(void)
{
    return (struct sql_value){.type = SQL_NULL};
}

const struct sql_value *sql_cell(const struct sql_rows *rows, size_t row, size_t column)
{
    if (row >= rows->rows || column >= rows->columns)
        return NULL;
    const struct sql_value *value = &rows->values[row * rows->columns + column];
    return value->type != SQL_NULL ? value : NULL;
}

const char *sql_cell_text(const struct sql_rows *rows, size_t row, size_t column)
{
    const struct sql_value *value = sql_cell(rows, row, column);
    return value != NULL && value->type == SQL_TEXT ? value->bytes : NULL;
}

int64_t sql_cell_int(const struct sql_rows *rows, size_t row, size_t column)
{
    const struct sql_value *value = sql_cell(rows, row, column);
    return value != NULL && value->type == SQL_INTEGER ? value->number : 0;
}

static enum idp_err open_driver(const struct sql_settings *settings, char **why, struct sql **out)
{
    static const char sqlite[] = "sqlite:";
    const char *where = settings->where;
    if (text_starts(where, sqlite))
        return sqlite_open(where + sizeof(sqlite) - 1, why, out);
    if (text_starts(where, "postgresql://") || text_starts(where, "postgres://"))
        return postgres_open(settings, why, out);
    return IDP_BAD_REQUEST;
}

enum idp_err sql_open_with(const struct sql_settings *settings, char **why, struct sql **out)
{
    struct sql *db = NULL;
    struct figures *figures = figures_new(FIGURES_SQL);
    if (why != NULL)
        *why = NULL;
    enum idp_err err = figures != NULL ? open_driver(settings, why, &db) : IDP_FAULT;
    if (err == IDP_BAD_REQUEST && why != NULL && *why == NULL)
        *why = strdup("store.sql: expected sqlite:PATH or postgresql://USER@HOST/DATABASE");
    if (err != IDP_OK) {
        figures_free(figures);
        return err;
    }
    db->figures = figures;
    *out = db;
    return IDP_OK;
}

enum idp_err sql_open(const char *where, char **why, struct sql **out)
{
    const struct sql_settings settings = {.where = where, .development = true};
    return sql_open_with(&settings, why, out);
}

void sql_close(struct sql *db)
{
    if (db == NULL)
        return;
    struct figures *figures = db->figures;
    db->driver->close(db);
    figures_free(figures);
}

/* Notes a call that ended; a transaction is one, whatever its body did. */
static enum idp_err end(const struct sql *db, int64_t began, enum idp_err err)
{
    if (db->driver->embedded)
        figures_trip(db->figures);
    figures_call(db->figures, err, clock_ticks_us() - began);
    return err;
}

enum idp_err sql_read(struct sql *db, struct arena *arena, const struct sql_call *call,
                      struct sql_rows *out)
{
    if (!lane_may_wait())
        return IDP_WAIT;
    int64_t began = clock_ticks_us();
    return end(db, began, db->driver->read(db, arena, call, out));
}

enum idp_err sql_read_one(struct sql *db, struct arena *arena, const struct sql_call *call,
                          struct sql_rows *out)
{
    struct sql_rows rows = {0};
    enum idp_err err = sql_read(db, arena, call, &rows);
    if (err != IDP_OK)
        return err;
    if (rows.rows == 0)
        return IDP_NOT_FOUND;
    rows.rows = 1;
    *out = rows;
    return IDP_OK;
}

enum idp_err sql_transact(struct sql *db, enum idp_err (*body)(struct sql_tx *tx, void *with),
                          void *with)
{
    if (!lane_may_wait())
        return IDP_WAIT;
    int64_t began = clock_ticks_us();
    return end(db, began, db->driver->transact(db, body, with));
}

enum idp_err sql_run(struct sql_tx *tx, struct arena *arena, const struct sql_call *call,
                     struct sql_rows *out, int64_t *changed)
{
    if (out != NULL && arena == NULL)
        return IDP_FAULT; /* rows need a place */
    return tx->driver->tx_run(tx, arena, call, out, changed);
}

enum idp_err sql_tables(struct sql *db, struct arena *arena, struct sql_rows *out)
{
    return sql_read(db, arena, &(struct sql_call){.text = db->driver->tables}, out);
}

/* What sql_execute() gives to its body. */
struct single {
    const struct sql_call *call;
    int64_t changed;
};

static enum idp_err run_single(struct sql_tx *tx, void *with)
{
    struct single *single = with;
    return sql_run(tx, NULL, single->call, NULL, &single->changed);
}

enum idp_err sql_execute(struct sql *db, const struct sql_call *call, int64_t *changed)
{
    struct single single = {.call = call};
    if (!lane_may_wait())
        return IDP_WAIT;
    int64_t began = clock_ticks_us();
    enum idp_err err = db->driver->execute != NULL ? db->driver->execute(db, call, &single.changed)
                                                   : db->driver->transact(db, run_single, &single);
    if (err == IDP_OK && changed != NULL)
        *changed = single.changed;
    return end(db, began, err);
}
