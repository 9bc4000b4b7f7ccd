/* Symmetric keys as rows. */
#include <string.h>

#include <openssl/crypto.h>

#include "base/arena.h"
#include "base/random.h"
#include "jose/master.h"
#include "jose/purpose_keys.h"
#include "jose/wrapped.h"
#include "store/sql.h"

enum { KEY_SIZE = 32 };

static const char *const names[PURPOSES] = {
    [PURPOSE_TOKEN] = "token",   [PURPOSE_REFRESH] = "refresh",   [PURPOSE_SECRET] = "secret",
    [PURPOSE_COOKIE] = "cookie", [PURPOSE_DOCUMENT] = "document",
};

const char *purpose_name(enum purpose purpose)
{
    return names[purpose];
}

bool purpose_find(const char *name, enum purpose *out)
{
    for (int i = 0; i < PURPOSES; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum purpose)i;
            return true;
        }
    return false;
}

/* --- reading --------------------------------------------------------------------------------- */

static const struct sql_call read_all = {
    .text = "SELECT id, purpose, wrapped, created, retired, waiting FROM purpose_keys ORDER BY id"};

/* Returns false for a row this program cannot use: one of a later version. */
static bool read_row(const struct sql_rows *rows, size_t row, struct purpose_row *out)
{
    const char *name = sql_cell_text(rows, row, 1);
    *out = (struct purpose_row){
        .id = sql_cell_int(rows, row, 0),
        .wrapped = sql_cell_text(rows, row, 2),
        .created = sql_cell_int(rows, row, 3),
        .retired = sql_cell_int(rows, row, 4),
        .waiting = sql_cell_int(rows, row, 5) != 0,
    };
    return out->id >= 1 && out->id <= PURPOSE_KEY_ID_MAX && out->wrapped != NULL && name != NULL &&
           purpose_find(name, &out->purpose);
}

static enum idp_err decode(const struct sql_rows *rows, struct arena *arena,
                           struct purpose_rows *out)
{
    struct purpose_row *list = arena_alloc(arena, sizeof(*list) * (rows->rows + 1));
    if (list == NULL)
        return IDP_FAULT;
    size_t count = 0;
    for (size_t row = 0; row < rows->rows; row++)
        if (read_row(rows, row, &list[count]))
            count++;
    *out = (struct purpose_rows){.rows = list, .count = count};
    return IDP_OK;
}

enum idp_err purpose_rows_read(struct sql *db, struct arena *arena, struct purpose_rows *out)
{
    struct sql_rows rows;
    enum idp_err err = sql_read(db, arena, &read_all, &rows);
    return err == IDP_OK ? decode(&rows, arena, out) : err;
}

enum idp_err purpose_rows_read_in(struct sql_tx *tx, struct arena *arena, struct purpose_rows *out)
{
    struct sql_rows rows;
    enum idp_err err = sql_run(tx, arena, &read_all, &rows, NULL);
    return err == IDP_OK ? decode(&rows, arena, out) : err;
}

/* --- making ---------------------------------------------------------------------------------- */

/* The one after the highest, so that an id is used again as late as possible; then the lowest that
 * is free. */
static enum idp_err choose_id(const struct sql_rows *ids, int64_t *out)
{
    bool used[PURPOSE_KEY_ID_MAX + 2] = {true};
    int64_t highest = 0;
    for (size_t row = 0; row < ids->rows; row++) {
        int64_t id = sql_cell_int(ids, row, 0);
        if (id > highest)
            highest = id;
        if (id >= 0 && id <= PURPOSE_KEY_ID_MAX)
            used[id] = true;
    }
    *out = highest + 1;
    for (int64_t id = 1; *out > PURPOSE_KEY_ID_MAX && id <= PURPOSE_KEY_ID_MAX; id++)
        if (!used[id])
            *out = id;
    return *out <= PURPOSE_KEY_ID_MAX ? IDP_OK : IDP_FULL;
}

static enum idp_err next_id(struct sql_tx *tx, struct arena *arena, enum purpose purpose,
                            int64_t *out)
{
    struct sql_rows ids;
    size_t of_purpose = 0;
    const struct sql_call call = {.text = "SELECT id, purpose FROM purpose_keys"};
    enum idp_err err = sql_run(tx, arena, &call, &ids, NULL);
    if (err != IDP_OK)
        return err;
    for (size_t row = 0; row < ids.rows; row++)
        if (strcmp(sql_cell_text(&ids, row, 1), names[purpose]) == 0)
            of_purpose++;
    return of_purpose < PURPOSE_KEYS_MAX ? choose_id(&ids, out) : IDP_FULL;
}

static enum idp_err wrap_new(struct sql_tx *tx, struct arena *arena,
                             const struct purpose_making *making, int64_t id, const char **out)
{
    unsigned char bytes[KEY_SIZE];
    const struct master_key *master = NULL;
    const struct master_label label = {.purpose = names[making->purpose],
                                       .id = arena_printf(arena, "%lld", (long long)id)};
    enum idp_err err = wrapped_with(tx, arena, making->master, &master);
    if (err != IDP_OK)
        return err;
    if (label.id == NULL || random_bytes(bytes, sizeof(bytes)) != IDP_OK)
        return IDP_FAULT;
    err = master_wrap(master, &label, bytes, sizeof(bytes), arena, out);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return err;
}

enum idp_err purpose_row_make(struct sql_tx *tx, struct arena *arena,
                              const struct purpose_making *making, int64_t *id)
{
    const char *wrapped = NULL;
    enum idp_err err = next_id(tx, arena, making->purpose, id);
    if (err == IDP_OK)
        err = wrap_new(tx, arena, making, *id, &wrapped);
    if (err != IDP_OK)
        return err;
    const struct sql_value params[] = {sql_int(*id), sql_text(names[making->purpose]),
                                       sql_text(wrapped), sql_int(making->now),
                                       sql_int(making->waiting)};
    const struct sql_call call = {.text =
                                      "INSERT INTO purpose_keys (id, purpose, wrapped, created, "
                                      "waiting) VALUES ($1, $2, $3, $4, $5)",
                                  .params = params,
                                  .count = 5};
    return sql_run(tx, arena, &call, NULL, NULL);
}
