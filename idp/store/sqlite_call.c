#include "store/sqlite_call.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "store/harvest.h"

/* --- answers ------------------------------------------------------------------------------- */

static enum idp_err meaning(int code)
{
    switch (code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return IDP_OK;
    case SQLITE_CONSTRAINT:
        return IDP_CONFLICT;
    case SQLITE_ERROR: /* the statement is wrong */
    case SQLITE_AUTH:  /* the statement is none that a caller may use */
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM:
        return IDP_FAULT;
    default: /* busy, full, I/O error, not a database … */
        return IDP_UNAVAILABLE;
    }
}

enum idp_err sqlite_result(sqlite3 *db, int code, const char *what)
{
    struct log_line line;
    enum idp_err err = meaning(code);
    if (err == IDP_OK || err == IDP_CONFLICT)
        return err;
    log_begin(&line, LOG_ERROR, err == IDP_FAULT ? "sql_statement_wrong" : "sql_unavailable");
    log_text(&line, "reason", db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code));
    log_number(&line, "code", db != NULL ? sqlite3_extended_errcode(db) : code);
    log_text(&line, "statement", what);
    log_end(&line);
    return err;
}

static enum idp_err wrong(const char *text, const char *why)
{
    struct log_line line;
    log_begin(&line, LOG_ERROR, "sql_statement_wrong");
    log_text(&line, "reason", why);
    log_text(&line, "statement", text);
    log_end(&line);
    return IDP_FAULT;
}

/* --- preparing ----------------------------------------------------------------------------- */

/* Learns which $n each parameter is: SQLite numbers them by first appearance. */
static bool read_parameters(struct sqlite_statement *statement)
{
    statement->count = sqlite3_bind_parameter_count(statement->stmt);
    if (statement->count > SQLITE_PARAMS_MAX)
        return false;
    for (int i = 0; i < statement->count; i++) {
        int64_t n = 0;
        const char *name = sqlite3_bind_parameter_name(statement->stmt, i + 1);
        if (name == NULL || *name != '$' || !text_to_number(name + 1, 1, SQLITE_PARAMS_MAX, &n))
            return false;
        statement->numbers[i] = (unsigned char)(n - 1);
        if ((size_t)n > statement->params)
            statement->params = (size_t)n;
    }
    return true;
}

static enum idp_err prepare(sqlite3 *db, const char *text, struct sqlite_statement *statement)
{
    const char *rest = NULL;
    int code = sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement->stmt, &rest);
    if (code != SQLITE_OK)
        return sqlite_result(db, code, text);
    if (statement->stmt == NULL || rest[strspn(rest, " \t\r\n;")] != '\0')
        return wrong(text, "not one statement");
    if (!read_parameters(statement))
        return wrong(text, "parameters are $1 to $64");
    return IDP_OK;
}

enum idp_err sqlite_statement_prepare(sqlite3 *db, const char *text, struct sqlite_statement **out)
{
    struct sqlite_statement *statement = calloc(1, sizeof(*statement));
    if (statement == NULL)
        return IDP_FAULT;
    statement->address = text;
    statement->text = strdup(text);
    enum idp_err err = statement->text != NULL ? prepare(db, text, statement) : IDP_FAULT;
    if (err != IDP_OK) {
        sqlite_statement_free(statement);
        return err;
    }
    *out = statement;
    return IDP_OK;
}

void sqlite_statement_free(struct sqlite_statement *statement)
{
    if (statement == NULL)
        return;
    (void)sqlite3_finalize(statement->stmt); /* repeats an error that was reported before */
    free(statement->text);
    free(statement);
}

/* --- parameters ---------------------------------------------------------------------------- */

/* Bytes are not copied: the statement is reset before its caller's parameters end. */
static int bind_one(sqlite3_stmt *stmt, int i, const struct sql_value *value)
{
    switch (value->type) {
    case SQL_INTEGER:
        return sqlite3_bind_int64(stmt, i, value->number);
    case SQL_TEXT:
        return sqlite3_bind_text64(stmt, i, value->bytes, value->len, SQLITE_STATIC, SQLITE_UTF8);
    case SQL_BLOB:
        if (value->len == 0) /* no bytes at NULL would be SQL NULL */
            return sqlite3_bind_zeroblob(stmt, i, 0);
        return sqlite3_bind_blob64(stmt, i, value->bytes, value->len, SQLITE_STATIC);
    case SQL_NULL:
    default:
        return sqlite3_bind_null(stmt, i);
    }
}

static enum idp_err bind(struct sqlite_statement *statement, const struct sql_call *call)
{
    if (call->count != statement->params)
        return wrong(call->text, "a wrong number of parameters");
    for (int i = 0; i < statement->count; i++) {
        const struct sql_value *value = &call->params[statement->numbers[i]];
        if (value->type == SQL_TEXT && memchr(value->bytes, '\0', value->len) != NULL)
            return wrong(call->text, "a NUL in a text");
        int code = bind_one(statement->stmt, i + 1, value);
        if (code != SQLITE_OK)
            return sqlite_result(sqlite3_db_handle(statement->stmt), code, call->text);
    }
    return IDP_OK;
}

/* --- rows ---------------------------------------------------------------------------------- */

static enum idp_err take_bytes(struct harvest *harvest, sqlite3_stmt *stmt, int column,
                               struct sql_value *out)
{
    enum sql_type type = sqlite3_column_type(stmt, column) == SQLITE_TEXT ? SQL_TEXT : SQL_BLOB;
    /* Asked in this order, so that the length is that of these bytes. */
    const void *bytes = type == SQL_TEXT ? (const void *)sqlite3_column_text(stmt, column)
                                         : sqlite3_column_blob(stmt, column);
    size_t len = (size_t)sqlite3_column_bytes(stmt, column);
    if (bytes == NULL && len > 0)
        return IDP_FAULT;
    return harvest_bytes(harvest, type, bytes, len, out);
}

static enum idp_err take_cell(struct harvest *harvest, sqlite3_stmt *stmt, int column,
                              struct sql_value *out)
{
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        *out = sql_int(sqlite3_column_int64(stmt, column));
        return IDP_OK;
    case SQLITE_TEXT:
    case SQLITE_BLOB:
        return take_bytes(harvest, stmt, column, out);
    case SQLITE_NULL:
        return IDP_OK;
    default:
        return wrong(sqlite3_sql(stmt), "a real number in a row");
    }
}

static enum idp_err take_row(struct harvest *harvest, sqlite3_stmt *stmt)
{
    struct sql_value *row = NULL;
    enum idp_err err = harvest_row(harvest, &row);
    for (size_t i = 0; err == IDP_OK && i < harvest->columns; i++)
        err = take_cell(harvest, stmt, (int)i, &row[i]);
    return err;
}

/* Steps to the end; rows nobody asked for are passed over. */
static enum idp_err step_through(sqlite3_stmt *stmt, struct harvest *harvest)
{
    int code = SQLITE_OK;
    enum idp_err err = IDP_OK;
    while (err == IDP_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (harvest->arena == NULL)
            continue;
        harvest->columns = (size_t)sqlite3_column_count(stmt); /* may change with the schema */
        err = take_row(harvest, stmt);
    }
    return err != IDP_OK ? err : sqlite_result(sqlite3_db_handle(stmt), code, sqlite3_sql(stmt));
}

enum idp_err sqlite_statement_run(struct sqlite_statement *statement, struct arena *arena,
                                  const struct sql_call *call, struct sql_rows *out)
{
    struct harvest harvest = {.arena = out != NULL ? arena : NULL,
                              .columns = (size_t)sqlite3_column_count(statement->stmt)};
    enum idp_err err = bind(statement, call);
    if (err == IDP_OK)
        err = step_through(statement->stmt, &harvest);
    (void)sqlite3_reset(statement->stmt); /* repeats the error of the last step */
    (void)sqlite3_clear_bindings(statement->stmt);
    if (err != IDP_OK || out == NULL)
        return err;
    *out = harvest_rows(&harvest);
    return IDP_OK;
}
