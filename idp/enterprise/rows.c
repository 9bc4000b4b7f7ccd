#include "enterprise/rows.h"

#include "base/arena.h"
#include "enterprise/cells.h"
#include "store/sql.h"

#define SELECT_ENTERPRISE                                                                          \
    "SELECT " CELLS_ENTERPRISE ", e.created, e.changed, e.rights_ended, "                          \
    "(SELECT COUNT(*) FROM locks l WHERE l.enterprise = e.id AND l.unbound IS NULL) "              \
    "FROM enterprises e "

static struct enterprise_row read_enterprise(const struct sql_rows *rows, size_t row)
{
    return (struct enterprise_row){
        .enterprise = cells_enterprise(rows, row, 0),
        .created = sql_cell_int(rows, row, CELLS_OF_ENTERPRISE),
        .changed = sql_cell_int(rows, row, CELLS_OF_ENTERPRISE + 1),
        .rights_ended = sql_cell_int(rows, row, CELLS_OF_ENTERPRISE + 2),
        .locks = sql_cell_int(rows, row, CELLS_OF_ENTERPRISE + 3),
    };
}

enum idp_err enterprise_rows_read(struct sql *db, struct arena *arena, const char *after,
                                  struct enterprise_rows *out)
{
    struct sql_rows rows;
    const struct sql_value param = sql_text(after);
    enum idp_err err =
        sql_read(db, arena,
                 &(struct sql_call){SELECT_ENTERPRISE "WHERE e.uscc > $1 ORDER BY e.uscc LIMIT 500",
                                    &param, 1},
                 &rows);
    if (err != IDP_OK)
        return err;
    struct enterprise_row *read = arena_alloc(arena, (rows.rows + 1) * sizeof(*read));
    if (read == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < rows.rows; i++)
        read[i] = read_enterprise(&rows, i);
    *out = (struct enterprise_rows){.rows = read, .count = rows.rows};
    return IDP_OK;
}

enum idp_err enterprise_row_find(struct sql *db, struct arena *arena, const char *name,
                                 struct enterprise_row *out)
{
    struct sql_rows rows;
    const struct sql_value param = sql_text(name);
    enum idp_err err = sql_read_one(
        db, arena,
        &(struct sql_call){SELECT_ENTERPRISE "WHERE e.id = $1 OR e.uscc = $1", &param, 1}, &rows);
    if (err == IDP_OK)
        *out = read_enterprise(&rows, 0);
    return err;
}

#define SELECT_LOCK "SELECT " CELLS_LOCK ", l.enterprise, l.bound, l.unbound FROM locks l "

static struct lock_row read_lock(const struct sql_rows *rows, size_t row)
{
    return (struct lock_row){
        .lock = cells_lock(rows, row, 0),
        .enterprise = sql_cell_text(rows, row, CELLS_OF_LOCK),
        .bound = sql_cell_int(rows, row, CELLS_OF_LOCK + 1),
        .unbound = sql_cell_int(rows, row, CELLS_OF_LOCK + 2),
    };
}

enum idp_err lock_rows_read(struct sql *db, struct arena *arena, const char *enterprise,
                            struct lock_rows *out)
{
    struct sql_rows rows;
    const struct sql_value param = sql_text(enterprise);
    enum idp_err err = sql_read(
        db, arena,
        &(struct sql_call){SELECT_LOCK "WHERE l.enterprise = $1 ORDER BY l.bound, l.id", &param, 1},
        &rows);
    if (err != IDP_OK)
        return err;
    struct lock_row *read = arena_alloc(arena, (rows.rows + 1) * sizeof(*read));
    if (read == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < rows.rows; i++)
        read[i] = read_lock(&rows, i);
    *out = (struct lock_rows){.rows = read, .count = rows.rows};
    return IDP_OK;
}

enum idp_err lock_row_find(struct sql *db, struct arena *arena, const char *id,
                           struct lock_row *out)
{
    struct sql_rows rows;
    const struct sql_value param = sql_text(id);
    enum idp_err err = sql_read_one(
        db, arena, &(struct sql_call){SELECT_LOCK "WHERE l.id = $1", &param, 1}, &rows);
    if (err == IDP_OK)
        *out = read_lock(&rows, 0);
    return err;
}
