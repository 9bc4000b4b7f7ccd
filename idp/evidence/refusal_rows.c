#include "evidence/refusal_rows.h"

#include "base/arena.h"
#include "store/sql.h"

/* A sum is of another type than what is summed up, in one of the drivers. */
#define SUM_OF_COUNTS "CAST(SUM(r.count) AS BIGINT)"
#define WANTED "r.day >= $1 AND ($2 = '' OR r.authority = $2) "

static enum idp_err read(struct sql *db, struct arena *arena, const char *text,
                         const struct refusal_query *of, struct sql_rows *out)
{
    const struct sql_value params[] = {sql_int(of->since),
                                       sql_text(of->authority != NULL ? of->authority : "")};
    return sql_read(db, arena, &(struct sql_call){text, params, 2}, out);
}

enum idp_err refusal_sums_read(struct sql *db, struct arena *arena, const struct refusal_query *of,
                               const struct refusal_sum **out, size_t *count)
{
    struct sql_rows rows;
    enum idp_err err = read(
        db, arena,
        "SELECT r.authority, r.reason, " SUM_OF_COUNTS ", COUNT(DISTINCT CASE WHEN r.certificate "
        "<> '' THEN r.certificate END), MAX(r.last) FROM refusals r WHERE " WANTED
        "GROUP BY r.authority, r.reason ORDER BY r.authority, 3 DESC, r.reason",
        of, &rows);
    if (err != IDP_OK)
        return err;
    struct refusal_sum *sums = arena_alloc(arena, (rows.rows + 1) * sizeof(*sums));
    if (sums == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < rows.rows; i++)
        sums[i] = (struct refusal_sum){.authority = sql_cell_text(&rows, i, 0),
                                       .reason = sql_cell_text(&rows, i, 1),
                                       .count = sql_cell_int(&rows, i, 2),
                                       .certificates = sql_cell_int(&rows, i, 3),
                                       .last = sql_cell_int(&rows, i, 4)};
    *out = sums;
    *count = rows.rows;
    return IDP_OK;
}

enum idp_err refused_rows_read(struct sql *db, struct arena *arena, const struct refusal_query *of,
                               const struct refused_row **out, size_t *count)
{
    struct sql_rows rows;
    enum idp_err err =
        read(db, arena,
             "SELECT r.certificate, r.authority, r.reason, " SUM_OF_COUNTS ", MAX(r.last), c.uscc, "
             "c.serial FROM refusals r LEFT JOIN certificates c ON c.hash = r.certificate "
             "WHERE " WANTED "AND r.certificate <> '' "
             "GROUP BY r.certificate, r.authority, r.reason, c.uscc, c.serial "
             "ORDER BY 5 DESC, r.certificate, r.reason LIMIT 1000",
             of, &rows);
    if (err != IDP_OK)
        return err;
    struct refused_row *list = arena_alloc(arena, (rows.rows + 1) * sizeof(*list));
    if (list == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < rows.rows; i++)
        list[i] = (struct refused_row){.certificate = sql_cell_text(&rows, i, 0),
                                       .authority = sql_cell_text(&rows, i, 1),
                                       .reason = sql_cell_text(&rows, i, 2),
                                       .count = sql_cell_int(&rows, i, 3),
                                       .last = sql_cell_int(&rows, i, 4),
                                       .uscc = sql_cell_text(&rows, i, 5),
                                       .serial = sql_cell_text(&rows, i, 6)};
    *out = list;
    *count = rows.rows;
    return IDP_OK;
}
