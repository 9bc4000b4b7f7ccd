#include "pki/revocation/revoked_rows.h"

#include "base/arena.h"
#include "store/sql.h"

enum idp_err revoked_rows_open(struct sql *db, struct arena *arena, const struct revoked_row **out,
                               size_t *count)
{
    struct sql_rows rows;
    const struct sql_value most = sql_int(REVOKED_ROWS_MAX);
    const struct sql_call call = {
        .text = "SELECT number, certificate, authority, reason FROM revoked WHERE ended IS NULL "
                "ORDER BY number LIMIT $1",
        .params = &most,
        .count = 1};
    enum idp_err err = sql_read(db, arena, &call, &rows);
    if (err != IDP_OK)
        return err;
    struct revoked_row *list = arena_alloc(arena, (rows.rows + 1) * sizeof(*list));
    if (list == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < rows.rows; i++)
        list[i] = (struct revoked_row){.number = sql_cell_int(&rows, i, 0),
                                       .certificate = sql_cell_text(&rows, i, 1),
                                       .authority = sql_cell_text(&rows, i, 2),
                                       .reason = (int)sql_cell_int(&rows, i, 3)};
    *out = list;
    *count = rows.rows;
    return IDP_OK;
}

enum idp_err revoked_row_close(struct sql_tx *tx, int64_t number, int64_t now)
{
    int64_t changed = 0;
    const struct sql_value params[] = {sql_int(number), sql_int(now)};
    const struct sql_call call = {
        .text = "UPDATE revoked SET ended = $2 WHERE number = $1 AND ended IS NULL",
        .params = params,
        .count = 2};
    enum idp_err err = sql_run(tx, NULL, &call, NULL, &changed);
    return err == IDP_OK && changed == 0 ? IDP_NOT_FOUND : err;
}
