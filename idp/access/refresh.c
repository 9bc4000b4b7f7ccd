#include "access/refresh.h"

#include <stdbool.h>
#include <string.h>

#include "access/access.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/text.h"
#include "jose/purpose_keys.h"
#include "store/sql.h"

enum {
    GRANT_AT = 1, /* behind the key id */
    NUMBER_AT = GRANT_AT + GRANT_ID_SIZE,
    NUMBER_SIZE = 8,
    BODY_SIZE = NUMBER_AT + NUMBER_SIZE,
    TOKEN_SIZE = BODY_SIZE + DIGEST_SIZE,
    TOKEN_TEXT = BASE64URL_LEN(TOKEN_SIZE),
};

static enum idp_err tag_of(const struct mac_key *key, const unsigned char *body,
                           unsigned char tag[DIGEST_SIZE])
{
    static const char label[] = "refresh token";
    const struct digest_piece pieces[] = {
        {label, sizeof(label)}, {body, BODY_SIZE}, {.bytes = NULL}};
    return mac(key, pieces, tag);
}

/* The same number under the same key is the same token, whichever node makes it. */
static enum idp_err make(const struct access *access, struct arena *arena,
                         const struct refresh_token *token, int64_t key_id, const char **out)
{
    unsigned char bytes[TOKEN_SIZE];
    char *text = arena_alloc(arena, TOKEN_TEXT + 1);
    const struct mac_key *key =
        purpose_key_by_id(access->keys, PURPOSE_REFRESH, (unsigned char)key_id);
    bytes[0] = (unsigned char)key_id;
    memcpy(bytes + GRANT_AT, token->grant, GRANT_ID_SIZE);
    for (size_t i = 0; i < NUMBER_SIZE; i++)
        bytes[NUMBER_AT + i] =
            (unsigned char)((uint64_t)token->number >> 8 * (NUMBER_SIZE - 1 - i));
    if (text == NULL || key == NULL || tag_of(key, bytes, bytes + BODY_SIZE) != IDP_OK)
        return IDP_FAULT;
    base64url_encode(bytes, sizeof(bytes), text);
    *out = text;
    return IDP_OK;
}

static unsigned char active_key(const struct access *access)
{
    unsigned char id = 0;
    (void)purpose_key_active(access->keys, PURPOSE_REFRESH, &id);
    return id;
}

enum idp_err refresh_begin(const struct access *access, struct sql_tx *tx,
                           const struct grant *grant)
{
    const struct sql_value params[] = {sql_blob(grant->id, GRANT_ID_SIZE),
                                       sql_int(active_key(access)), sql_int(grant->created * 1000),
                                       sql_int(grant->created + access->refresh_family_s)};
    return sql_run(tx, NULL,
                   &(struct sql_call){"INSERT INTO refresh_families (grant_id, number, key_id, "
                                      "rotated_ms, expires) VALUES ($1, 1, $2, $3, $4)",
                                      params, 4},
                   NULL, NULL);
}

enum idp_err refresh_first(const struct access *access, struct arena *arena,
                           const struct grant *grant, const char **out)
{
    struct refresh_token first = {.number = 1};
    memcpy(first.grant, grant->id, GRANT_ID_SIZE);
    return make(access, arena, &first, active_key(access), out);
}

enum idp_err refresh_read(const struct access *access, const char *text, struct refresh_token *out)
{
    unsigned char bytes[TOKEN_SIZE];
    unsigned char tag[DIGEST_SIZE];
    size_t n = 0;
    if (strlen(text) != TOKEN_TEXT ||
        base64url_decode(text, TOKEN_TEXT, bytes, sizeof(bytes), &n) != IDP_OK || n != TOKEN_SIZE)
        return IDP_BAD_TOKEN;
    const struct mac_key *key = purpose_key_by_id(access->keys, PURPOSE_REFRESH, bytes[0]);
    if (key == NULL)
        return purpose_keys_stale(access->keys) ? IDP_UNAVAILABLE : IDP_BAD_TOKEN;
    if (tag_of(key, bytes, tag) != IDP_OK)
        return IDP_FAULT;
    if (!text_same_secret(tag, bytes + BODY_SIZE, sizeof(tag)))
        return IDP_BAD_TOKEN;
    uint64_t number = 0;
    for (size_t i = 0; i < NUMBER_SIZE; i++)
        number = number << 8 | bytes[NUMBER_AT + i];
    memcpy(out->grant, bytes + GRANT_AT, GRANT_ID_SIZE);
    out->number = (int64_t)number;
    return IDP_OK;
}

/* --- rotation --------------------------------------------------------------------------------- */

/* Everybody the grant in $1 speaks of is in good standing, the lock's certificate was never called
 * revoked, and it has not ended. */
#define STANDS                                                                                     \
    "EXISTS (SELECT 1 FROM grants g JOIN clients c ON c.id = g.client "                            \
    "JOIN enterprises e ON e.id = g.enterprise JOIN locks l ON l.id = g.lock "                     \
    "JOIN authorities t ON t.id = g.authority "                                                    \
    "WHERE g.id = $1 AND g.ended IS NULL AND c.standing = 'active' AND e.standing = 'active' "     \
    "AND l.unbound IS NULL AND t.listed = 1 "                                                      \
    "AND NOT EXISTS (SELECT 1 FROM revoked r WHERE r.certificate = l.certificate_hash) "           \
    "AND (t.rights_ended IS NULL OR t.rights_ended < g.auth_time))"

/* What the transaction works with. */
struct rotating {
    struct arena *arena;
    const struct refresh_token *token;
    int64_t now_ms, key_id;
    int64_t changed;
    struct sql_rows family; /* when nothing was changed: number, key, rotated_ms, expires, stands */
};

static enum idp_err rotate(struct sql_tx *tx, void *with)
{
    struct rotating *r = with;
    const struct sql_value params[] = {sql_blob(r->token->grant, GRANT_ID_SIZE),
                                       sql_int(r->token->number), sql_int(r->key_id),
                                       sql_int(r->now_ms), sql_int(r->now_ms / 1000)};
    enum idp_err err =
        sql_run(tx, NULL,
                &(struct sql_call){"UPDATE refresh_families SET number = number + 1, key_id = $3, "
                                   "rotated_ms = $4 WHERE grant_id = $1 AND number = $2 "
                                   "AND expires > $5 AND " STANDS,
                                   params, 5},
                NULL, &r->changed);
    if (err != IDP_OK || r->changed > 0)
        return err;
    return sql_run(tx, r->arena,
                   &(struct sql_call){"SELECT number, key_id, rotated_ms, expires, "
                                      "CASE WHEN " STANDS " THEN 1 ELSE 0 END "
                                      "FROM refresh_families WHERE grant_id = $1",
                                      params, 1},
                   &r->family, NULL);
}

/* Why nothing was changed; IDP_OK where the token is the one before, and was used just now. */
static enum idp_err explain(const struct access *access, const struct rotating *r)
{
    int64_t ago = r->now_ms - sql_cell_int(&r->family, 0, 2);
    bool stands = sql_cell_int(&r->family, 0, 4) != 0;
    bool over = r->now_ms / 1000 >= sql_cell_int(&r->family, 0, 3);
    if (r->family.rows == 0 || !stands || over)
        return IDP_BAD_GRANT;
    int64_t grace = access->refresh_grace_s * 1000;
    bool just_now = grace > 0 && ago <= grace && ago >= -grace; /* below 0: another node's clock */
    return r->token->number + 1 == sql_cell_int(&r->family, 0, 0) && just_now ? IDP_OK
                                                                              : IDP_CONFLICT;
}

enum idp_err refresh_rotate(const struct access *access, struct arena *arena,
                            const struct refresh_token *token, int64_t now_ms, const char **out)
{
    struct rotating r = {
        .arena = arena, .token = token, .now_ms = now_ms, .key_id = active_key(access)};
    struct refresh_token successor = *token;
    successor.number++;
    enum idp_err err = sql_transact(access->db, rotate, &r);
    if (err != IDP_OK)
        return err;
    if (r.changed > 0)
        return make(access, arena, &successor, r.key_id, out);
    err = explain(access, &r);
    return err == IDP_OK ? make(access, arena, &successor, sql_cell_int(&r.family, 0, 1), out)
                         : err;
}

enum idp_err refresh_find(const struct access *access, struct arena *arena,
                          const unsigned char grant[GRANT_ID_SIZE], struct refresh_family *out)
{
    struct sql_rows rows;
    const struct sql_value id = sql_blob(grant, GRANT_ID_SIZE);
    enum idp_err err = sql_read_one(
        access->db, arena,
        &(struct sql_call){"SELECT f.number, f.rotated_ms, f.expires "
                           "FROM refresh_families f JOIN grants g ON g.id = f.grant_id "
                           "WHERE f.grant_id = $1 AND g.ended IS NULL",
                           &id, 1},
        &rows);
    if (err == IDP_OK)
        *out = (struct refresh_family){.number = sql_cell_int(&rows, 0, 0),
                                       .rotated_ms = sql_cell_int(&rows, 0, 1),
                                       .expires = sql_cell_int(&rows, 0, 2)};
    return err;
}
