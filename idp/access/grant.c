#include "access/grant.h"

#include <string.h>

#include "access/access.h"
#include "access/outbox.h"
#include "access/refresh.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/pack.h"
#include "base/random.h"
#include "pki/pki.h"
#include "store/kv.h"
#include "store/sql.h"

enum { COPY_VERSION = 4, TOMBSTONE_VERSION = 2, COPY_MAX = 4096, COPY_SPARE_S = 60 };

static struct kv_bytes key_of(const unsigned char id[GRANT_ID_SIZE])
{
    return (struct kv_bytes){id, GRANT_ID_SIZE};
}

/* A copy is of use for as long as a token of the grant may live. */
static int64_t copy_ms(const struct access *access)
{
    return (access->access_token_s + COPY_SPARE_S) * 1000;
}

static enum idp_err write_copy(const struct access *access, const struct grant *g)
{
    unsigned char buffer[COPY_MAX];
    struct pack p = pack_new(buffer, sizeof(buffer), COPY_VERSION);
    pack_text(&p, g->client);
    pack_text(&p, g->enterprise);
    pack_text(&p, g->lock);
    pack_text(&p, g->authority);
    pack_text(&p, g->session);
    pack_text(&p, g->scope);
    pack_text(&p, g->acr);
    pack_text(&p, g->amr);
    pack_number(&p, g->claims.userinfo);
    pack_number(&p, g->claims.id_token);
    pack_number(&p, g->auth_time);
    pack_number(&p, g->created);
    pack_number(&p, g->offline);
    if (p.failed)
        return IDP_FAULT;
    /* add, not put: a tombstone that is there already must stay */
    return kv_add(access->kv, KV_GRANT, key_of(g->id), (struct kv_bytes){buffer, p.len},
                  copy_ms(access));
}

static bool read_copy(struct kv_bytes copy, struct arena *arena, struct grant *g)
{
    const unsigned char *first = copy.bytes;
    if (copy.len == 1 && first[0] == TOMBSTONE_VERSION) {
        g->ended = true;
        return true;
    }
    struct unpack u = unpack_new(copy.bytes, copy.len, COPY_VERSION, arena);
    g->client = unpack_text(&u);
    g->enterprise = unpack_text(&u);
    g->lock = unpack_text(&u);
    g->authority = unpack_text(&u);
    g->session = unpack_text(&u);
    g->scope = unpack_text(&u);
    g->acr = unpack_text(&u);
    g->amr = unpack_text(&u);
    g->claims.userinfo = (uint32_t)unpack_number(&u);
    g->claims.id_token = (uint32_t)unpack_number(&u);
    g->auth_time = unpack_number(&u);
    g->created = unpack_number(&u);
    g->offline = unpack_number(&u) != 0;
    return unpack_done(&u);
}

enum idp_err grant_bury(const struct access *access, const unsigned char id[GRANT_ID_SIZE])
{
    static const unsigned char tombstone = TOMBSTONE_VERSION;
    return kv_put(access->kv, KV_GRANT, key_of(id), (struct kv_bytes){&tombstone, 1},
                  copy_ms(access));
}

/* What the transaction works with. */
struct making {
    const struct access *access;
    const struct grant *grant;
    const struct grant_code *code;
    const char *claims;
};

/*
 * The row is written only where everybody it speaks of is in good standing, and has been since the
 * code was issued: what was ended does not come back by a code from before, also when the standing
 * has been lifted since; nor by a session from before its lock was unbound, or the lock's authority
 * left the trust list.
 */
static enum idp_err insert(struct sql_tx *tx, void *with)
{
    const struct making *m = with;
    const struct grant *g = m->grant;
    int64_t changed = 0;
    const struct sql_value params[] = {
        sql_blob(g->id, sizeof(g->id)),
        sql_text(g->client),
        sql_text(g->enterprise),
        sql_text(g->lock),
        sql_text(g->session),
        sql_text(g->scope),
        sql_text(m->claims),
        sql_int(g->auth_time),
        sql_text(g->acr),
        sql_text(g->amr),
        sql_int(g->created),
        sql_text(m->code->hash),
        sql_text(g->authority),
        sql_int(g->offline),
        sql_int(m->code->issued),
    };
    enum idp_err err = sql_run(
        tx, NULL,
        &(struct sql_call){
            "INSERT INTO grants (id, client, enterprise, lock, session, scope, claims, auth_time, "
            "acr, amr, created, code_hash, authority, offline) "
            "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 "
            "WHERE EXISTS (SELECT 1 FROM locks l JOIN enterprises e ON e.id = l.enterprise "
            "WHERE l.id = $4 AND l.unbound IS NULL AND e.id = $3 "
            "AND (l.rights_ended IS NULL OR l.rights_ended < $8) "
            "AND NOT EXISTS (SELECT 1 FROM revoked r WHERE r.certificate = l.certificate_hash) "
            "AND e.standing = 'active' AND (e.rights_ended IS NULL OR e.rights_ended < $15)) "
            "AND EXISTS (SELECT 1 FROM clients c WHERE c.id = $2 AND c.standing = 'active' "
            "AND (c.rights_ended IS NULL OR c.rights_ended < $15)) "
            "AND EXISTS (SELECT 1 FROM consents a WHERE a.enterprise = $3 AND a.client = $2 "
            "AND a.since <= $15) "
            "AND EXISTS (SELECT 1 FROM authorities t JOIN clients c ON c.environment = "
            "t.environment WHERE t.id = $13 AND t.listed = 1 AND c.id = $2 "
            "AND (t.rights_ended IS NULL OR t.rights_ended < $8))",
            params, 15},
        NULL, &changed);
    if (err == IDP_OK && changed == 0)
        err = IDP_DENIED;
    return err == IDP_OK && g->offline ? refresh_begin(m->access, tx, g) : err;
}

/* Both sets, as the row keeps them: "userinfo names|ID-token names". */
static const char *claims_text(struct arena *arena, struct claims_asked claims)
{
    const char *userinfo = claims_to_text(arena, claims.userinfo);
    const char *id_token = claims_to_text(arena, claims.id_token);
    if (userinfo == NULL || id_token == NULL)
        return NULL;
    return arena_printf(arena, "%s|%s", userinfo, id_token);
}

enum idp_err grant_make(const struct access *access, struct arena *arena, struct grant *grant,
                        const struct grant_code *code)
{
    struct making m = {
        .access = access,
        .grant = grant,
        .code = code,
        .claims = claims_text(arena, grant->claims),
    };
    if (m.claims == NULL || random_bytes(grant->id, sizeof(grant->id)) != IDP_OK)
        return IDP_FAULT;
    enum idp_err err = sql_transact(access->db, insert, &m);
    if (err == IDP_OK)
        (void)write_copy(access, grant); /* the row stands; who misses the copy makes it */
    return err;
}

/* --- standing grants -------------------------------------------------------------------------- */

/* What its transaction works with. */
struct standing {
    struct arena *arena;
    const char *client, *scope;
    unsigned char id[GRANT_ID_SIZE]; /* of a new one */
    int64_t now;
    struct sql_rows rows;
};

static const char find_standing[] =
    "SELECT g.id FROM grants g JOIN clients c ON c.id = g.client WHERE g.client = $1 "
    "AND g.scope = $2 AND g.enterprise IS NULL AND g.ended IS NULL AND c.standing = 'active'";

/* Of several who come at once one makes it, and the others find it. */
static enum idp_err make_standing(struct sql_tx *tx, void *with)
{
    struct standing *s = with;
    const struct sql_value params[] = {sql_text(s->client), sql_text(s->scope),
                                       sql_blob(s->id, GRANT_ID_SIZE), sql_int(s->now)};
    enum idp_err err = sql_run(
        tx, NULL,
        &(struct sql_call){"INSERT INTO grants (id, client, scope, auth_time, acr, amr, created) "
                           "SELECT $3, $1, $2, 0, '', '', $4 WHERE EXISTS "
                           "(SELECT 1 FROM clients WHERE id = $1 AND standing = 'active') "
                           "ON CONFLICT (client, scope) WHERE enterprise IS NULL AND ended IS NULL "
                           "DO NOTHING",
                           params, 4},
        NULL, NULL);
    if (err != IDP_OK)
        return err;
    return sql_run(tx, s->arena, &(struct sql_call){find_standing, params, 2}, &s->rows, NULL);
}

static enum idp_err read_standing(const struct access *access, struct standing *s)
{
    const struct sql_value params[] = {sql_text(s->client), sql_text(s->scope)};
    return sql_read(access->db, s->arena, &(struct sql_call){find_standing, params, 2}, &s->rows);
}

enum idp_err grant_stand(const struct access *access, struct arena *arena, const char *client,
                         const char *scope, int64_t now, struct grant *out)
{
    struct standing s = {.arena = arena, .client = client, .scope = scope, .now = now};
    enum idp_err err = read_standing(access, &s);
    if (err == IDP_OK && s.rows.rows == 0) {
        err = random_bytes(s.id, sizeof(s.id));
        if (err == IDP_OK)
            err = sql_transact(access->db, make_standing, &s);
    }
    if (err != IDP_OK)
        return err;
    const struct sql_value *id = sql_cell(&s.rows, 0, 0);
    if (id == NULL || id->len != GRANT_ID_SIZE)
        return s.rows.rows == 0 ? IDP_DENIED : IDP_FAULT;
    *out = (struct grant){.client = client, .scope = scope, .created = now};
    memcpy(out->id, id->bytes, GRANT_ID_SIZE);
    return IDP_OK;
}

/* --- look-ups --------------------------------------------------------------------------------- */

static enum idp_err from_row(const struct sql_rows *rows, struct arena *arena, struct grant *g)
{
    const char *claims = sql_cell_text(rows, 0, 5);
    const char *bar = claims != NULL ? strchr(claims, '|') : NULL;
    g->client = sql_cell_text(rows, 0, 0);
    g->enterprise = sql_cell_text(rows, 0, 1);
    g->lock = sql_cell_text(rows, 0, 2);
    g->session = sql_cell_text(rows, 0, 3);
    g->scope = sql_cell_text(rows, 0, 4);
    g->auth_time = sql_cell_int(rows, 0, 6);
    g->acr = sql_cell_text(rows, 0, 7);
    g->amr = sql_cell_text(rows, 0, 8);
    g->created = sql_cell_int(rows, 0, 9);
    g->authority = sql_cell_text(rows, 0, 10);
    g->offline = sql_cell_int(rows, 0, 11) != 0;
    g->ended = sql_cell_int(rows, 0, 12) != 0;
    if (bar == NULL)
        return IDP_OK;
    const char *userinfo = arena_strndup(arena, claims, (size_t)(bar - claims));
    if (userinfo == NULL)
        return IDP_FAULT;
    g->claims = (struct claims_asked){claims_from_text(userinfo), claims_from_text(bar + 1)};
    return IDP_OK;
}

/*
 * One whose client, enterprise or lock has fallen counts as ended also before the ending has come
 * to its row (access/ending.h).
 */
static const char find_by_id[] =
    "SELECT g.client, g.enterprise, g.lock, g.session, g.scope, g.claims, g.auth_time, g.acr, "
    "g.amr, g.created, g.authority, g.offline, "
    "CASE WHEN g.ended IS NULL AND c.standing = 'active' AND (g.enterprise IS NULL OR "
    "(e.standing = 'active' AND l.id IS NOT NULL AND l.unbound IS NULL)) THEN 0 ELSE 1 END "
    "FROM grants g LEFT JOIN clients c ON c.id = g.client "
    "LEFT JOIN enterprises e ON e.id = g.enterprise LEFT JOIN locks l ON l.id = g.lock "
    "WHERE g.id = $1";

/* Reads the row and puts a copy, or a tombstone, where none stands. */
static enum idp_err read_row(const struct access *access, struct arena *arena, struct grant *g)
{
    struct sql_rows rows;
    const struct sql_value id = sql_blob(g->id, sizeof(g->id));
    enum idp_err err =
        sql_read_one(access->db, arena, &(struct sql_call){find_by_id, &id, 1}, &rows);
    if (err == IDP_OK)
        err = from_row(&rows, arena, g);
    if (err == IDP_OK)
        (void)(g->ended ? grant_bury(access, g->id) : write_copy(access, g));
    return err;
}

enum idp_err grant_find(const struct access *access, struct arena *arena,
                        const unsigned char id[GRANT_ID_SIZE], const struct grant **out)
{
    struct kv_bytes copy;
    struct grant *g = arena_alloc(arena, sizeof(*g));
    if (g == NULL)
        return IDP_FAULT;
    memcpy(g->id, id, GRANT_ID_SIZE);
    enum idp_err err = kv_get(access->kv, KV_GRANT, key_of(id), arena, &copy);
    if (err != IDP_OK && err != IDP_NOT_FOUND)
        return err;
    if (err == IDP_NOT_FOUND || !read_copy(copy, arena, g))
        err = read_row(access, arena, g);
    if (err == IDP_OK)
        *out = g;
    return err;
}

/* A claim that was asked for by its own name belongs to a scope, too. */
enum idp_err grant_narrow(struct arena *arena, const struct grant *grant, uint16_t scopes,
                          const struct grant **out)
{
    uint16_t has = claims_scope_bits(grant->scope);
    const char *kept = claims_scope_names(arena, has & scopes);
    const char *lost = claims_scope_names(arena, (uint16_t)(has & ~scopes));
    struct grant *narrow = arena_copy(arena, grant, sizeof(*grant));
    if (kept == NULL || lost == NULL || narrow == NULL)
        return IDP_FAULT;
    narrow->scope = kept;
    narrow->claims.userinfo &= ~claims_of_scope(lost);
    narrow->claims.id_token &= ~claims_of_scope(lost);
    *out = narrow;
    return IDP_OK;
}

bool grant_authority_is_listed(const struct access *access, const struct grant *grant)
{
    if (grant->enterprise == NULL) /* there is no lock */
        return true;
    return grant->authority != NULL &&
           pki_lists(access->pki, grant->authority, NULL, grant->auth_time);
}

enum idp_err grant_find_by_code(const struct access *access, struct arena *arena,
                                const char *code_hash, unsigned char id[GRANT_ID_SIZE])
{
    struct sql_rows rows;
    const struct sql_value hash = sql_text(code_hash);
    enum idp_err err = sql_read_one(
        access->db, arena,
        &(struct sql_call){"SELECT id FROM grants WHERE code_hash = $1", &hash, 1}, &rows);
    if (err != IDP_OK)
        return err;
    const struct sql_value *cell = sql_cell(&rows, 0, 0);
    if (cell == NULL || cell->len != GRANT_ID_SIZE)
        return IDP_FAULT;
    memcpy(id, cell->bytes, GRANT_ID_SIZE);
    return IDP_OK;
}

static enum idp_err bury_target(const struct access *access, const struct outbox_row *row)
{
    unsigned char id[GRANT_ID_SIZE];
    size_t n = 0;
    if (base64url_decode(row->target, strlen(row->target), id, sizeof(id), &n) != IDP_OK ||
        n != sizeof(id))
        return IDP_FAULT;
    return grant_bury(access, id);
}

const struct outbox_kind grant_tombstone = {
    .name = "tombstone",
    .queue = OUTBOX_TOMBSTONES,
    .head_start_ms = 2000,
    .deliver = bury_target,
};
