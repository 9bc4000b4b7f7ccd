#include "restart.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "access/outbox.h"
#include "app.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "jose/master.h"
#include "jose/wrapped.h"
#include "store/kv.h"
#include "store/memory.h"
#include "store/snapshot.h"
#include "store/sql.h"

static const struct master_label label = {.purpose = "snapshot", .id = "kv"};

/* What one of the two has at hand. */
struct keeping {
    struct app *app;
    struct arena *arena;
    char path[PATH_MAX];
    unsigned char key[SNAPSHOT_KEY_SIZE];
    const char *wrapped; /* as it stood in the database; NULL: there was none */
};

/* Beside the database's file. Returns false where there is none, or the stores are not both
 * embedded. */
static bool name_file(struct keeping *k)
{
    static const char sqlite[] = "sqlite:";
    const char *sql = k->app->config.sql;
    if (k->app->kv->driver->remote || !text_starts(sql, sqlite))
        return false;
    int n = snprintf(k->path, sizeof(k->path), "%s.kv", sql + sizeof(sqlite) - 1);
    return n > 0 && (size_t)n < sizeof(k->path);
}

static void note(enum log_level level, const char *event, const char *why)
{
    log_event(level, event, "reason", why);
}

static const char *reason(enum idp_err err)
{
    switch ((int)err) {
    case IDP_DENIED:
        return "the file or its key is not what was kept";
    case IDP_NOT_FOUND:
        return "the file is missing";
    case IDP_UNAVAILABLE:
        return "the file or the database cannot be used";
    default:
        return "no memory";
    }
}

/* Runs one of the two with what it needs, where there is something to do. */
static void run(struct app *app, enum idp_err (*step)(struct keeping *k), const char *event)
{
    struct keeping k = {.app = app, .arena = arena_new()};
    if (k.arena == NULL)
        note(LOG_WARN, event, reason(IDP_FAULT));
    else if (name_file(&k)) {
        enum idp_err err = step(&k);
        if (err != IDP_OK) {
            snapshot_drop(k.path);
            note(LOG_WARN, event, reason(err));
        }
    }
    OPENSSL_cleanse(k.key, sizeof(k.key));
    arena_free(k.arena);
}

/* --- the end --------------------------------------------------------------------------------- */

/* The key has to be in the database before the file is there: a file without a key is nothing. */
static enum idp_err store_key(struct sql_tx *tx, void *with)
{
    struct keeping *k = with;
    const struct master_key *master = NULL;
    const char *wrapped = NULL;
    enum idp_err err = wrapped_with(tx, k->arena, k->app->master, &master);
    if (err == IDP_OK)
        err = master_wrap(master, &label, k->key, sizeof(k->key), k->arena, &wrapped);
    if (err != IDP_OK)
        return err;
    const struct sql_value params[] = {sql_text(label.id), sql_text(wrapped), sql_int(clock_now())};
    return sql_run(tx, NULL,
                   &(struct sql_call){"INSERT INTO snapshots (id, wrapped, made) "
                                      "VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET "
                                      "wrapped = excluded.wrapped, made = excluded.made",
                                      params, 3},
                   NULL, NULL);
}

static enum idp_err keep(struct keeping *k)
{
    size_t count = 0;
    const struct snapshot snapshot = {.path = k->path, .key = k->key, .now_ms = clock_now_ms()};
    enum idp_err err = random_bytes(k->key, sizeof(k->key));
    if (err == IDP_OK)
        err = sql_transact(k->app->db, store_key, k);
    if (err == IDP_OK)
        err = snapshot_write(k->app->kv, &snapshot, &count);
    if (err != IDP_OK)
        return err;
    struct log_line line;
    log_begin(&line, LOG_INFO, "restart_kept");
    log_number(&line, "values", (int64_t)count);
    log_end(&line);
    return IDP_OK;
}

void restart_keep(struct app *app)
{
    run(app, keep, "restart_not_kept");
}

/* --- the start ------------------------------------------------------------------------------- */

/* Takes the key out, for good: it is gone before anything is done with it. */
static enum idp_err take_key(struct sql_tx *tx, void *with)
{
    struct sql_rows rows;
    struct keeping *k = with;
    const struct sql_value id = sql_text(label.id);
    k->wrapped = NULL;
    enum idp_err err = sql_run(
        tx, k->arena, &(struct sql_call){"SELECT wrapped FROM snapshots WHERE id = $1", &id, 1},
        &rows, NULL);
    if (err != IDP_OK || rows.rows == 0)
        return err;
    k->wrapped = sql_cell_text(&rows, 0, 0);
    return sql_run(tx, NULL, &(struct sql_call){"DELETE FROM snapshots WHERE id = $1", &id, 1},
                   NULL, NULL);
}

static enum idp_err open_key(struct keeping *k)
{
    struct master_opened opened;
    enum idp_err err = master_unwrap(k->app->master, &label, k->wrapped, k->arena, &opened);
    if (err != IDP_OK)
        return err;
    if (opened.len != sizeof(k->key))
        return IDP_DENIED;
    memcpy(k->key, opened.bytes, sizeof(k->key));
    return IDP_OK;
}

static void tell(const struct snapshot_read *found)
{
    struct log_line line;
    log_begin(&line, LOG_INFO, "restart_returned");
    log_number(&line, "values", (int64_t)found->back);
    log_number(&line, "over", (int64_t)found->over);
    log_number(&line, "lost", (int64_t)found->lost);
    log_end(&line);
}

/* What operators ended while nobody ran is ended again here, before anybody is let in. Where some
 * of it still waits, because it failed or is too much for a second, nothing comes back. */
static enum idp_err end_meanwhile(struct keeping *k)
{
    struct outbox_figures left = {.waiting = 0};
    const struct access *access = &k->app->access;
    enum idp_err err = outbox_deliver(access, OUTBOX_TOMBSTONES, clock_now_ms());
    if (err == IDP_OK)
        err = outbox_count(access, OUTBOX_TOMBSTONES, &left);
    if (err == IDP_OK && left.waiting > 0)
        err = IDP_UNAVAILABLE;
    if (err != IDP_OK)
        kv_memory_clear(k->app->kv);
    return err;
}

static enum idp_err bring_back(struct keeping *k)
{
    struct snapshot_read found;
    const struct snapshot snapshot = {.path = k->path, .key = k->key, .now_ms = clock_now_ms()};
    enum idp_err err = sql_transact(k->app->db, take_key, k);
    if (err == IDP_OK && k->wrapped == NULL)
        return snapshot_drop(k->path) ? IDP_DENIED : IDP_OK; /* a first start, or after a crash */
    if (err == IDP_OK)
        err = open_key(k);
    if (err == IDP_OK)
        err = snapshot_read(k->app->kv, &snapshot, &found);
    if (err == IDP_OK)
        err = end_meanwhile(k);
    if (err == IDP_OK)
        tell(&found);
    return err;
}

void restart_return(struct app *app)
{
    run(app, bring_back, "restart_not_returned");
}
