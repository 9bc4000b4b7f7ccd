#include "jose/wrapped.h"

#include "jose/master.h"
#include "store/sql.h"

enum idp_err wrapped_with(struct sql_tx *tx, struct arena *arena, const struct master_key *masters,
                          const struct master_key **out)
{
    struct sql_rows rows;
    const struct sql_call call = {
        .text = "SELECT 'signing', kid, wrapped FROM signing_keys UNION ALL "
                "SELECT purpose, CAST(id AS TEXT), wrapped FROM purpose_keys LIMIT 1"};
    enum idp_err err = sql_run(tx, arena, &call, &rows, NULL);
    if (err != IDP_OK)
        return err;
    if (rows.rows == 0) {
        *out = masters;
        return IDP_OK;
    }
    const struct master_label label = {.purpose = sql_cell_text(&rows, 0, 0),
                                       .id = sql_cell_text(&rows, 0, 1)};
    const char *wrapped = sql_cell_text(&rows, 0, 2);
    return master_pick(masters, &label, wrapped, arena, out);
}
