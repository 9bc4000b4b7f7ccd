#include "access/resume.h"

#include <stdbool.h>
#include <string.h>

#include "access/access.h"
#include "access/ending.h"
#include "access/mail.h"
#include "access/outbox.h"
#include "access/revoke.h"
#include "base/clock.h"
#include "client/desk.h"
#include "enterprise/enterprise.h"
#include "enterprise/holder.h"
#include "notify/news.h"
#include "store/sql.h"

/* What the transaction works with. */
struct resuming {
    const struct access *access;
    struct revoke_order *order;
    const char *standing; /* reads that of the subject */
    enum idp_err (*lift)(struct sql_tx *tx, struct resuming *r);
    const char *detail;
    struct ending ending; /* what may be left of the suspension */
};

static enum idp_err is_suspended(struct sql_tx *tx, const struct resuming *r, bool *out)
{
    struct sql_rows rows;
    const struct sql_value id = sql_text(r->ending.subject);
    enum idp_err err =
        sql_run(tx, r->order->arena, &(struct sql_call){r->standing, &id, 1}, &rows, NULL);
    if (err != IDP_OK)
        return err;
    const char *standing = sql_cell_text(&rows, 0, 0);
    *out = standing != NULL && strcmp(standing, "suspended") == 0;
    return rows.rows > 0 ? IDP_OK : IDP_NOT_FOUND;
}

/* While there is more than a batch left the standing stays as it is. */
static enum idp_err write_rows(struct sql_tx *tx, void *with)
{
    bool suspended = false;
    struct resuming *r = with;
    r->order->row = NULL;
    r->ending.whole = true;
    enum idp_err err = is_suspended(tx, r, &suspended);
    if (err == IDP_OK && suspended)
        err = ending_batch(tx, r->order->arena, &r->ending);
    return err == IDP_OK && suspended && r->ending.whole ? r->lift(tx, r) : err;
}

static enum idp_err carry_out(const struct access *access, struct resuming *r)
{
    enum idp_err err = r->detail != NULL ? IDP_OK : IDP_FAULT;
    r->access = access;
    r->ending.now = r->order->now;
    for (r->ending.whole = false; err == IDP_OK && !r->ending.whole;) {
        err = sql_transact(access->db, write_rows, r);
        if (err == IDP_OK && !r->ending.whole)
            err = ending_rest(access, &r->ending);
    }
    return err;
}

static enum idp_err lift_client(struct sql_tx *tx, struct resuming *r)
{
    const struct client_desk desk = {
        .db = r->access->db, .now = r->order->now, .detail = r->detail};
    return client_resume(tx, &desk, r->order->arena, r->ending.subject, &r->order->generation);
}

enum idp_err resume_client(const struct access *access, struct revoke_order *order, const char *id)
{
    struct resuming r = {.order = order,
                         .standing = "SELECT standing FROM clients WHERE id = $1",
                         .lift = lift_client,
                         .detail = audit_detail(order->arena, &order->by, NULL, NULL),
                         .ending = {.of = ENDING_CLIENT, .subject = id, .why = "client_suspended"}};
    return carry_out(access, &r);
}

static enum idp_err lift_enterprise(struct sql_tx *tx, struct resuming *r)
{
    const char *id = r->ending.subject;
    const struct outbox_entry entry = {.kind = &resume_holders,
                                       .target = id,
                                       .now = r->order->now,
                                       .at_once = r->access->kv == NULL};
    const struct mail_cause news = {
        .news = &news_enterprise_resumed, .enterprise = id, .now = r->order->now};
    enum idp_err err = mail_add(r->access, tx, r->order->arena, &news);
    if (err == IDP_OK)
        err = enterprise_resume(tx, id, r->order->now);
    if (err == IDP_OK)
        err = outbox_add(tx, r->order->arena, &entry, &r->order->row);
    if (err != IDP_OK)
        return err;
    return audit_add(tx, r->order->arena,
                     &(struct audit_entry){.event = "enterprise_resumed",
                                           .at_ms = clock_now_ms(),
                                           .enterprise = id,
                                           .detail = r->detail});
}

enum idp_err resume_enterprise(const struct access *access, struct revoke_order *order,
                               const char *id)
{
    struct resuming r = {
        .order = order,
        .standing = "SELECT standing FROM enterprises WHERE id = $1",
        .lift = lift_enterprise,
        .detail = audit_detail(order->arena, &order->by, NULL, NULL),
        .ending = {.of = ENDING_ENTERPRISE, .subject = id, .why = "enterprise_suspended"}};
    enum idp_err err = carry_out(access, &r);
    if (err != IDP_OK || order->row == NULL || access->kv == NULL)
        return err;
    err = holders_refresh(access->db, access->kv, id);
    return err == IDP_OK ? outbox_done(access, &order->row, 1, order->now) : err;
}

static enum idp_err deliver(const struct access *access, const struct outbox_row *row)
{
    return holders_refresh(access->db, access->kv, row->target);
}

const struct outbox_kind resume_holders = {
    .name = "holder",
    .queue = OUTBOX_TOMBSTONES,
    .head_start_ms = 2000,
    .deliver = deliver,
};
