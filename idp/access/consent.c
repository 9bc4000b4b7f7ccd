#include "access/consent.h"

#include <string.h>

#include "access/access.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/json_out.h"
#include "evidence/audit.h"
#include "store/sql.h"

enum { HASH_TEXT = BASE64URL_LEN(DIGEST_SIZE) + 1, DETAIL_MAX = 2048 };

/* What was shown: the names of the claims, wherever they go. */
static const char *shown(struct arena *arena, const struct consent *c)
{
    return claims_to_text(arena, c->claims.userinfo | c->claims.id_token);
}

static enum idp_err claims_hash(struct arena *arena, const struct consent *c, char out[HASH_TEXT])
{
    unsigned char hash[DIGEST_SIZE];
    const char *names = shown(arena, c);
    if (names == NULL || digest(DIGEST_SHA256, names, strlen(names), hash) != IDP_OK)
        return IDP_FAULT;
    base64url_encode(hash, sizeof(hash), out);
    return IDP_OK;
}

enum idp_err consent_find(const struct access *access, struct arena *arena, const struct consent *c)
{
    struct sql_rows rows;
    char hash[HASH_TEXT];
    enum idp_err err = claims_hash(arena, c, hash);
    const char *offline = arena_printf(arena, "%s %s", c->scope, claims_offline);
    const struct sql_value params[] = {sql_text(c->enterprise), sql_text(c->client),
                                       sql_text(c->scope), sql_text(hash), sql_text(offline)};
    if (err != IDP_OK || offline == NULL)
        return IDP_FAULT;
    return sql_read_one(access->db, arena,
                        &(struct sql_call){"SELECT given FROM consents WHERE enterprise = $1 AND "
                                           "client = $2 AND scope IN ($3, $5) AND claims_hash = $4",
                                           params, 5},
                        &rows);
}

struct giving {
    struct arena *arena;
    const struct consent *consent;
    const char *hash, *detail;
    int64_t now;
};

static enum idp_err write_rows(struct sql_tx *tx, void *with)
{
    const struct giving *g = with;
    const struct consent *c = g->consent;
    const struct sql_value params[] = {sql_text(c->enterprise), sql_text(c->client),
                                       sql_text(c->scope), sql_text(g->hash), sql_int(g->now)};
    enum idp_err err =
        sql_run(tx, NULL,
                &(struct sql_call){"INSERT INTO consents (enterprise, client, scope, claims_hash, "
                                   "given, since) VALUES ($1, $2, $3, $4, $5, $5) "
                                   "ON CONFLICT (enterprise, client) DO UPDATE SET "
                                   "scope = excluded.scope, claims_hash = excluded.claims_hash, "
                                   "given = excluded.given",
                                   params, 5},
                NULL, NULL);
    if (err != IDP_OK)
        return err;
    return audit_add(tx, g->arena,
                     &(struct audit_entry){.event = "consent_given",
                                           .at_ms = clock_now_ms(),
                                           .enterprise = c->enterprise,
                                           .client = c->client,
                                           .detail = g->detail});
}

static const char *describe(struct arena *arena, const struct consent *c)
{
    char *buffer = arena_alloc(arena, DETAIL_MAX);
    const char *names = shown(arena, c);
    if (buffer == NULL || names == NULL)
        return NULL;
    struct json_out json = json_out_new(buffer, DETAIL_MAX);
    json_out_object(&json, NULL);
    json_out_text(&json, "scope", c->scope);
    json_out_text(&json, "claims", names);
    json_out_end_object(&json);
    return json_out_done(&json) > 0 ? buffer : NULL;
}

enum idp_err consent_give(const struct access *access, struct arena *arena, const struct consent *c,
                          int64_t now)
{
    char hash[HASH_TEXT];
    enum idp_err err = claims_hash(arena, c, hash);
    struct giving g = {
        .arena = arena, .consent = c, .hash = hash, .detail = describe(arena, c), .now = now};
    if (err != IDP_OK || g.detail == NULL)
        return IDP_FAULT;
    return sql_transact(access->db, write_rows, &g);
}

enum idp_err consent_withdraw(struct sql_tx *tx, const char *enterprise, const char *client)
{
    int64_t changed = 0;
    const struct sql_value params[] = {sql_text(enterprise), sql_text(client)};
    enum idp_err err = sql_run(
        tx, NULL,
        &(struct sql_call){"DELETE FROM consents WHERE enterprise = $1 AND client = $2", params, 2},
        NULL, &changed);
    return err == IDP_OK && changed == 0 ? IDP_NOT_FOUND : err;
}

enum idp_err consent_list(struct sql *db, struct arena *arena, const char *enterprise,
                          struct consent_rows *out)
{
    struct sql_rows rows;
    const struct sql_value param = sql_text(enterprise);
    enum idp_err err = sql_read(
        db, arena,
        &(struct sql_call){"SELECT client, scope, given, since FROM consents WHERE enterprise = $1 "
                           "ORDER BY client",
                           &param, 1},
        &rows);
    if (err != IDP_OK)
        return err;
    struct consent_row *read = arena_alloc(arena, (rows.rows + 1) * sizeof(*read));
    if (read == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < rows.rows; i++)
        read[i] = (struct consent_row){.client = sql_cell_text(&rows, i, 0),
                                       .scope = sql_cell_text(&rows, i, 1),
                                       .given = sql_cell_int(&rows, i, 2),
                                       .since = sql_cell_int(&rows, i, 3)};
    *out = (struct consent_rows){.rows = read, .count = rows.rows};
    return IDP_OK;
}
