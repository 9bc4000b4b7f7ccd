#include "access/revoked_locks.h"

#include "access/access.h"
#include "access/ending.h"
#include "access/mail.h"
#include "access/outbox.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "enterprise/lock.h"
#include "evidence/audit.h"
#include "notify/news.h"
#include "pki/revoked_rows.h"
#include "store/sql.h"

static const struct audit_actor node = {.kind = "node"};

/* What the transaction for one certificate works with. */
struct closing {
    const struct access *access;
    struct arena *arena;
    const struct revoked_row *row;
    int64_t now;
    const char *detail;       /* of the audit rows */
    struct lock_owner *locks; /* that go with the certificate */
    struct ending *endings;   /* one for each */
    size_t count;
};

static enum idp_err note(struct sql_tx *tx, const struct closing *c, const struct lock_owner *lock)
{
    return audit_add(tx, c->arena,
                     &(struct audit_entry){.event = "lock_revoked",
                                           .at_ms = clock_now_ms(),
                                           .enterprise = lock->enterprise,
                                           .lock = lock->id,
                                           .detail = c->detail});
}

static enum idp_err end_lock(struct sql_tx *tx, struct closing *c, size_t i)
{
    const struct lock_owner *lock = &c->locks[i];
    const struct mail_cause news = {.news = &news_lock_revoked, .lock = lock->id, .now = c->now};
    c->endings[i] = (struct ending){.of = ENDING_LOCK,
                                    .subject = lock->id,
                                    .why = "certificate_revoked",
                                    .now = c->now,
                                    .by_nodes = c->access->kv == NULL};
    enum idp_err err = lock_end_rights(tx, lock->id, c->now);
    if (err == IDP_OK)
        err = mail_add(c->access, tx, c->arena, &news);
    if (err == IDP_OK)
        err = note(tx, c, lock);
    return err == IDP_OK ? ending_order(tx, c->arena, &c->endings[i]) : err;
}

static enum idp_err write_rows(struct sql_tx *tx, void *with)
{
    struct closing *c = with;
    c->count = 0;
    enum idp_err err = revoked_row_close(tx, c->row->number, c->now);
    if (err == IDP_OK)
        err = locks_by_certificate(tx, c->arena, c->row->certificate, &c->locks, &c->count);
    if (err == IDP_OK)
        c->endings = arena_alloc(c->arena, (c->count + 1) * sizeof(*c->endings));
    if (err == IDP_OK && c->endings == NULL)
        return IDP_FAULT;
    for (size_t i = 0; err == IDP_OK && i < c->count; i++)
        err = end_lock(tx, c, i);
    return err;
}

/* The outbox goes on with what fails here. */
static enum idp_err finish(const struct closing *c)
{
    enum idp_err err = IDP_OK;
    for (size_t i = 0; err == IDP_OK && i < c->count; i++) {
        err = ending_finish(c->access, &c->endings[i]);
        if (err == IDP_OK && c->access->kv != NULL)
            err = outbox_done(c->access, &c->endings[i].row, 1, c->now);
    }
    return err;
}

static void log_ended(const struct closing *c)
{
    struct log_line line;
    log_begin(&line, LOG_WARN, "revoked_lock_ended");
    log_text(&line, "authority", c->row->authority);
    log_text(&line, "certificate", c->row->certificate);
    log_number(&line, "locks", (int64_t)c->count);
    log_end(&line);
}

/* One certificate, with memory of its own. */
static enum idp_err close_row(const struct access *access, const struct revoked_row *row,
                              int64_t now)
{
    struct closing c = {.access = access, .arena = arena_new(), .row = row, .now = now};
    if (c.arena != NULL)
        c.detail = audit_detail(c.arena, &node, "certificate", row->certificate);
    enum idp_err err = c.detail != NULL ? sql_transact(access->db, write_rows, &c) : IDP_FAULT;
    if (err == IDP_OK) {
        log_ended(&c);
        err = finish(&c);
    }
    arena_free(c.arena);
    return err == IDP_NOT_FOUND ? IDP_OK : err; /* another node was first */
}

static enum idp_err close_some(const struct access *access, int64_t now, size_t *count)
{
    const struct revoked_row *rows = NULL;
    struct arena *arena = arena_new();
    enum idp_err err =
        arena != NULL ? revoked_rows_open(access->db, arena, &rows, count) : IDP_FAULT;
    for (size_t i = 0; err == IDP_OK && i < *count; i++)
        err = close_row(access, &rows[i], now);
    arena_free(arena);
    return err;
}

enum idp_err revoked_locks_end(const struct access *access, int64_t now)
{
    size_t count = REVOKED_ROWS_MAX;
    enum idp_err err = IDP_OK;
    while (err == IDP_OK && count == REVOKED_ROWS_MAX)
        err = close_some(access, now, &count);
    return err;
}
