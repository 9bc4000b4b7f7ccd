#include "access/revoke.h"

#include <stdbool.h>
#include <string.h>

#include "access/access.h"
#include "access/outbox.h"
#include "access/session.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/clock.h"
#include "evidence/audit.h"
#include "store/sql.h"

/* What one call ends. */
struct ending {
    struct arena *arena;
    struct sql_call call; /* ends rows and returns id, client, enterprise, lock of each */
    struct sql_call all;  /* the ids of all that are ended, by this call or an earlier one */
    const char *detail;
    int64_t now;
    struct sql_rows ended, buried;
    const char **outbox; /* one row's id for each grant */
};

static enum idp_err note(struct sql_tx *tx, struct ending *e, size_t row)
{
    const struct sql_value *id = sql_cell(&e->ended, row, 0);
    char text[BASE64URL_LEN(GRANT_ID_SIZE) + 1];
    if (id == NULL || id->len != GRANT_ID_SIZE)
        return IDP_FAULT;
    base64url_encode(id->bytes, id->len, text);
    const struct outbox_entry entry = {.kind = &grant_tombstone, .target = text, .now = e->now};
    enum idp_err err = outbox_add(tx, e->arena, &entry, &e->outbox[row]);
    if (err != IDP_OK)
        return err;
    return audit_add(tx, e->arena,
                     &(struct audit_entry){.event = "grant_ended",
                                           .at_ms = clock_now_ms(),
                                           .client = sql_cell_text(&e->ended, row, 1),
                                           .enterprise = sql_cell_text(&e->ended, row, 2),
                                           .lock = sql_cell_text(&e->ended, row, 3),
                                           .detail = e->detail});
}

static enum idp_err mark(struct sql_tx *tx, void *with)
{
    struct ending *e = with;
    enum idp_err err = sql_run(tx, e->arena, &e->call, &e->ended, NULL);
    if (err != IDP_OK)
        return err;
    e->outbox = arena_alloc(e->arena, (e->ended.rows + 1) * sizeof(*e->outbox));
    if (e->outbox == NULL)
        return IDP_FAULT;
    for (size_t i = 0; err == IDP_OK && i < e->ended.rows; i++)
        err = note(tx, e, i);
    return err == IDP_OK ? sql_run(tx, e->arena, &e->all, &e->buried, NULL) : err;
}

/* An earlier call may have failed after its commit: its tombstones are put now, too. */
static enum idp_err bury_all(const struct access *access, const struct ending *e)
{
    enum idp_err err = IDP_OK;
    for (size_t i = 0; err == IDP_OK && i < e->buried.rows; i++) {
        const struct sql_value *id = sql_cell(&e->buried, i, 0);
        bool whole = id != NULL && id->len == GRANT_ID_SIZE;
        err = whole ? grant_bury(access, id->bytes) : IDP_FAULT;
    }
    return err;
}

static enum idp_err end(const struct access *access, struct ending *e)
{
    enum idp_err err = sql_transact(access->db, mark, e);
    if (err == IDP_OK)
        err = bury_all(access, e);
    return err == IDP_OK ? outbox_done(access, e->outbox, e->ended.rows, e->now) : err;
}

static const char *describe(struct arena *arena, const char *why)
{
    return arena_printf(arena, "{\"why\":\"%s\"}", why); /* a word of ours, never input */
}

enum idp_err revoke_grant(const struct access *access, struct arena *arena,
                          const unsigned char id[GRANT_ID_SIZE], const char *why, int64_t now)
{
    const struct sql_value params[] = {sql_blob(id, GRANT_ID_SIZE), sql_int(now), sql_text(why)};
    struct ending e = {
        .arena = arena,
        .call = {"UPDATE grants SET ended = $2, ended_why = $3 WHERE id = $1 AND ended IS NULL "
                 "RETURNING id, client, enterprise, lock",
                 params, 3},
        .all = {"SELECT id FROM grants WHERE id = $1 AND ended IS NOT NULL", params, 1},
        .detail = describe(arena, why),
        .now = now,
    };
    return e.detail != NULL ? end(access, &e) : IDP_FAULT;
}

static enum idp_err end_family(const struct access *access, struct arena *arena, const char *family,
                               const char *why, int64_t now)
{
    const struct sql_value params[] = {sql_text(family), sql_int(now), sql_text(why)};
    struct ending e = {
        .arena = arena,
        .call = {"UPDATE grants SET ended = $2, ended_why = $3 "
                 "WHERE session = $1 AND ended IS NULL RETURNING id, client, enterprise, lock",
                 params, 3},
        .all = {"SELECT id FROM grants WHERE session = $1 AND ended IS NOT NULL", params, 1},
        .detail = describe(arena, why),
        .now = now,
    };
    return e.detail != NULL ? end(access, &e) : IDP_FAULT;
}

enum idp_err revoke_session(const struct access *access, struct arena *arena,
                            const struct session *session, const char *why, int64_t now)
{
    if (!session->signed_in)
        return IDP_OK;
    enum idp_err err = session_close_codes(access, session);
    if (err == IDP_OK)
        err = end_family(access, arena, session->family, why, now);
    return err == IDP_OK ? session_end(access, session) : err;
}
