#include "enterprise/holder.h"

#include <string.h>

#include "base/arena.h"
#include "base/pack.h"
#include "enterprise/cells.h"
#include "store/kv.h"
#include "store/sql.h"

/* A copy that an unluckily timed refill left behind is forgotten after this. */
enum { COPY_MS = 60 * 1000, COPY_VERSION = 2, COPY_MAX = 8192 };

#define COLUMNS CELLS_ENTERPRISE ", " CELLS_LOCK " "

static const char find_by_lock[] =
    "SELECT " COLUMNS "FROM locks l JOIN enterprises e ON e.id = l.enterprise WHERE l.id = $1";

static const char find_by_enterprise[] =
    "SELECT " COLUMNS "FROM locks l JOIN enterprises e ON e.id = l.enterprise WHERE e.id = $1";

static const char find_by_key[] =
    "SELECT " COLUMNS "FROM locks l JOIN enterprises e ON e.id = l.enterprise "
    "WHERE l.authority = $2 AND l.key_hash = $3 AND l.unbound IS NULL AND e.uscc = $1";

static const char find_related[] =
    "SELECT " COLUMNS "FROM locks l JOIN enterprises e ON e.id = l.enterprise WHERE e.uscc = $1 "
    "UNION "
    "SELECT " COLUMNS "FROM locks l JOIN enterprises e ON e.id = l.enterprise "
    "WHERE l.authority = $2 AND l.key_hash = $3";

bool holder_in_good_standing(const struct holder *holder)
{
    return !holder->enterprise.suspended && !holder->lock.unbound;
}

static struct holder from_row(const struct sql_rows *rows, size_t row)
{
    return (struct holder){
        .enterprise = cells_enterprise(rows, row, 0),
        .lock = cells_lock(rows, row, CELLS_OF_ENTERPRISE),
    };
}

/* The texts of a holder in the order in which its copy holds them. */
static size_t list_texts(struct holder *h, const char **out[16])
{
    struct enterprise *e = &h->enterprise;
    struct lock *l = &h->lock;
    const char **all[] = {
        &e->id,
        &e->uscc,
        &e->name,
        &e->city,
        &e->legal_representative,
        &e->phone,
        &e->address,
        &e->email,
        &e->entity_types,
        &l->id,
        &l->authority,
        &l->key_hash,
        &l->key_number,
        &l->certificate_hash,
        &l->serial,
    };
    memcpy(out, all, sizeof(all));
    return sizeof(all) / sizeof(*all);
}

static struct pack write_copy(const struct holder *holder, unsigned char *buffer)
{
    struct holder h = *holder;
    const char **texts[16];
    size_t count = list_texts(&h, texts);
    struct pack p = pack_new(buffer, COPY_MAX, COPY_VERSION);
    for (size_t i = 0; i < count; i++)
        pack_text(&p, *texts[i]);
    pack_number(&p, h.enterprise.suspended);
    pack_number(&p, h.lock.not_after);
    pack_number(&p, h.lock.primary);
    pack_number(&p, h.lock.unbound);
    pack_number(&p, h.lock.rights_ended);
    return p;
}

/* Returns NULL for a copy that cannot be read, or no memory: SQL is asked then. */
static const struct holder *read_copy(struct kv_bytes copy, struct arena *arena)
{
    struct holder *h = arena_alloc(arena, sizeof(*h));
    const char **texts[16];
    if (h == NULL)
        return NULL;
    size_t count = list_texts(h, texts);
    struct unpack u = unpack_new(copy.bytes, copy.len, COPY_VERSION, arena);
    for (size_t i = 0; i < count; i++)
        *texts[i] = unpack_text(&u);
    h->enterprise.suspended = unpack_number(&u) != 0;
    h->lock.not_after = unpack_number(&u);
    h->lock.primary = unpack_number(&u) != 0;
    h->lock.unbound = unpack_number(&u) != 0;
    h->lock.rights_ended = unpack_number(&u);
    return unpack_done(&u) ? h : NULL;
}

enum idp_err holder_remember(struct kv *kv, const struct holder *holder)
{
    unsigned char buffer[COPY_MAX];
    struct pack p = write_copy(holder, buffer);
    if (p.failed)
        return IDP_FAULT;
    return kv_put(kv, KV_HOLDER, kv_text(holder->lock.id), (struct kv_bytes){buffer, p.len},
                  COPY_MS);
}

/* Puts the rows that a statement finds by an id as fresh copies. */
static enum idp_err refresh(struct sql *db, struct kv *kv, const char *text, const char *id)
{
    struct sql_rows rows;
    struct arena *arena = arena_new();
    const struct sql_value param = sql_text(id);
    enum idp_err err =
        arena != NULL ? sql_read(db, arena, &(struct sql_call){text, &param, 1}, &rows) : IDP_FAULT;
    for (size_t i = 0; err == IDP_OK && i < rows.rows; i++) {
        const struct holder h = from_row(&rows, i);
        err = holder_remember(kv, &h);
    }
    arena_free(arena);
    return err;
}

enum idp_err holder_refresh(struct sql *db, struct kv *kv, const char *lock_id)
{
    return refresh(db, kv, find_by_lock, lock_id);
}

enum idp_err holders_refresh(struct sql *db, struct kv *kv, const char *enterprise_id)
{
    return refresh(db, kv, find_by_enterprise, enterprise_id);
}

/* A refill never replaces a copy that is there: that one may be newer than what was read. */
static void refill(struct kv *kv, const struct holder *holder)
{
    unsigned char buffer[COPY_MAX];
    struct pack p = write_copy(holder, buffer);
    if (!p.failed)
        (void)kv_add(kv, KV_HOLDER, kv_text(holder->lock.id), (struct kv_bytes){buffer, p.len},
                     COPY_MS);
}

static enum idp_err read_row(struct sql *db, struct kv *kv, struct arena *arena,
                             const char *lock_id, const struct holder **out)
{
    struct sql_rows rows;
    const struct sql_value id = sql_text(lock_id);
    enum idp_err err = sql_read_one(db, arena, &(struct sql_call){find_by_lock, &id, 1}, &rows);
    if (err != IDP_OK)
        return err;
    struct holder h = from_row(&rows, 0);
    *out = arena_copy(arena, &h, sizeof(h));
    if (*out == NULL)
        return IDP_FAULT;
    refill(kv, *out);
    return IDP_OK;
}

enum idp_err holder_find(struct sql *db, struct kv *kv, struct arena *arena, const char *lock_id,
                         const struct holder **out)
{
    struct kv_bytes copy;
    enum idp_err err = kv_get(kv, KV_HOLDER, kv_text(lock_id), arena, &copy);
    if (err != IDP_OK && err != IDP_NOT_FOUND)
        return err;
    const struct holder *found = err == IDP_OK ? read_copy(copy, arena) : NULL;
    if (found == NULL)
        return read_row(db, kv, arena, lock_id, out);
    *out = found;
    return IDP_OK;
}

static enum idp_err take_holders(struct arena *arena, const struct sql_rows *rows,
                                 struct holders *out)
{
    struct holder *all = arena_alloc(arena, (rows->rows + 1) * sizeof(*all));
    if (all == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < rows->rows; i++)
        all[i] = from_row(rows, i);
    *out = (struct holders){.holders = all, .count = rows->rows};
    return rows->rows > 0 ? IDP_OK : IDP_NOT_FOUND;
}

enum idp_err holders_bound(struct sql_tx *tx, struct arena *arena, const struct holder_key *key,
                           struct holders *out)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_text(key->uscc), sql_text(key->authority),
                                       sql_text(key->key_hash)};
    enum idp_err err = sql_run(tx, arena, &(struct sql_call){find_by_key, params, 3}, &rows, NULL);
    return err == IDP_OK ? take_holders(arena, &rows, out) : err;
}

enum idp_err holders_related(struct sql *db, struct arena *arena, const struct holder_key *key,
                             struct holders *out)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_text(key->uscc), sql_text(key->authority),
                                       sql_text(key->key_hash)};
    enum idp_err err = sql_read(db, arena, &(struct sql_call){find_related, params, 3}, &rows);
    return err == IDP_OK ? take_holders(arena, &rows, out) : err;
}
