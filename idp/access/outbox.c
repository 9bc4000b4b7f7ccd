#include "access/outbox.h"

#include <string.h>

#include "access/access.h"
#include "access/grant.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/log.h"
#include "base/random.h"
#include "store/sql.h"

enum { ID_BYTES = 16, RETRY_MS = 1000, RETRY_MAX_MS = 60000 };

/* The caller writes a tombstone itself; the row is for when it dies before it could. */
enum { HEAD_START_MS = 2000 };

enum idp_err outbox_add(struct sql_tx *tx, struct arena *arena, const char *kind,
                        const char *target, int64_t now, const char **out)
{
    const char *id = random_text(arena, ID_BYTES);
    const struct sql_value params[] = {sql_text(id), sql_text(kind), sql_text(target), sql_int(now),
                                       sql_int(now * 1000 + HEAD_START_MS)};
    if (id == NULL)
        return IDP_FAULT;
    enum idp_err err =
        sql_run(tx, NULL,
                &(struct sql_call){"INSERT INTO outbox (id, kind, target, body, created, due_ms, "
                                   "attempts) VALUES ($1, $2, $3, '', $4, $5, 0)",
                                   params, 5},
                NULL, NULL);
    if (err == IDP_OK)
        *out = id;
    return err;
}

enum idp_err outbox_done(const struct access *access, const char *id, int64_t now)
{
    const struct sql_value params[] = {sql_text(id), sql_int(now)};
    return sql_execute(
        access->db, &(struct sql_call){"UPDATE outbox SET delivered = $2 WHERE id = $1", params, 2},
        NULL);
}

static enum idp_err postpone(const struct access *access, const char *id, int64_t attempts,
                             int64_t now_ms)
{
    int64_t wait = attempts < 6 ? RETRY_MS << attempts : RETRY_MAX_MS;
    const struct sql_value params[] = {sql_text(id), sql_int(now_ms + wait)};
    return sql_execute(access->db,
                       &(struct sql_call){"UPDATE outbox SET attempts = attempts + 1, due_ms = $2 "
                                          "WHERE id = $1",
                                          params, 2},
                       NULL);
}

static enum idp_err deliver(const struct access *access, const char *kind, const char *target)
{
    unsigned char grant[GRANT_ID_SIZE];
    size_t n = 0;
    if (strcmp(kind, "tombstone") != 0 ||
        base64url_decode(target, strlen(target), grant, sizeof(grant), &n) != IDP_OK ||
        n != sizeof(grant))
        return IDP_FAULT;
    return grant_bury(access, grant);
}

static enum idp_err deliver_all(const struct access *access, struct arena *arena, int64_t now_ms)
{
    struct sql_rows rows;
    const struct sql_value now = sql_int(now_ms);
    enum idp_err err = sql_read(
        access->db, arena,
        &(struct sql_call){"SELECT id, kind, target, attempts FROM outbox WHERE due_ms <= $1 AND "
                           "delivered IS NULL ORDER BY due_ms LIMIT 100",
                           &now, 1},
        &rows);
    for (size_t i = 0; err == IDP_OK && i < rows.rows; i++) {
        const char *id = sql_cell_text(&rows, i, 0);
        enum idp_err sent = deliver(access, sql_cell_text(&rows, i, 1), sql_cell_text(&rows, i, 2));
        if (sent != IDP_OK)
            log_event(LOG_WARN, "outbox_delivery_failed", "row", id);
        err = sent == IDP_OK ? outbox_done(access, id, now_ms / 1000)
                             : postpone(access, id, sql_cell_int(&rows, i, 3), now_ms);
    }
    return err;
}

enum idp_err outbox_deliver(const struct access *access, int64_t now_ms)
{
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? deliver_all(access, arena, now_ms) : IDP_FAULT;
    arena_free(arena);
    return err;
}
