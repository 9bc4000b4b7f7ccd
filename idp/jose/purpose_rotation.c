#include "jose/purpose_rotation.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "jose/key_work.h"
#include "store/generation.h"
#include "store/sql.h"

static const int64_t day_s = 86400;

/* For how long after it was retired something that a key made may be shown; the longest that the
 * settings allow, for they may have been other ones. 0: as long as it is in use, or for ever. */
static const int64_t kept_days[PURPOSES] = {
    [PURPOSE_TOKEN] = 2,
    [PURPOSE_REFRESH] = 400,
    [PURPOSE_COOKIE] = 8,
};

struct change {
    const struct key_work *work;
    struct arena *arena;
    enum purpose purpose;
    int64_t id;
    struct purpose_rotated done;
};

/* The key of the purpose that waits, or that is used; NULL when there is none. */
static const struct purpose_row *find(const struct purpose_rows *rows, enum purpose purpose,
                                      bool waiting)
{
    for (size_t i = rows->count; i-- > 0;) {
        const struct purpose_row *row = &rows->rows[i];
        if (row->purpose == purpose && row->retired == 0 && row->waiting == waiting)
            return row;
    }
    return NULL;
}

static enum idp_err look(struct sql_tx *tx, struct change *change, struct purpose_rows *rows)
{
    enum idp_err err = purpose_rows_read_in(tx, change->arena, rows);
    if (err != IDP_OK)
        return err;
    const struct purpose_row *used = find(rows, change->purpose, false);
    change->done = (struct purpose_rotated){.replaces = used != NULL ? used->id : 0};
    return IDP_OK;
}

/* "token 7" */
static enum idp_err note(struct sql_tx *tx, const struct change *change, const char *event,
                         int64_t id)
{
    const char *key =
        arena_printf(change->arena, "%s %lld", purpose_name(change->purpose), (long long)id);
    return key != NULL ? key_work_note(change->work, tx, change->arena, event, key) : IDP_FAULT;
}

static enum idp_err publish(struct sql_tx *tx, void *with)
{
    struct change *change = with;
    struct purpose_rows rows;
    enum idp_err err = look(tx, change, &rows);
    if (err != IDP_OK)
        return err;
    const struct purpose_making making = {.master = change->work->master,
                                          .purpose = change->purpose,
                                          .now = change->work->now,
                                          .waiting = true};
    const struct purpose_row *waiting = find(&rows, change->purpose, true);
    if (waiting != NULL)
        change->done.id = waiting->id;
    else
        err = purpose_row_make(tx, change->arena, &making, &change->done.id);
    return err == IDP_OK ? generation_bump(tx, &change->done.generation) : err;
}

static enum idp_err use(struct sql_tx *tx, const struct change *change)
{
    const struct sql_value id[] = {sql_int(change->id)};
    const struct sql_value others[] = {
        sql_int(change->work->now), sql_text(purpose_name(change->purpose)), sql_int(change->id)};
    const struct sql_call use_it = {
        .text = "UPDATE purpose_keys SET waiting = 0 WHERE id = $1", .params = id, .count = 1};
    const struct sql_call retire = {.text = "UPDATE purpose_keys SET retired = $1 WHERE purpose = "
                                            "$2 AND retired IS NULL AND waiting = 0 AND id <> $3",
                                    .params = others,
                                    .count = 3};
    enum idp_err err = sql_run(tx, change->arena, &use_it, NULL, NULL);
    return err == IDP_OK ? sql_run(tx, change->arena, &retire, NULL, NULL) : err;
}

static enum idp_err activate(struct sql_tx *tx, void *with)
{
    struct change *change = with;
    struct purpose_rows rows;
    enum idp_err err = look(tx, change, &rows);
    if (err != IDP_OK)
        return err;
    const struct purpose_row *waiting = find(&rows, change->purpose, true);
    if (waiting == NULL || waiting->id != change->id)
        return IDP_NOT_FOUND;
    change->done.id = change->id;
    err = use(tx, change);
    if (err == IDP_OK)
        err = note(tx, change, "purpose_key_used", change->id);
    return err == IDP_OK ? generation_bump(tx, &change->done.generation) : err;
}

static enum idp_err run(enum idp_err (*body)(struct sql_tx *tx, void *with), struct change *change,
                        struct purpose_rotated *out)
{
    change->arena = arena_new();
    enum idp_err err =
        change->arena != NULL ? sql_transact(change->work->db, body, change) : IDP_FAULT;
    arena_free(change->arena);
    if (err == IDP_OK)
        *out = change->done;
    return err;
}

static void tell(const char *event, enum purpose purpose, int64_t id)
{
    struct log_line line;
    log_begin(&line, LOG_INFO, event);
    log_text(&line, "purpose", purpose_name(purpose));
    log_number(&line, "key", id);
    log_end(&line);
}

enum idp_err purpose_publish(const struct key_work *work, enum purpose purpose,
                             struct purpose_rotated *out)
{
    struct change change = {.work = work, .purpose = purpose};
    enum idp_err err = run(publish, &change, out);
    if (err == IDP_OK)
        tell("purpose_key_waits", purpose, out->id);
    return err;
}

enum idp_err purpose_activate(const struct key_work *work, enum purpose purpose, int64_t id,
                              struct purpose_rotated *out)
{
    struct change change = {.work = work, .purpose = purpose, .id = id};
    enum idp_err err = run(activate, &change, out);
    if (err == IDP_OK)
        tell("purpose_key_used", purpose, id);
    return err;
}

/* --- removing -------------------------------------------------------------------------------- */

static bool is_over(const struct purpose_row *row, int64_t now)
{
    int64_t kept = kept_days[row->purpose] * day_s;
    return row->retired != 0 && kept > 0 && now >= row->retired + kept;
}

/* A client's hash names its key before the dot (client/secret.h). A program that began before the
 * key was retired may be about to write one, but not a day later. */
static enum idp_err remove_unused_secrets(struct sql_tx *tx, struct change *change)
{
    int64_t changed = 0;
    const struct sql_value params[] = {sql_int(change->work->now - day_s)};
    const struct sql_call call = {
        .params = params,
        .count = 1,
        .text =
            "DELETE FROM purpose_keys WHERE purpose = 'secret' AND retired <= $1 AND NOT "
            "EXISTS (SELECT 1 FROM clients WHERE secret_hash LIKE CAST(purpose_keys.id AS TEXT) "
            "|| '.%')"};
    enum idp_err err = sql_run(tx, change->arena, &call, NULL, &changed);
    change->done.removed += (size_t)changed;
    return err;
}

static enum idp_err remove_one(struct sql_tx *tx, struct change *change,
                               const struct purpose_row *row)
{
    const struct sql_value params[] = {sql_int(row->id)};
    const struct sql_call call = {
        .text = "DELETE FROM purpose_keys WHERE id = $1", .params = params, .count = 1};
    change->purpose = row->purpose;
    change->done.removed++;
    enum idp_err err = note(tx, change, "purpose_key_removed", row->id);
    return err == IDP_OK ? sql_run(tx, change->arena, &call, NULL, NULL) : err;
}

static enum idp_err finish(struct sql_tx *tx, struct change *change)
{
    return change->done.removed > 0 ? generation_bump(tx, &change->done.generation) : IDP_OK;
}

static enum idp_err remove_old(struct sql_tx *tx, void *with)
{
    struct change *change = with;
    struct purpose_rows rows;
    change->done = (struct purpose_rotated){.removed = 0};
    enum idp_err err = purpose_rows_read_in(tx, change->arena, &rows);
    for (size_t i = 0; err == IDP_OK && i < rows.count; i++)
        if (is_over(&rows.rows[i], change->work->now))
            err = remove_one(tx, change, &rows.rows[i]);
    if (err == IDP_OK)
        err = remove_unused_secrets(tx, change);
    return err == IDP_OK ? finish(tx, change) : err;
}

static enum idp_err forget(struct sql_tx *tx, void *with)
{
    struct change *change = with;
    struct purpose_rows rows;
    enum idp_err err = look(tx, change, &rows);
    for (size_t i = 0; err == IDP_OK && i < rows.count; i++)
        if (rows.rows[i].purpose == change->purpose && rows.rows[i].retired != 0)
            err = remove_one(tx, change, &rows.rows[i]);
    return err == IDP_OK ? finish(tx, change) : err;
}

enum idp_err purpose_forget(const struct key_work *work, enum purpose purpose,
                            struct purpose_rotated *out)
{
    struct change change = {.work = work, .purpose = purpose};
    return run(forget, &change, out);
}

/* Whether looking closer is worth a transaction. */
static enum idp_err any_retired(struct sql *db, int64_t now, bool *out)
{
    struct purpose_rows rows;
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? purpose_rows_read(db, arena, &rows) : IDP_FAULT;
    *out = false;
    for (size_t i = 0; err == IDP_OK && i < rows.count; i++) {
        const struct purpose_row *row = &rows.rows[i];
        bool unused =
            row->purpose == PURPOSE_SECRET && row->retired != 0 && row->retired <= now - day_s;
        *out = *out || unused || is_over(row, now);
    }
    arena_free(arena);
    return err;
}

enum idp_err purpose_remove_old(const struct key_work *work, size_t *removed)
{
    bool any = false;
    struct change change = {.work = work};
    struct purpose_rotated done = {.removed = 0};
    enum idp_err err = any_retired(work->db, work->now, &any);
    if (err == IDP_OK && any)
        err = run(remove_old, &change, &done);
    if (err == IDP_OK)
        *removed = done.removed;
    return err;
}
