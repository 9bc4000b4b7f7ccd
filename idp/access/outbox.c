#include "access/outbox.h"

#include <stdatomic.h>
#include <string.h>

#include "access/access.h"
#include "access/ending.h"
#include "access/grant.h"
#include "access/mail.h"
#include "access/resume.h"
#include "base/arena.h"
#include "base/random.h"
#include "store/sql.h"

/* Every kind there is. */
static const struct outbox_kind *const kinds[] = {
    &grant_tombstone, &ending_kind, &resume_holders, &mail_kind, NULL,
};

static const char *const queues[OUTBOX_QUEUES] = {
    [OUTBOX_TOMBSTONES] = "tombstones",
    [OUTBOX_MESSAGES] = "messages",
};

enum { ID_BYTES = 16 };

const struct outbox_kind *outbox_kind_find(const char *name)
{
    for (size_t i = 0; kinds[i] != NULL && name != NULL; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

const char *outbox_queue_name(enum outbox_queue queue)
{
    return queues[queue];
}

enum idp_err outbox_add(struct sql_tx *tx, struct arena *arena, const struct outbox_entry *entry,
                        const char **out)
{
    const struct outbox_kind *kind = entry->kind;
    const char *id = random_text(arena, ID_BYTES);
    const struct sql_value params[] = {
        sql_text(id),
        sql_text(queues[kind->queue]),
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

enum idp_err outbox_mark_done(struct sql_tx *tx, const char *id, int64_t now)
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
        err = outbox_mark_done(tx, done->ids[i], done->now);
    return err;
}

enum idp_err outbox_done(const struct access *access, const char *const *ids, size_t count,
                         int64_t now)
{
    struct done done = {.ids = ids, .count = count, .now = now};
    return count > 0 ? sql_transact(access->db, mark_all_done, &done) : IDP_OK;
}

static enum idp_err count(const struct access *access, struct arena *arena, enum outbox_queue queue,
                          struct outbox_figures *out)
{
    struct sql_rows waiting;
    struct sql_rows parked;
    const struct sql_value name = sql_text(queues[queue]);
    enum idp_err err = sql_read_one(
        access->db, arena,
        &(struct sql_call){"SELECT COUNT(*), MIN(created) FROM outbox WHERE queue = $1 "
                           "AND delivered IS NULL AND parked IS NULL",
                           &name, 1},
        &waiting);
    if (err == IDP_OK)
        err = sql_read_one(access->db, arena,
                           &(struct sql_call){"SELECT COUNT(*) FROM outbox WHERE queue = $1 "
                                              "AND parked IS NOT NULL",
                                              &name, 1},
                           &parked);
    if (err == IDP_OK)
        *out = (struct outbox_figures){.waiting = sql_cell_int(&waiting, 0, 0),
                                       .oldest = sql_cell_int(&waiting, 0, 1),
                                       .parked = sql_cell_int(&parked, 0, 0)};
    return err;
}

enum idp_err outbox_count(const struct access *access, enum outbox_queue queue,
                          struct outbox_figures *out)
{
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? count(access, arena, queue, out) : IDP_FAULT;
    arena_free(arena);
    return err;
}

enum idp_err outbox_watch(const struct access *access, struct outbox_board *board)
{
    struct outbox_figures figures;
    enum idp_err err = IDP_OK;
    for (int i = 0; err == IDP_OK && i < OUTBOX_QUEUES; i++) {
        err = outbox_count(access, (enum outbox_queue)i, &figures);
        if (err != IDP_OK)
            return err;
        atomic_store(&board->queues[i].waiting, figures.waiting);
        atomic_store(&board->queues[i].parked, figures.parked);
        atomic_store(&board->queues[i].oldest, figures.oldest);
    }
    return IDP_OK;
}
