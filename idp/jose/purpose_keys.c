/*
 * The provider's symmetric keys, ready to be used by any thread without a lock. All of them stand
 * in a table that is never changed: a reload makes another one and swaps it in. Tables and keys are
 * few and small (10 KB a change of keys), so none is freed before the end, and nobody has to say
 * that they use one.
 */
#include "jose/purpose_keys.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/log.h"
#include "jose/master.h"
#include "store/sql.h"

/* A key that was opened. Its row never comes to hold another one. */
struct opened_key {
    struct opened_key *before;
    struct mac_key *key;
    int64_t id, created;
    enum purpose purpose;
};

struct table {
    struct table *before;
    const struct mac_key *by_id[PURPOSES][PURPOSE_KEY_ID_MAX + 1];
    unsigned char active[PURPOSES];
};

struct purpose_keys {
    struct sql *db;
    const struct master_key *master;
    bool (*stale)(const void *with); /* or NULL */
    const void *stale_with;
    struct opened_key *opened; /* of the thread that reloads, as is all in tables before */
    _Atomic(struct table *) current;
};

/* --- making ---------------------------------------------------------------------------------- */

struct ensuring {
    const struct master_key *master;
    struct arena *arena;
    int64_t now;
};

static bool has_active(const struct purpose_rows *rows, enum purpose purpose)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct purpose_row *row = &rows->rows[i];
        if (row->purpose == purpose && row->retired == 0 && !row->waiting)
            return true;
    }
    return false;
}

static enum idp_err make_missing(struct sql_tx *tx, void *with)
{
    const struct ensuring *ensuring = with;
    struct purpose_rows rows;
    enum idp_err err = purpose_rows_read_in(tx, ensuring->arena, &rows);
    for (int i = 0; i < PURPOSES && err == IDP_OK; i++) {
        int64_t id = 0;
        const struct purpose_making making = {
            .master = ensuring->master, .purpose = (enum purpose)i, .now = ensuring->now};
        if (!has_active(&rows, (enum purpose)i))
            err = purpose_row_make(tx, ensuring->arena, &making, &id);
    }
    return err;
}

static enum idp_err ensure(struct sql *db, const struct master_key *master, int64_t now)
{
    struct ensuring ensuring = {.master = master, .arena = arena_new(), .now = now};
    enum idp_err err =
        ensuring.arena != NULL ? sql_transact(db, make_missing, &ensuring) : IDP_FAULT;
    arena_free(ensuring.arena);
    return err;
}

/* --- loading --------------------------------------------------------------------------------- */

static const struct opened_key *find_opened(const struct purpose_keys *keys,
                                            const struct purpose_row *row)
{
    const struct opened_key *k = keys->opened;
    while (k != NULL &&
           (k->id != row->id || k->purpose != row->purpose || k->created != row->created))
        k = k->before;
    return k;
}

static enum idp_err unwrap(const struct purpose_keys *keys, struct arena *arena,
                           const struct purpose_row *row, struct mac_key **out)
{
    struct master_opened opened;
    const struct master_label label = {.purpose = purpose_name(row->purpose),
                                       .id = arena_printf(arena, "%lld", (long long)row->id)};
    if (label.id == NULL)
        return IDP_FAULT;
    enum idp_err err = master_unwrap(keys->master, &label, row->wrapped, arena, &opened);
    if (err != IDP_OK) {
        log_event(LOG_ERROR, "purpose_key_not_opened", "key", label.id);
        return err;
    }
    *out = mac_key_new(opened.bytes, opened.len);
    return *out != NULL ? IDP_OK : IDP_FAULT;
}

/* The row's key, opened before or now. */
static enum idp_err open_row(struct purpose_keys *keys, struct arena *arena,
                             const struct purpose_row *row, const struct mac_key **out)
{
    struct mac_key *key = NULL;
    enum idp_err err = unwrap(keys, arena, row, &key);
    if (err != IDP_OK)
        return err;
    const struct opened_key *known = find_opened(keys, row);
    if (known != NULL) { /* that it still opens is worth knowing */
        mac_key_free(key);
        *out = known->key;
        return IDP_OK;
    }
    struct opened_key *opened = calloc(1, sizeof(*opened));
    if (opened == NULL) {
        mac_key_free(key);
        return IDP_FAULT;
    }
    *opened = (struct opened_key){.before = keys->opened,
                                  .key = key,
                                  .id = row->id,
                                  .created = row->created,
                                  .purpose = row->purpose};
    keys->opened = opened;
    *out = key;
    return IDP_OK;
}

static enum idp_err fill(struct purpose_keys *keys, struct arena *arena, struct table *table)
{
    struct purpose_rows rows;
    enum idp_err err = purpose_rows_read(keys->db, arena, &rows);
    for (size_t i = 0; err == IDP_OK && i < rows.count; i++) {
        const struct purpose_row *row = &rows.rows[i];
        err = open_row(keys, arena, row, &table->by_id[row->purpose][row->id]);
        if (row->retired == 0 && !row->waiting)
            table->active[row->purpose] = (unsigned char)row->id;
    }
    for (int purpose = 0; purpose < PURPOSES && err == IDP_OK; purpose++)
        if (table->active[purpose] == 0)
            err = IDP_FAULT;
    return err;
}

static bool is_same(const struct table *a, const struct table *b)
{
    return b != NULL && memcmp(a->by_id, b->by_id, sizeof(a->by_id)) == 0 &&
           memcmp(a->active, b->active, sizeof(a->active)) == 0;
}

enum idp_err purpose_keys_reload(struct purpose_keys *keys)
{
    struct arena *arena = arena_new();
    struct table *table = calloc(1, sizeof(*table));
    struct table *current = atomic_load_explicit(&keys->current, memory_order_relaxed);
    enum idp_err err = arena != NULL && table != NULL ? fill(keys, arena, table) : IDP_FAULT;
    arena_free(arena);
    if (err != IDP_OK || is_same(table, current)) {
        free(table);
        return err;
    }
    table->before = current;
    atomic_store_explicit(&keys->current, table, memory_order_release);
    return IDP_OK;
}

enum idp_err purpose_keys_open(struct sql *db, const struct master_key *master, int64_t now,
                               struct purpose_keys **out)
{
    struct purpose_keys *keys = calloc(1, sizeof(*keys));
    if (keys == NULL)
        return IDP_FAULT;
    keys->db = db;
    keys->master = master;
    enum idp_err err = ensure(db, master, now);
    if (err == IDP_OK)
        err = purpose_keys_reload(keys);
    if (err == IDP_OK)
        *out = keys;
    else
        purpose_keys_close(keys);
    return err;
}

void purpose_keys_close(struct purpose_keys *keys)
{
    if (keys == NULL)
        return;
    for (struct table *table = atomic_load(&keys->current); table != NULL;) {
        struct table *before = table->before;
        free(table);
        table = before;
    }
    while (keys->opened != NULL) {
        struct opened_key *before = keys->opened->before;
        mac_key_free(keys->opened->key);
        free(keys->opened);
        keys->opened = before;
    }
    free(keys);
}

/* --- using ----------------------------------------------------------------------------------- */

void purpose_keys_guard(struct purpose_keys *keys, bool (*stale)(const void *with),
                        const void *with)
{
    keys->stale = stale;
    keys->stale_with = with;
}

bool purpose_keys_stale(const struct purpose_keys *keys)
{
    return keys->stale != NULL && keys->stale(keys->stale_with);
}

static const struct table *table_of(const struct purpose_keys *keys)
{
    return atomic_load_explicit(&keys->current, memory_order_acquire);
}

const struct mac_key *purpose_key_active(const struct purpose_keys *keys, enum purpose purpose,
                                         unsigned char *id)
{
    const struct table *table = table_of(keys);
    *id = table->active[purpose];
    return table->by_id[purpose][*id];
}

const struct mac_key *purpose_key_by_id(const struct purpose_keys *keys, enum purpose purpose,
                                        unsigned char id)
{
    return table_of(keys)->by_id[purpose][id];
}

size_t purpose_key_list(const struct purpose_keys *keys, enum purpose purpose,
                        const struct mac_key *out[PURPOSE_KEYS_MAX])
{
    size_t n = 0;
    const struct table *table = table_of(keys);
    out[n++] = table->by_id[purpose][table->active[purpose]];
    for (int id = 1; id <= PURPOSE_KEY_ID_MAX && n < PURPOSE_KEYS_MAX; id++)
        if (table->by_id[purpose][id] != NULL && id != table->active[purpose])
            out[n++] = table->by_id[purpose][id];
    return n;
}
