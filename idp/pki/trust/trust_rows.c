#include "pki/trust/trust_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "pki/trust/trust.h"
#include "pki/trust/trust_signatures.h"
#include "store/sql.h"

enum { NAME_MAX_LEN = 96, WHY_MAX = 192 };

/* What row_of() reads. */
#define COLUMNS "number, list_number, version, loaded"
enum { DOCUMENT = 4, SIGNATURES };

static struct trust_row row_of(const struct sql_rows *rows, size_t i)
{
    return (struct trust_row){.loading = sql_cell_int(rows, i, 0),
                              .number = sql_cell_int(rows, i, 1),
                              .version = sql_cell_text(rows, i, 2),
                              .loaded = sql_cell_int(rows, i, 3)};
}

enum idp_err trust_row_newest(struct sql *db, struct arena *arena, struct trust_row *out)
{
    static const struct sql_call call = {.text = "SELECT " COLUMNS
                                                 " FROM trust_lists ORDER BY number DESC LIMIT 1"};
    struct sql_rows rows;
    enum idp_err err = sql_read_one(db, arena, &call, &rows);
    if (err == IDP_OK)
        *out = row_of(&rows, 0);
    return err;
}

enum idp_err trust_row_was_in_file(struct sql *db, const char *version, bool *out)
{
    static const struct sql_call call = {
        .text = "SELECT version FROM trust_lists WHERE in_file = 1 ORDER BY number DESC LIMIT 1"};
    struct sql_rows rows;
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? sql_read(db, arena, &call, &rows) : IDP_FAULT;
    if (err == IDP_OK) {
        const char *last = rows.rows > 0 ? sql_cell_text(&rows, 0, 0) : NULL;
        *out = last != NULL && strcmp(last, version) == 0;
    }
    arena_free(arena);
    return err;
}

/* A query for one number, which is 0 where there is none. */
static enum idp_err read_number(struct sql *db, const struct sql_call *call, int64_t *out)
{
    struct sql_rows rows;
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? sql_read_one(db, arena, call, &rows) : IDP_FAULT;
    if (err == IDP_OK)
        *out = sql_cell_int(&rows, 0, 0);
    arena_free(arena);
    return err;
}

enum idp_err trust_row_find(struct sql *db, int64_t number, int64_t *loading)
{
    const struct sql_value params[] = {sql_int(number)};
    const struct sql_call call = {
        .text = "SELECT number FROM trust_lists WHERE list_number = $1 AND list_number > 0 "
                "ORDER BY number DESC LIMIT 1",
        .params = params,
        .count = 1};
    return read_number(db, &call, loading);
}

enum idp_err trust_rows_highest(struct sql *db, int64_t *out)
{
    static const struct sql_call call = {
        .text = "SELECT COALESCE(MAX(list_number), 0) FROM trust_lists"};
    return read_number(db, &call, out);
}

enum idp_err trust_row_read(struct sql *db, struct arena *arena, int64_t loading,
                            struct trust_row *out)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_int(loading)};
    const struct sql_call call = {
        .text = "SELECT " COLUMNS ", document, signatures FROM trust_lists WHERE number = $1",
        .params = params,
        .count = 1};
    enum idp_err err = sql_read_one(db, arena, &call, &rows);
    if (err != IDP_OK)
        return err;
    *out = row_of(&rows, 0);
    out->document = sql_cell_text(&rows, 0, DOCUMENT);
    out->signatures = sql_cell_text(&rows, 0, SIGNATURES);
    bool whole = out->version != NULL && out->document != NULL && out->signatures != NULL;
    return whole ? IDP_OK : IDP_FAULT;
}

enum idp_err trust_rows_list(struct sql *db, struct arena *arena, const struct trust_row **out,
                             size_t *count)
{
    const struct sql_value params[] = {sql_int(TRUST_ROWS_MAX)};
    const struct sql_call call = {.text = "SELECT " COLUMNS
                                          " FROM trust_lists ORDER BY number DESC LIMIT $1",
                                  .params = params,
                                  .count = 1};
    struct sql_rows rows;
    enum idp_err err = sql_read(db, arena, &call, &rows);
    if (err != IDP_OK)
        return err;
    struct trust_row *list = arena_alloc(arena, (rows.rows + 1) * sizeof(*list));
    if (list == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < rows.rows; i++)
        list[i] = row_of(&rows, i);
    *out = list;
    *count = rows.rows;
    return IDP_OK;
}

/* --- as a list ------------------------------------------------------------------------------ */

/* The document is what was loaded: damage is told as such, not as a bad signature. */
static enum idp_err check_version(const struct trust_row *row, const char *name,
                                  const struct trust *trust, char **why)
{
    if (strcmp(trust->version, row->version) == 0 && trust->number == row->number)
        return IDP_OK;
    *why = malloc(WHY_MAX);
    if (*why == NULL)
        return IDP_FAULT;
    (void)snprintf(*why, WHY_MAX, "%s: is not what was loaded", name);
    return IDP_BAD_REQUEST;
}

static enum idp_err parse(const struct trust_row *row, const struct trust_managers *managers,
                          char **why, struct trust **out)
{
    char name[NAME_MAX_LEN];
    char beside[NAME_MAX_LEN];
    struct trust *trust = NULL;
    (void)snprintf(name, sizeof(name), "trust list %lld in the database (loading %lld)",
                   (long long)row->number, (long long)row->loading);
    (void)snprintf(beside, sizeof(beside), "signatures of trust list %lld in the database",
                   (long long)row->number);
    const struct trust_signatures signatures = {beside, row->signatures, strlen(row->signatures)};
    enum idp_err err = trust_parse(name, row->document, strlen(row->document), why, &trust);
    if (err == IDP_OK)
        err = check_version(row, name, trust, why);
    if (err == IDP_OK)
        err = trust_signatures_demand(managers, &signatures, trust, why);
    if (err == IDP_OK)
        *out = trust;
    else
        trust_free(trust);
    return err;
}

/* A list that is loaded meanwhile may be ahead of ours here: what is over is over in both. */
enum idp_err trust_row_add_ends(struct sql *db, struct trust *trust)
{
    static const struct sql_call call = {
        .text = "SELECT id, rights_ended FROM authorities WHERE rights_ended IS NOT NULL"};
    struct sql_rows rows;
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? sql_read(db, arena, &call, &rows) : IDP_FAULT;
    for (size_t i = 0; err == IDP_OK && i < rows.rows; i++)
        trust_set_rights_ended(trust, sql_cell_text(&rows, i, 0), sql_cell_int(&rows, i, 1));
    arena_free(arena);
    return err;
}

enum idp_err trust_row_load(struct sql *db, const struct trust_managers *managers, int64_t loading,
                            char **why, struct trust **out)
{
    struct trust_row row;
    struct trust *trust = NULL;
    struct arena *arena = arena_new();
    *why = NULL;
    enum idp_err err = arena != NULL ? trust_row_read(db, arena, loading, &row) : IDP_FAULT;
    if (err == IDP_OK)
        err = parse(&row, managers, why, &trust);
    if (err == IDP_OK)
        err = trust_row_add_ends(db, trust);
    if (err == IDP_OK)
        trust->loading = row.loading;
    arena_free(arena);
    if (err == IDP_OK)
        *out = trust;
    else
        trust_free(trust);
    return err;
}
