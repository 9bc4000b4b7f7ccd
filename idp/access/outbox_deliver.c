#include "access/outbox.h"

#include <stdbool.h>

#include "access/access.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "store/sql.h"

/* How a queue is worked off. */
static const struct queue {
    int64_t batch;           /* rows that are read, and settled, together */
    int64_t claim_ms;        /* for so long a row is this node's own; 0: it need not be */
    unsigned unanswered_max; /* in succession; then the rest is left for the next call */
} queues[OUTBOX_QUEUES] = {
    [OUTBOX_TOMBSTONES] = {.batch = 500, .unanswered_max = 3},
    [OUTBOX_MESSAGES] = {.batch = 1, .claim_ms = 180000, .unanswered_max = 1},
};

enum {
    BUDGET_MS = 1000,
    TOMBSTONE_RETRY_MS = 1000,
    TOMBSTONE_RETRY_MAX_MS = 10000,
    MESSAGE_RETRY_MAX_MS = 3600000
};

enum {
    COLUMN_ID,
    COLUMN_KIND,
    COLUMN_TARGET,
    COLUMN_BODY,
    COLUMN_CREATED,
    COLUMN_ATTEMPTS,
    COLUMN_DUE,
};

/* Rows that were read together, and what became of each. */
struct batch {
    const struct access *access;
    const struct queue *queue;
    const char *name; /* of the queue, in the rows */
    int64_t now_ms;
    int64_t end;                  /* ticks: no row is begun after it */
    int64_t wait_ms, wait_max_ms; /* after the first failure, and at most */
    int64_t attempts_max;         /* 0: no end */
    struct sql_rows rows;
    size_t tried;         /* of the rows */
    enum idp_err *became; /* of each that was tried */
    unsigned unanswered;  /* in succession */
};

static const char *describe(enum idp_err err)
{
    if (err == IDP_DENIED)
        return "refused";
    if (err == IDP_LIMITED)
        return "refused for now";
    return err == IDP_UNAVAILABLE ? "no answer" : "failed";
}

static void note(const struct outbox_row *row, enum idp_err err)
{
    struct log_line line;
    log_begin(&line, LOG_WARN, "outbox_delivery_failed");
    log_text(&line, "kind", row->kind);
    log_text(&line, "row", row->id);
    log_text(&line, "why", describe(err));
    log_end(&line);
}

static enum idp_err deliver(const struct batch *b, size_t i)
{
    const struct outbox_row row = {
        .id = sql_cell_text(&b->rows, i, COLUMN_ID),
        .kind = sql_cell_text(&b->rows, i, COLUMN_KIND),
        .target = sql_cell_text(&b->rows, i, COLUMN_TARGET),
        .body = sql_cell_text(&b->rows, i, COLUMN_BODY),
        .created = sql_cell_int(&b->rows, i, COLUMN_CREATED),
        .now = b->now_ms / 1000,
    };
    const struct outbox_kind *kind = outbox_kind_find(row.kind);
    enum idp_err err = kind != NULL ? kind->deliver(b->access, &row) : IDP_FAULT;
    if (err != IDP_OK)
        note(&row, err);
    return err;
}

/* When the row is due unless this node settles it: as it was read, or the end of the claim. */
static int64_t due_of(const struct batch *b, size_t i)
{
    return b->queue->claim_ms > 0 ? b->now_ms + b->queue->claim_ms
                                  : sql_cell_int(&b->rows, i, COLUMN_DUE);
}

/* Makes a row this node's own, unless another was quicker. */
static enum idp_err claim(const struct batch *b, size_t i, bool *mine)
{
    int64_t changed = 0;
    const struct sql_value params[] = {sql_text(sql_cell_text(&b->rows, i, COLUMN_ID)),
                                       sql_int(sql_cell_int(&b->rows, i, COLUMN_DUE)),
                                       sql_int(due_of(b, i))};
    enum idp_err err = sql_execute(
        b->access->db,
        &(struct sql_call){"UPDATE outbox SET due_ms = $3, attempts = attempts + 1 WHERE id = $1 "
                           "AND due_ms = $2 AND delivered IS NULL AND parked IS NULL",
                           params, 3},
        &changed);
    *mine = changed > 0;
    return err;
}

/* --- settling -------------------------------------------------------------------------------- */

/* Later and later, and not all that failed together at the same moment again. */
static int64_t wait_ms(const struct batch *b, int64_t attempts)
{
    unsigned char dice = 0;
    int64_t wait = b->wait_max_ms;
    if (attempts < 20 && b->wait_ms << attempts < wait)
        wait = b->wait_ms << attempts;
    (void)random_bytes(&dice, sizeof(dice));
    return wait - wait * dice / 1024;
}

static enum idp_err postpone(struct sql_tx *tx, const struct batch *b, size_t i)
{
    int64_t attempts = sql_cell_int(&b->rows, i, COLUMN_ATTEMPTS);
    const struct sql_value params[] = {sql_text(sql_cell_text(&b->rows, i, COLUMN_ID)),
                                       sql_int(due_of(b, i)),
                                       sql_int(b->now_ms + wait_ms(b, attempts)),
                                       sql_int(attempts + 1), sql_text(describe(b->became[i]))};
    return sql_run(tx, NULL,
                   &(struct sql_call){"UPDATE outbox SET due_ms = $3, attempts = $4, failure = $5 "
                                      "WHERE id = $1 AND due_ms = $2 AND delivered IS NULL",
                                      params, 5},
                   NULL, NULL);
}

static enum idp_err park(struct sql_tx *tx, const struct batch *b, size_t i)
{
    const struct sql_value params[] = {sql_text(sql_cell_text(&b->rows, i, COLUMN_ID)),
                                       sql_int(due_of(b, i)), sql_int(b->now_ms / 1000),
                                       sql_int(sql_cell_int(&b->rows, i, COLUMN_ATTEMPTS) + 1),
                                       sql_text(describe(b->became[i]))};
    log_event(LOG_ERROR, "outbox_parked", "row", sql_cell_text(&b->rows, i, COLUMN_ID));
    return sql_run(tx, NULL,
                   &(struct sql_call){"UPDATE outbox SET parked = $3, attempts = $4, failure = $5 "
                                      "WHERE id = $1 AND due_ms = $2 AND delivered IS NULL",
                                      params, 5},
                   NULL, NULL);
}

static bool is_given_up(const struct batch *b, size_t i)
{
    int64_t attempts = sql_cell_int(&b->rows, i, COLUMN_ATTEMPTS) + 1;
    return b->attempts_max > 0 && (b->became[i] == IDP_DENIED || attempts >= b->attempts_max);
}

static enum idp_err settle(struct sql_tx *tx, void *with)
{
    const struct batch *b = with;
    enum idp_err err = IDP_OK;
    for (size_t i = 0; err == IDP_OK && i < b->tried; i++) {
        if (b->became[i] == IDP_OK)
            err = outbox_mark_done(tx, sql_cell_text(&b->rows, i, COLUMN_ID), b->now_ms / 1000);
        else
            err = is_given_up(b, i) ? park(tx, b, i) : postpone(tx, b, i);
    }
    return err;
}

/* --- batch by batch -------------------------------------------------------------------------- */

static enum idp_err read_due(struct batch *b, struct arena *arena)
{
    const struct sql_value params[] = {sql_text(b->name), sql_int(b->now_ms),
                                       sql_int(b->queue->batch)};
    return sql_read(
        b->access->db, arena,
        &(struct sql_call){"SELECT id, kind, target, body, created, attempts, due_ms "
                           "FROM outbox WHERE queue = $1 AND due_ms <= $2 "
                           "AND delivered IS NULL AND parked IS NULL ORDER BY due_ms LIMIT $3",
                           params, 3},
        &b->rows);
}

static bool may_go_on(const struct batch *b)
{
    return b->unanswered < b->queue->unanswered_max && clock_ticks_ms() < b->end;
}

static void try_all(struct batch *b)
{
    for (b->tried = 0; b->tried < b->rows.rows && may_go_on(b); b->tried++) {
        b->became[b->tried] = deliver(b, b->tried);
        b->unanswered = b->became[b->tried] == IDP_UNAVAILABLE ? b->unanswered + 1 : 0;
    }
}

static enum idp_err deliver_batch(struct batch *b, struct arena *arena)
{
    bool mine = true;
    enum idp_err err = read_due(b, arena);
    if (err != IDP_OK || b->rows.rows == 0)
        return err;
    b->became = arena_alloc(arena, b->rows.rows * sizeof(*b->became));
    if (b->became == NULL)
        return IDP_FAULT;
    if (b->queue->claim_ms > 0)
        err = claim(b, 0, &mine);
    if (err != IDP_OK || !mine)
        return err;
    try_all(b);
    return sql_transact(b->access->db, settle, b);
}

static struct batch begin(const struct access *access, enum outbox_queue queue, int64_t now_ms)
{
    bool messages = queue == OUTBOX_MESSAGES;
    return (struct batch){
        .access = access,
        .queue = &queues[queue],
        .name = outbox_queue_name(queue),
        .now_ms = now_ms,
        .end = clock_ticks_ms() + BUDGET_MS,
        .wait_ms = messages ? access->message_retry_s * 1000 : TOMBSTONE_RETRY_MS,
        .wait_max_ms = messages ? MESSAGE_RETRY_MAX_MS : TOMBSTONE_RETRY_MAX_MS,
        .attempts_max = messages ? access->message_attempts : 0,
    };
}

enum idp_err outbox_deliver(const struct access *access, enum outbox_queue queue, int64_t now_ms)
{
    struct batch b = begin(access, queue, now_ms);
    enum idp_err err = IDP_OK;
    bool more = true;
    while (err == IDP_OK && more && may_go_on(&b)) {
        struct arena *arena = arena_new();
        err = arena != NULL ? deliver_batch(&b, arena) : IDP_FAULT;
        more = err == IDP_OK && (int64_t)b.rows.rows == b.queue->batch;
        arena_free(arena);
    }
    return err;
}
