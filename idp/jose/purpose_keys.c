/*
 * The provider's symmetric keys. A missing one is made inside a transaction that looks first, so
 * that of two nodes that begin at once the second finds the first one's key.
 */
#include "jose/purpose_keys.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/random.h"
#include "jose/master.h"
#include "store/sql.h"

enum { KEY_SIZE = 32, KEY_ID_MAX = 255 };

struct purpose_keys {
    struct mac_key *by_id[PURPOSES][KEY_ID_MAX + 1];
    unsigned char active[PURPOSES];
};

static const char *const names[PURPOSES] = {
    [PURPOSE_TOKEN] = "token",   [PURPOSE_REFRESH] = "refresh",   [PURPOSE_SECRET] = "secret",
    [PURPOSE_COOKIE] = "cookie", [PURPOSE_DOCUMENT] = "document",
};

struct making {
    const struct master_key *master;
    struct arena *arena;
    int64_t now;
    struct sql_rows rows;
};

/* Key ids are counted through all purposes, so that each names one key only. */
static enum idp_err next_id(struct sql_tx *tx, struct arena *arena, int64_t *out)
{
    struct sql_rows rows;
    const struct sql_call call = {.text = "SELECT COALESCE(MAX(id), 0) + 1 FROM purpose_keys"};
    enum idp_err err = sql_run(tx, arena, &call, &rows, NULL);
    if (err != IDP_OK)
        return err;
    *out = sql_cell_int(&rows, 0, 0);
    return *out <= KEY_ID_MAX ? IDP_OK : IDP_FULL;
}

static enum idp_err wrap_new(const struct making *making, enum purpose purpose, int64_t id,
                             const char **out)
{
    unsigned char bytes[KEY_SIZE];
    const struct master_label label = {.purpose = names[purpose],
                                       .id = arena_printf(making->arena, "%lld", (long long)id)};
    enum idp_err err = random_bytes(bytes, sizeof(bytes));
    if (err != IDP_OK || label.id == NULL)
        return IDP_FAULT;
    err = master_wrap(making->master, &label, bytes, sizeof(bytes), making->arena, out);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return err;
}

static enum idp_err make_one(struct sql_tx *tx, const struct making *making, enum purpose purpose)
{
    int64_t id = 0;
    const char *wrapped = NULL;
    enum idp_err err = next_id(tx, making->arena, &id);
    if (err == IDP_OK)
        err = wrap_new(making, purpose, id, &wrapped);
    if (err != IDP_OK)
        return err;
    const struct sql_value params[] = {sql_int(id), sql_text(names[purpose]), sql_text(wrapped),
                                       sql_int(making->now)};
    const struct sql_call call = {
        .text = "INSERT INTO purpose_keys (id, purpose, wrapped, created) VALUES ($1, $2, $3, $4)",
        .params = params,
        .count = 4};
    return sql_run(tx, making->arena, &call, NULL, NULL);
}

static enum idp_err make_if_missing(struct sql_tx *tx, const struct making *making,
                                    enum purpose purpose)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_text(names[purpose])};
    const struct sql_call call = {
        .text = "SELECT id FROM purpose_keys WHERE purpose = $1 AND retired IS NULL",
        .params = params,
        .count = 1};
    enum idp_err err = sql_run(tx, making->arena, &call, &rows, NULL);
    if (err != IDP_OK || rows.rows > 0)
        return err;
    return make_one(tx, making, purpose);
}

/* Makes what is missing and reads all, newest last. */
static enum idp_err make_and_read(struct sql_tx *tx, void *with)
{
    struct making *making = with;
    for (int purpose = 0; purpose < PURPOSES; purpose++) {
        enum idp_err err = make_if_missing(tx, making, (enum purpose)purpose);
        if (err != IDP_OK)
            return err;
    }
    const struct sql_call call = {
        .text = "SELECT id, purpose, wrapped, retired FROM purpose_keys ORDER BY id"};
    return sql_run(tx, making->arena, &call, &making->rows, NULL);
}

/* Which purpose a row is for, or PURPOSES when this program knows it not. */
static enum purpose purpose_of(const char *name)
{
    for (int i = 0; i < PURPOSES && name != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return (enum purpose)i;
    return PURPOSES;
}

static enum idp_err open_row(const struct making *making, size_t row, struct purpose_keys *keys)
{
    int64_t id = sql_cell_int(&making->rows, row, 0);
    const char *name = sql_cell_text(&making->rows, row, 1);
    const char *wrapped = sql_cell_text(&making->rows, row, 2);
    enum purpose purpose = purpose_of(name);
    if (purpose == PURPOSES || id < 1 || id > KEY_ID_MAX || wrapped == NULL)
        return IDP_OK; /* of a later version of the program */

    struct master_opened opened;
    const struct master_label label = {.purpose = name,
                                       .id = arena_printf(making->arena, "%lld", (long long)id)};
    if (label.id == NULL)
        return IDP_FAULT;
    enum idp_err err = master_unwrap(making->master, &label, wrapped, making->arena, &opened);
    if (err != IDP_OK) {
        log_event(LOG_ERROR, "purpose_key_not_opened", "key", label.id);
        return err;
    }
    keys->by_id[purpose][id] = mac_key_new(opened.bytes, opened.len);
    if (keys->by_id[purpose][id] == NULL)
        return IDP_FAULT;
    if (sql_cell(&making->rows, row, 3) == NULL)
        keys->active[purpose] = (unsigned char)id;
    return IDP_OK;
}

static enum idp_err open_all(const struct making *making, struct purpose_keys *keys)
{
    for (size_t row = 0; row < making->rows.rows; row++) {
        enum idp_err err = open_row(making, row, keys);
        if (err != IDP_OK)
            return err;
    }
    for (int purpose = 0; purpose < PURPOSES; purpose++)
        if (keys->active[purpose] == 0)
            return IDP_FAULT;
    return IDP_OK;
}

enum idp_err purpose_keys_open(struct sql *db, const struct master_key *master, int64_t now,
                               struct purpose_keys **out)
{
    struct making making = {.master = master, .now = now, .arena = arena_new()};
    struct purpose_keys *keys = calloc(1, sizeof(*keys));
    enum idp_err err = making.arena != NULL && keys != NULL ? IDP_OK : IDP_FAULT;
    if (err == IDP_OK)
        err = sql_transact(db, make_and_read, &making);
    if (err == IDP_OK)
        err = open_all(&making, keys);
    if (err == IDP_OK)
        *out = keys;
    else
        purpose_keys_close(keys);
    arena_free(making.arena);
    return err;
}

void purpose_keys_close(struct purpose_keys *keys)
{
    if (keys == NULL)
        return;
    for (int purpose = 0; purpose < PURPOSES; purpose++)
        for (int id = 0; id <= KEY_ID_MAX; id++)
            mac_key_free(keys->by_id[purpose][id]);
    free(keys);
}

const struct mac_key *purpose_key_active(const struct purpose_keys *keys, enum purpose purpose,
                                         unsigned char *id)
{
    *id = keys->active[purpose];
    return keys->by_id[purpose][*id];
}

const struct mac_key *purpose_key_by_id(const struct purpose_keys *keys, enum purpose purpose,
                                        unsigned char id)
{
    return keys->by_id[purpose][id];
}
