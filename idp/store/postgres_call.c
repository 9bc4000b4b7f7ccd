#include "store/postgres_call.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/harvest.h"
#include "store/postgres_report.h"

/* The types of columns, as PostgreSQL numbers them (src/include/catalog/pg_type.dat). */
enum {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_NAME = 19,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_VARCHAR = 1043,
};

/* --- parameters ---------------------------------------------------------------------------- */

static void set_number(struct postgres_params *params, int i, int64_t number)
{
    (void)snprintf(params->digits[i], POSTGRES_DIGITS, "%" PRId64, number);
    params->values[i] = params->digits[i];
}

static void set_bytes(struct postgres_params *params, int i, const struct sql_value *value)
{
    params->values[i] = value->len > 0 ? value->bytes : ""; /* NULL would be SQL NULL */
    params->lengths[i] = (int)value->len;
    params->formats[i] = 1;
}

/* What is wrong with a parameter, or NULL. */
static const char *problem(const struct sql_value *value)
{
    if (value->type != SQL_TEXT && value->type != SQL_BLOB)
        return NULL;
    if (value->len > INT_MAX)
        return "a parameter is too long";
    if (value->type == SQL_TEXT && value->len > 0 && memchr(value->bytes, '\0', value->len) != NULL)
        return "a NUL in a text";
    return NULL;
}

enum idp_err postgres_params_fill(const struct sql_call *call, struct postgres_params *out)
{
    if (call->count > POSTGRES_PARAMS_MAX)
        return postgres_report_wrong(call->text, "parameters are $1 to $64");
    out->count = (int)call->count;
    for (int i = 0; i < out->count; i++) {
        const struct sql_value *value = &call->params[i];
        const char *why = problem(value);
        if (why != NULL)
            return postgres_report_wrong(call->text, why);
        out->values[i] = NULL;
        out->formats[i] = out->lengths[i] = 0;
        if (value->type == SQL_INTEGER)
            set_number(out, i, value->number);
        if (value->type == SQL_TEXT || value->type == SQL_BLOB)
            set_bytes(out, i, value);
    }
    return IDP_OK;
}

/* --- rows ---------------------------------------------------------------------------------- */

/* Two's complement, the highest byte first. */
static int64_t read_number(const char *bytes, int len)
{
    const unsigned char *at = (const unsigned char *)bytes;
    uint64_t number = len > 0 && (at[0] & 0x80) != 0 ? UINT64_MAX : 0;
    for (int i = 0; i < len; i++)
        number = number << 8 | at[i];
    return (int64_t)number;
}

static enum idp_err take_cell(struct harvest *harvest, const PGresult *result, int column,
                              struct sql_value *out)
{
    const char *bytes = PQgetvalue(result, 0, column);
    int len = PQgetlength(result, 0, column);
    if (PQgetisnull(result, 0, column) != 0)
        return IDP_OK;
    switch (PQftype(result, column)) {
    case TYPE_BOOL:
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
        *out = sql_int(read_number(bytes, len));
        return IDP_OK;
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_NAME:
        return harvest_bytes(harvest, SQL_TEXT, bytes, (size_t)len, out);
    case TYPE_BYTEA:
        return harvest_bytes(harvest, SQL_BLOB, bytes, (size_t)len, out);
    default:
        return IDP_BAD_REQUEST;
    }
}

enum idp_err postgres_row_take(struct harvest *harvest, const PGresult *result, const char *text)
{
    struct sql_value *row = NULL;
    harvest->columns = (size_t)PQnfields(result);
    enum idp_err err = harvest_row(harvest, &row);
    for (int i = 0; err == IDP_OK && i < PQnfields(result); i++)
        err = take_cell(harvest, result, i, &row[i]);
    if (err == IDP_BAD_REQUEST)
        return postgres_report_wrong(text, "a column that is no integer, text or bytes");
    return err;
}

int64_t postgres_changed(PGresult *result)
{
    int64_t changed = 0;
    if (text_starts(PQcmdStatus(result), "SELECT"))
        return 0;
    return text_to_number(PQcmdTuples(result), 0, INT64_MAX, &changed) ? changed : 0;
}
