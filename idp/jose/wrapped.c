#include "jose/wrapped.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "jose/key_work.h"
#include "jose/master.h"
#include "store/generation.h"
#include "store/sql.h"

/* purpose, id, wrapped: the label and the text of every key there is. */
#define ALL_KEYS                                                                                   \
    "SELECT 'signing', kid, wrapped FROM signing_keys UNION ALL "                                  \
    "SELECT purpose, CAST(id AS TEXT), wrapped FROM purpose_keys"

static const struct sql_call one_key = {.text = ALL_KEYS " LIMIT 1"};
static const struct sql_call all_keys = {.text = ALL_KEYS};

/* --- opening --------------------------------------------------------------------------------- */

static enum idp_err exist(struct sql *db, bool *out)
{
    struct sql_rows rows;
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? sql_read(db, arena, &one_key, &rows) : IDP_FAULT;
    if (err == IDP_OK)
        *out = rows.rows > 0;
    arena_free(arena);
    return err;
}

static enum idp_err tell_lost(const char *file, char **why)
{
    static const char format[] =
        "master_key_file: %s: is missing, and the keys in the database were wrapped with it";
    size_t size = sizeof(format) + strlen(file);
    *why = malloc(size);
    if (*why != NULL)
        (void)snprintf(*why, size, format, file);
    return IDP_DENIED;
}

enum idp_err wrapped_open_master(struct sql *db, const struct master_places *places, char **why,
                                 struct master_key **out)
{
    bool any = false;
    enum idp_err err = exist(db, &any);
    if (err != IDP_OK)
        return err;
    if (any && places->file != NULL && access(places->file, F_OK) != 0)
        return tell_lost(places->file, why);
    const struct master_places checked = {
        .file = places->file, .next_file = places->next_file, .may_make = !any};
    return master_key_open(&checked, why, out);
}

/* --- which one ------------------------------------------------------------------------------- */

static struct master_label label_of(const struct sql_rows *rows, size_t row)
{
    return (struct master_label){.purpose = sql_cell_text(rows, row, 0),
                                 .id = sql_cell_text(rows, row, 1)};
}

static enum idp_err pick(const struct sql_rows *rows, struct arena *arena,
                         const struct master_key *masters, const struct master_key **out)
{
    if (rows->rows == 0) {
        *out = masters;
        return IDP_OK;
    }
    const struct master_label label = label_of(rows, 0);
    return master_pick(masters, &label, sql_cell_text(rows, 0, 2), arena, out);
}

enum idp_err wrapped_with(struct sql_tx *tx, struct arena *arena, const struct master_key *masters,
                          const struct master_key **out)
{
    struct sql_rows rows;
    enum idp_err err = sql_run(tx, arena, &one_key, &rows, NULL);
    return err == IDP_OK ? pick(&rows, arena, masters, out) : err;
}

enum idp_err wrapped_with_now(struct sql *db, struct arena *arena, const struct master_key *masters,
                              const struct master_key **out)
{
    struct sql_rows rows;
    enum idp_err err = sql_read(db, arena, &one_key, &rows);
    return err == IDP_OK ? pick(&rows, arena, masters, out) : err;
}

/* --- changing it ----------------------------------------------------------------------------- */

const char *wrapped_holds(const struct master_key *masters, struct arena *arena)
{
    const char *text = "";
    for (; masters != NULL && text != NULL; masters = master_key_next(masters))
        text =
            arena_printf(arena, "%s%s%s", text, *text != '\0' ? " " : "", master_key_id(masters));
    return text;
}

struct change {
    const struct key_work *work;
    struct arena *arena;
    const struct master_key *to;
    struct rewrapped done;
};

/* Whether every node that may live holds the key; otherwise the name of one that does not. */
static enum idp_err check_nodes(struct sql_tx *tx, struct change *change)
{
    struct sql_rows rows;
    const char *like = arena_printf(change->arena, "%%%s%%", master_key_id(change->to));
    if (like == NULL)
        return IDP_FAULT;
    const struct sql_value params[] = {sql_int(clock_now_ms() - GENERATION_FORGET_MS),
                                       sql_text(like)};
    const struct sql_call call = {
        .text = "SELECT id FROM nodes WHERE lease_until_ms > $1 AND holds NOT LIKE $2 LIMIT 1",
        .params = params,
        .count = 2};
    enum idp_err err = sql_run(tx, change->arena, &call, &rows, NULL);
    if (err != IDP_OK || rows.rows == 0)
        return err;
    change->done.node = sql_cell_text(&rows, 0, 0);
    return IDP_CONFLICT;
}

static enum idp_err update(struct sql_tx *tx, const struct change *change,
                           const struct master_label *label, const char *wrapped)
{
    bool signs = strcmp(label->purpose, "signing") == 0;
    const struct sql_value params[] = {sql_text(wrapped), sql_text(label->id)};
    const struct sql_call call = {
        .text = signs ? "UPDATE signing_keys SET wrapped = $1 WHERE kid = $2"
                      : "UPDATE purpose_keys SET wrapped = $1 WHERE CAST(id AS TEXT) = $2",
        .params = params,
        .count = 2};
    return sql_run(tx, change->arena, &call, NULL, NULL);
}

/* Wraps one key anew, and looks whether it opens. */
static enum idp_err rewrap(struct sql_tx *tx, struct change *change,
                           const struct master_label *label, const char *text)
{
    struct master_opened opened;
    const struct master_key *opens = NULL;
    const char *wrapped = NULL;
    enum idp_err err = master_unwrap(change->work->master, label, text, change->arena, &opened);
    if (err == IDP_OK)
        err = master_wrap(change->to, label, opened.bytes, opened.len, change->arena, &wrapped);
    if (err == IDP_OK)
        err = master_pick(change->to, label, wrapped, change->arena, &opens);
    if (err != IDP_OK)
        return err;
    change->done.keys++;
    return opens == change->to ? update(tx, change, label, wrapped) : IDP_FAULT;
}

static enum idp_err rewrap_all(struct sql_tx *tx, void *with)
{
    struct change *change = with;
    struct sql_rows rows;
    change->done = (struct rewrapped){.keys = 0};
    enum idp_err err = check_nodes(tx, change);
    if (err == IDP_OK)
        err = sql_run(tx, change->arena, &all_keys, &rows, NULL);
    if (err != IDP_OK)
        return err;
    for (size_t row = 0; row < rows.rows && err == IDP_OK; row++) {
        const struct master_label label = label_of(&rows, row);
        err = rewrap(tx, change, &label, sql_cell_text(&rows, row, 2));
        if (err == IDP_DENIED)
            log_event(LOG_ERROR, "key_not_opened", "key", label.id);
    }
    if (err == IDP_OK)
        err = key_work_note(change->work, tx, change->arena, "master_key_changed",
                            master_key_id(change->to));
    return err == IDP_OK ? generation_bump(tx, &change->done.generation) : err;
}

enum idp_err wrapped_change(const struct key_work *work, const struct master_key *to,
                            struct arena *arena, struct rewrapped *out)
{
    struct change change = {.work = work, .arena = arena, .to = to};
    enum idp_err err = sql_transact(work->db, rewrap_all, &change);
    *out = change.done;
    return err;
}
