#include "access/certificate_ending.h"

#include "access/access.h"
#include "access/ending.h"
#include "access/mail.h"
#include "access/outbox.h"
#include "base/arena.h"
#include "base/clock.h"
#include "enterprise/lock.h"
#include "evidence/audit.h"
#include "store/sql.h"

static const struct audit_actor node = {.kind = "node"};

/* What the transaction works with. */
struct closing {
    const struct access *access;
    struct arena *arena;
    const struct certificate_ending *order;
    const char *detail;       /* of the audit rows */
    struct lock_owner *locks; /* that go with the certificate */
    struct ending *endings;   /* one for each */
    size_t count;
};

static enum idp_err note(struct sql_tx *tx, const struct closing *c, const struct lock_owner *lock)
{
    return audit_add(tx, c->arena,
                     &(struct audit_entry){.event = c->order->event,
                                           .at_ms = clock_now_ms(),
                                           .enterprise = lock->enterprise,
                                           .lock = lock->id,
                                           .detail = c->detail});
}

static enum idp_err tell(struct sql_tx *tx, const struct closing *c, const struct lock_owner *lock)
{
    const struct mail_cause cause = {
        .news = c->order->news, .lock = lock->id, .now = c->order->now};
    return cause.news != NULL && lock->present ? mail_add(c->access, tx, c->arena, &cause) : IDP_OK;
}

static enum idp_err end_lock(struct sql_tx *tx, struct closing *c, size_t i)
{
    const struct lock_owner *lock = &c->locks[i];
    c->endings[i] = (struct ending){.of = ENDING_LOCK,
                                    .subject = lock->id,
                                    .why = c->order->why,
                                    .now = c->order->now,
                                    .by_nodes = c->access->kv == NULL};
    enum idp_err err = lock_end_rights(tx, lock->id, c->order->now);
    if (err == IDP_OK)
        err = tell(tx, c, lock);
    if (err == IDP_OK)
        err = note(tx, c, lock);
    return err == IDP_OK ? ending_order(tx, c->arena, &c->endings[i]) : err;
}

/* Superseded says that nothing speaks against the key (RFC 5280 section 5.3.1): a lock that was
 * renewed is good again, with all that it gave. */
static void leave_out(struct closing *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++)
        if (c->locks[i].present || !c->order->superseded)
            c->locks[kept++] = c->locks[i];
    c->count = kept;
}

static enum idp_err write_rows(struct sql_tx *tx, void *with)
{
    struct closing *c = with;
    c->count = 0;
    enum idp_err err = c->order->close(tx, c->order->with);
    if (err == IDP_OK)
        err = locks_by_certificate(tx, c->arena, c->order->certificate, &c->locks, &c->count);
    if (err != IDP_OK)
        return err;
    leave_out(c);
    c->endings = arena_alloc(c->arena, (c->count + 1) * sizeof(*c->endings));
    if (c->endings == NULL)
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
            err = outbox_done(c->access, &c->endings[i].row, 1, c->order->now);
    }
    return err;
}

enum idp_err certificate_end(const struct access *access, const struct certificate_ending *ending,
                             size_t *locks)
{
    struct closing c = {.access = access, .arena = arena_new(), .order = ending};
    if (c.arena != NULL)
        c.detail = audit_detail(c.arena, &node, "certificate", ending->certificate);
    enum idp_err err = c.detail != NULL ? sql_transact(access->db, write_rows, &c) : IDP_FAULT;
    if (err == IDP_OK && locks != NULL)
        *locks = c.count;
    if (err == IDP_OK)
        err = finish(&c);
    arena_free(c.arena);
    return err;
}
