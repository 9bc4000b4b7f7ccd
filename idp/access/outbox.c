#include "access/outbox.h"

#include <stdbool.h>
#include <string.h>

#include "access/access.h"
#include "access/ending.h"
#include "access/grant.h"
#include "access/resume.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "store/sql.h"

/* Every kind there is. */
static const struct outbox_kind *const kinds[] = {
    &grant_tombstone,
    &ending_kind,
    &resume_holders,
    NULL,
};

/* How a queue is worked off. */
static const struct queue {
    const char *name; /* in the rows */
    int64_t retry_ms, retry_max_ms;
} queues[OUTBOX_QUEUES] = {
    [OUTBOX_TOMBSTONES] = {"tombstones", 1000, 10000},
};

enum { ID_BYTES = 16, BATCH = 500, BUDGET_MS = 1000, UNANSWERED_MAX = 3 };

enum idp_err outbox_add(struct sql_tx *tx, struct arena *arena, const struct outbox_entry *entry,
                        const char **out)
{
    const struct outbox_kind *kind = entry->kind;
    const char *id = random_text(arena, ID_BYTES);
    const struct sql_value params[] = {
        sql_text(id),
        sql_text(queues[kind->queue].name),
        sql_text(kind->name),
        sql_text(entry->target),
        sql_text(entry->body != NULL ? entry->body : ""),
        sql_int(entry->now),
        sql_int(entry->now * 1000 + (entry->at_once ? 0 : kind->head_start_ms)),
    };
    if (id == NULL)
        return IDP_FAULT;
    enum idp_err err = sql_run(
        tx, NULL,
        &(struct sql_call){"INSERT INTO outbox (id, queue, kind, target, body, created, due_ms, "
                           "attempts) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)",
                           params, 7},
        NULL, NULL);
    if (err == IDP_OK)
        *out = id;
    return err;
}

static enum idp_err mark_done(struct sql_tx *tx, const char *id, int64_t now)
{
    const struct sql_value params[] = {sql_text(id), sql_int(now)};
    return sql_run(
        tx, NULL,
        &(struct sql_call){"UPDATE outbox SET delivered = $2, body = '' WHERE id = $1", params, 2},
        NULL, NULL);
}

struct done {
    const char *const *ids;
    size_t count;
    int64_t now;
};

static enum idp_err mark_all_done(struct sql_tx *tx, void *with)
{
    const struct done *done = with;
    enum idp_err err = IDP_OK;
    for (size_t i = 0; err == IDP_OK && i < done->count; i++)
        err = mark_done(tx, done->ids[i], done->now);
    return err;
}

enum idp_err outbox_done(const struct access *access, const char *const *ids, size_t count,
                         int64_t now)
{
    struct done done = {.ids = ids, .count = count, .now = now};
    return count > 0 ? sql_transact(access->db, mark_all_done, &done) : IDP_OK;
}

/* --- delivering ------------------------------------------------------------------------------ */

enum { COLUMN_ID, COLUMN_KIND, COLUMN_TARGET, COLUMN_BODY, COLUMN_CREATED, COLUMN_ATTEMPTS };

/* Rows that were read together, and what became of each. */
struct batch {
    const struct access *access;
    const struct queue *queue;
    int64_t now_ms;
    struct sql_rows rows;
    size_t tried;         /* of the rows */
    enum idp_err *became; /* of each that was tried */
    unsigned unanswered;  /* in succession */
};

static const struct outbox_kind *find_kind(const char *name)
{
    for (size_t i = 0; kinds[i] != NULL && name != NULL; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

static enum idp_err deliver(const struct batch *b, size_t i)
{
    const struct outbox_row row = {
        .id = sql_cell_text(&b->rows, i, COLUMN_ID),
        .kind = sql_cell_text(&b->rows, i, COLUMN_KIND),
        .target = sql_cell_text(&b->rows, i, COLUMN_TARGET),
        .body = sql_cell_text(&b->rows, i, COLUMN_BODY),
        .created = sql_cell_int(&b->rows, i, COLUMN_CREATED),
    };
    const struct outbox_kind *kind = find_kind(row.kind);
    enum idp_err err = kind != NULL ? kind->deliver(b->access, &row) : IDP_FAULT;
    if (err != IDP_OK)
        log_event(LOG_WARN, "outbox_delivery_failed", "row", row.id);
    return err;
}

/* Later and later, and not all that failed together at the same moment again. */
static int64_t wait_ms(const struct queue *queue, int64_t attempts)
{
    unsigned char dice = 0;
    int64_t wait = attempts < 20 ? queue->retry_ms << attempts : queue->retry_max_ms;
    if (wait > queue->retry_max_ms)
        wait = queue->retry_max_ms;
    (void)random_bytes(&dice, sizeof(dice));
    return wait - wait * dice / 1024;
}

static enum idp_err postpone(struct sql_tx *tx, const struct batch *b, size_t i)
{
    int64_t attempts = sql_cell_int(&b->rows, i, COLUMN_ATTEMPTS);
    const struct sql_value params[] = {sql_text(sql_cell_text(&b->rows, i, COLUMN_ID)),
                                       sql_int(b->now_ms + wait_ms(b->queue, attempts)),
                                       sql_int(attempts + 1)};
    return sql_run(tx, NULL,
                   &(struct sql_call){"UPDATE outbox SET due_ms = $2, attempts = $3 "
                                      "WHERE id = $1 AND delivered IS NULL",
                                      params, 3},
                   NULL, NULL);
}

static enum idp_err settle(struct sql_tx *tx, void *with)
{
    const struct batch *b = with;
    enum idp_err err = IDP_OK;
    for (size_t i = 0; err == IDP_OK && i < b->tried; i++)
        err = b->became[i] == IDP_OK
                  ? mark_done(tx, sql_cell_text(&b->rows, i, COLUMN_ID), b->now_ms / 1000)
                  : postpone(tx, b, i);
    return err;
}

static enum idp_err read_due(struct batch *b, struct arena *arena)
{
    const struct sql_value params[] = {sql_text(b->queue->name), sql_int(b->now_ms),
                                       sql_int(BATCH)};
    return sql_read(b->access->db, arena,
                    &(struct sql_call){"SELECT id, kind, target, body, created, attempts "
                                       "FROM outbox WHERE queue = $1 AND due_ms <= $2 "
                                       "AND delivered IS NULL AND parked IS NULL "
                                       "ORDER BY due_ms LIMIT $3",
                                       params, 3},
                    &b->rows);
}

static enum idp_err deliver_batch(struct batch *b, struct arena *arena)
{
    enum idp_err err = read_due(b, arena);
    if (err != IDP_OK || b->rows.rows == 0)
        return err;
    b->became = arena_alloc(arena, b->rows.rows * sizeof(*b->became));
    if (b->became == NULL)
        return IDP_FAULT;
    for (b->tried = 0; b->tried < b->rows.rows && b->unanswered < UNANSWERED_MAX; b->tried++) {
        b->became[b->tried] = deliver(b, b->tried);
        b->unanswered = b->became[b->tried] == IDP_UNAVAILABLE ? b->unanswered + 1 : 0;
    }
    return sql_transact(b->access->db, settle, b);
}

enum idp_err outbox_deliver(const struct access *access, enum outbox_queue queue, int64_t now_ms)
{
    int64_t end = clock_ticks_ms() + BUDGET_MS;
    struct batch b = {.access = access, .queue = &queues[queue], .now_ms = now_ms};
    enum idp_err err = IDP_OK;
    bool more = true;
    while (err == IDP_OK && more && clock_ticks_ms() < end) {
        struct arena *arena = arena_new();
        err = arena != NULL ? deliver_batch(&b, arena) : IDP_FAULT;
        more = b.rows.rows == BATCH && b.unanswered < UNANSWERED_MAX;
        arena_free(arena);
    }
    return err;
}
