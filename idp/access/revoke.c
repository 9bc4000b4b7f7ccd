#include "access/revoke.h"

#include <stdbool.h>
#include <string.h>

#include "access/access.h"
#include "access/consent.h"
#include "access/ending.h"
#include "access/mail.h"
#include "access/outbox.h"
#include "access/session.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/clock.h"
#include "client/desk.h"
#include "enterprise/enterprise.h"
#include "enterprise/lock.h"
#include "notify/news.h"
#include "store/sql.h"

/* --- one grant -------------------------------------------------------------------------------- */

static const struct audit_actor nobody = {.kind = NULL};

/* What a transaction that ends one grant works with. */
struct single {
    struct arena *arena;
    const unsigned char *id;
    const char *why, *detail, *target;
    int64_t now;
    const char *row; /* of the outbox; NULL: it was over already */
};

static enum idp_err note_single(struct sql_tx *tx, struct single *s, const struct sql_rows *ended)
{
    const struct outbox_entry entry = {
        .kind = &grant_tombstone, .target = s->target, .now = s->now};
    enum idp_err err = outbox_add(tx, s->arena, &entry, &s->row);
    if (err != IDP_OK)
        return err;
    return audit_add(tx, s->arena,
                     &(struct audit_entry){.event = "grant_ended",
                                           .at_ms = clock_now_ms(),
                                           .client = sql_cell_text(ended, 0, 0),
                                           .enterprise = sql_cell_text(ended, 0, 1),
                                           .lock = sql_cell_text(ended, 0, 2),
                                           .detail = s->detail});
}

static enum idp_err end_single(struct sql_tx *tx, void *with)
{
    struct single *s = with;
    struct sql_rows ended;
    const struct sql_value params[] = {sql_blob(s->id, GRANT_ID_SIZE), sql_int(s->now),
                                       sql_text(s->why)};
    const struct sql_call call = {"UPDATE grants SET ended = $2, ended_why = $3 WHERE id = $1 AND "
                                  "ended IS NULL RETURNING client, enterprise, lock",
                                  params, 3};
    s->row = NULL;
    enum idp_err err = sql_run(tx, s->arena, &call, &ended, NULL);
    return err == IDP_OK && ended.rows > 0 ? note_single(tx, s, &ended) : err;
}

static const char *id_text(struct arena *arena, const unsigned char id[GRANT_ID_SIZE])
{
    char text[BASE64URL_LEN(GRANT_ID_SIZE) + 1];
    base64url_encode(id, GRANT_ID_SIZE, text);
    return arena_strdup(arena, text);
}

/* An earlier call may have failed after its commit: the tombstone is put in any case. */
enum idp_err revoke_grant(const struct access *access, struct arena *arena,
                          const unsigned char id[GRANT_ID_SIZE], const char *why, int64_t now)
{
    struct single s = {.arena = arena,
                       .id = id,
                       .why = why,
                       .detail = audit_detail(arena, &nobody, "why", why),
                       .target = id_text(arena, id),
                       .now = now};
    if (s.detail == NULL || s.target == NULL)
        return IDP_FAULT;
    enum idp_err err = sql_transact(access->db, end_single, &s);
    if (err == IDP_OK)
        err = grant_bury(access, id);
    return err == IDP_OK && s.row != NULL ? outbox_done(access, &s.row, 1, now) : err;
}

/* --- many ------------------------------------------------------------------------------------- */

/* What a transaction that ends many works with. */
struct ordering {
    const struct access *access;
    struct revoke_order *order;
    /* Changes the row that is the cause. */
    enum idp_err (*cause)(struct sql_tx *tx, struct ordering *o);
    const char *event;       /* of the audit row; NULL: the cause writes its own */
    const char *detail;      /* of the audit row */
    const char *enterprise;  /* of the audit row, where the ending does not name it */
    const struct news *news; /* that the enterprise is told; NULL: none */
    struct ending ending;
};

static enum idp_err note(struct sql_tx *tx, const struct ordering *o)
{
    const struct ending *e = &o->ending;
    bool named = e->of == ENDING_ENTERPRISE || e->of == ENDING_CONSENT;
    if (o->event == NULL)
        return IDP_OK;
    return audit_add(tx, o->order->arena,
                     &(struct audit_entry){.event = o->event,
                                           .at_ms = clock_now_ms(),
                                           .enterprise = named ? e->subject : o->enterprise,
                                           .lock = e->of == ENDING_LOCK ? e->subject : NULL,
                                           .client = e->client,
                                           .detail = o->detail});
}

/* Before the change: what is so already is no news. */
static enum idp_err tell(struct sql_tx *tx, const struct ordering *o)
{
    const struct ending *e = &o->ending;
    const struct mail_cause cause = {.news = o->news,
                                     .enterprise = e->of == ENDING_LOCK ? NULL : e->subject,
                                     .lock = e->of == ENDING_LOCK ? e->subject : NULL,
                                     .client = e->client,
                                     .now = o->order->now};
    return o->news != NULL ? mail_add(o->access, tx, o->order->arena, &cause) : IDP_OK;
}

static enum idp_err write_order(struct sql_tx *tx, void *with)
{
    struct ordering *o = with;
    enum idp_err err = tell(tx, o);
    if (err == IDP_OK && o->cause != NULL)
        err = o->cause(tx, o);
    if (err == IDP_OK)
        err = note(tx, o);
    return err == IDP_OK ? ending_order(tx, o->order->arena, &o->ending) : err;
}

static enum idp_err carry_out(const struct access *access, struct ordering *o)
{
    struct ending *e = &o->ending;
    o->access = access;
    e->now = o->order->now;
    e->by_nodes = access->kv == NULL;
    if (o->detail == NULL)
        return IDP_FAULT;
    enum idp_err err = sql_transact(access->db, write_order, o);
    o->order->row = err == IDP_OK ? e->row : NULL;
    if (err == IDP_OK)
        err = ending_finish(access, e);
    return err == IDP_OK && access->kv != NULL ? outbox_done(access, &e->row, 1, e->now) : err;
}

enum idp_err revoke_session(const struct access *access, struct arena *arena,
                            const struct session *session, const char *why, int64_t now)
{
    if (!session->signed_in)
        return IDP_OK;
    struct revoke_order order = {.arena = arena, .now = now};
    struct ordering o = {.order = &order,
                         .event = "session_left",
                         .detail = arena_printf(arena, "{\"why\":\"%s\",\"session\":\"%s\"}", why,
                                                session->family), /* words of ours */
                         .enterprise = session->enterprise,
                         .ending = {.of = ENDING_SIGN_OUT, .subject = session->family, .why = why}};
    enum idp_err err = session_close_codes(access, session->family);
    if (err == IDP_OK)
        err = carry_out(access, &o);
    return err == IDP_OK ? session_end(access, session) : err;
}

/* --- orders ----------------------------------------------------------------------------------- */

static const char *by_whom(const struct revoke_order *order, const char *name, const char *value)
{
    return audit_detail(order->arena, &order->by, name, value);
}

static enum idp_err suspend_client(struct sql_tx *tx, struct ordering *o)
{
    const struct client_desk desk = {
        .db = o->access->db, .now = o->order->now, .detail = o->detail};
    return client_suspend(tx, &desk, o->order->arena, o->ending.subject, &o->order->generation);
}

enum idp_err revoke_client(const struct access *access, struct revoke_order *order, const char *id)
{
    struct ordering o = {.order = order,
                         .cause = suspend_client,
                         .detail = by_whom(order, NULL, NULL),
                         .ending = {.of = ENDING_CLIENT, .subject = id, .why = "client_suspended"}};
    return carry_out(access, &o);
}

static enum idp_err suspend_enterprise(struct sql_tx *tx, struct ordering *o)
{
    return enterprise_suspend(tx, o->ending.subject, o->order->now);
}

enum idp_err revoke_enterprise(const struct access *access, struct revoke_order *order,
                               const char *id)
{
    struct ordering o = {
        .order = order,
        .cause = suspend_enterprise,
        .event = "enterprise_suspended",
        .news = &news_enterprise_suspended,
        .detail = by_whom(order, NULL, NULL),
        .ending = {.of = ENDING_ENTERPRISE, .subject = id, .why = "enterprise_suspended"}};
    return carry_out(access, &o);
}

static enum idp_err unbind(struct sql_tx *tx, struct ordering *o)
{
    return lock_unbind(tx, o->ending.subject, o->order->now);
}

enum idp_err revoke_lock(const struct access *access, struct revoke_order *order, const char *id)
{
    struct ordering o = {.order = order,
                         .cause = unbind,
                         .event = "lock_unbound",
                         .news = &news_lock_unbound,
                         .detail = by_whom(order, NULL, NULL),
                         .ending = {.of = ENDING_LOCK, .subject = id, .why = "lock_unbound"}};
    return carry_out(access, &o);
}

static enum idp_err withdraw(struct sql_tx *tx, struct ordering *o)
{
    return consent_withdraw(tx, o->ending.subject, o->ending.client);
}

enum idp_err revoke_consent(const struct access *access, struct revoke_order *order,
                            const char *enterprise, const char *client)
{
    struct ordering o = {.order = order,
                         .cause = withdraw,
                         .event = "consent_withdrawn",
                         .news = &news_consent_withdrawn,
                         .detail = by_whom(order, NULL, NULL),
                         .ending = {.of = ENDING_CONSENT,
                                    .subject = enterprise,
                                    .client = client,
                                    .why = "consent_withdrawn"}};
    return carry_out(access, &o);
}

enum idp_err revoke_family(const struct access *access, struct revoke_order *order,
                           const char *enterprise, const char *family)
{
    struct ordering o = {
        .order = order,
        .event = "session_ended",
        .detail = by_whom(order, "session", family),
        .enterprise = enterprise,
        .ending = {.of = ENDING_SESSION, .subject = family, .why = "session_ended"}};
    enum idp_err err = access->kv != NULL ? session_end_family(access, family) : IDP_OK;
    return err == IDP_OK ? carry_out(access, &o) : err;
}
