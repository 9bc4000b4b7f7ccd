#include "store/sweep.h"

#include <string.h>

#include "base/arena.h"

enum { TOGETHER = 100 }; /* rows in a transaction */

/* What the body of a transaction is given: some of the rows of a step. */
struct removing {
    const struct sweep *sweep;
    const struct sql_rows *rows;
    size_t first, behind;
    int64_t before;
    int64_t deleted;
};

static enum idp_err remove_row(struct sql_tx *tx, struct removing *removing,
                               const struct sql_value *key)
{
    const struct sql_value params[] = {*key, sql_int(removing->before)};
    enum idp_err err = IDP_OK;
    int64_t changed = 0;
    for (const char *const *text = removing->sweep->remove; err == IDP_OK && *text != NULL; text++)
        err = sql_run(tx, NULL, &(struct sql_call){*text, params, 2}, NULL, &changed);
    removing->deleted += changed;
    return err;
}

static enum idp_err remove_some(struct sql_tx *tx, void *with)
{
    struct removing *removing = with;
    enum idp_err err = IDP_OK;
    removing->deleted = 0;
    for (size_t i = removing->first; err == IDP_OK && i < removing->behind; i++)
        if (sql_cell_int(removing->rows, i, 1) != 0)
            err = remove_row(tx, removing, sql_cell(removing->rows, i, 0));
    return err;
}

static bool has_any(const struct removing *removing)
{
    for (size_t i = removing->first; i < removing->behind; i++)
        if (sql_cell_int(removing->rows, i, 1) != 0)
            return true;
    return false;
}

/* Deletes what is over among these rows, in transactions of a bounded size. */
static enum idp_err remove_all(struct sql *db, struct removing *removing, int64_t *deleted)
{
    enum idp_err err = IDP_OK;
    for (size_t at = 0; err == IDP_OK && at < removing->rows->rows; at += TOGETHER) {
        size_t left = removing->rows->rows - at;
        removing->first = at;
        removing->behind = at + (left < TOGETHER ? left : TOGETHER);
        if (!has_any(removing))
            continue;
        err = sql_transact(db, remove_some, removing);
        if (err == IDP_OK)
            *deleted += removing->deleted;
    }
    return err;
}

static enum idp_err list(struct sql *db, struct arena *arena, const struct removing *removing,
                         const struct sweep_walk *walk, struct sql_rows *out)
{
    struct sql_value params[] = {sql_blob(walk->key, walk->len), sql_int(removing->before)};
    params[0].type = removing->sweep->key;
    return sql_read(db, arena, &(struct sql_call){removing->sweep->list, params, 2}, out);
}

/* The walk goes on behind the last row. */
static enum idp_err stand_behind(struct sweep_walk *walk, const struct sql_rows *rows)
{
    if (rows->rows == 0)
        return IDP_OK;
    const struct sql_value *last = sql_cell(rows, rows->rows - 1, 0);
    if (last == NULL || last->len > SWEEP_KEY_MAX)
        return IDP_FAULT;
    memcpy(walk->key, last->bytes, last->len);
    walk->len = last->len;
    return IDP_OK;
}

enum idp_err sweep_step(struct sql *db, const struct sweep *sweep, int64_t before,
                        struct sweep_walk *walk)
{
    struct sql_rows rows = {0};
    struct removing removing = {.sweep = sweep, .rows = &rows, .before = before - sweep->spare_s};
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? list(db, arena, &removing, walk, &rows) : IDP_FAULT;
    if (err == IDP_OK)
        err = remove_all(db, &removing, &walk->deleted);
    if (err == IDP_OK)
        err = stand_behind(walk, &rows);
    if (err == IDP_OK)
        walk->whole = rows.rows < SWEEP_STEP_MAX;
    arena_free(arena);
    return err;
}
