#include "enterprise/rows.h"

#include <string.h>

#include "base/arena.h"
#include "store/sql.h"

#define SELECT_ENTERPRISE                                                                          \
    "SELECT e.id, e.uscc, e.name, e.standing, e.city, e.legal_representative, e.phone, "           \
    "e.address, e.email, e.entity_types, e.created, e.changed, e.rights_ended, "                   \
    "(SELECT COUNT(*) FROM locks l WHERE l.enterprise = e.id AND l.unbound IS NULL) "              \
    "FROM enterprises e "

static struct enterprise_row read_enterprise(const struct sql_rows *rows, size_t row)
{
    const char *standing = sql_cell_text(rows, row, 3);
    return (struct enterprise_row){
        .enterprise =
            {
                .id = sql_cell_text(rows, row, 0),
                .uscc = sql_cell_text(rows, row, 1),
                .name = sql_cell_text(rows, row, 2),
                .suspended = standing == NULL || strcmp(standing, "active") != 0,
                .city = sql_cell_text(rows, row, 4),
                .legal_representative = sql_cell_text(rows, row, 5),
                .phone = sql_cell_text(rows, row, 6),
                .address = sql_cell_text(rows, row, 7),
                .email = sql_cell_text(rows, row, 8),
                .entity_types = sql_cell_text(rows, row, 9),
            },
        .created = sql_cell_int(rows, row, 10),
        .changed = sql_cell_int(rows, row, 11),
        .rights_ended = sql_cell_int(rows, row, 12),
        .locks = sql_cell_int(rows, row, 13),
    };
}

enum idp_err enterprise_rows_read(struct sql *db, struct arena *arena, const char *after,
                                  struct enterprise_rows *out)
{
    struct sql_rows rows;
    const struct sql_value param = sql_text(after);
    enum idp_err err =
        sql_read(db, arena,
                 &(struct sql_call){SELECT_ENTERPRISE "WHERE e.uscc > $1 ORDER BY e.uscc LIMIT 500",
                                    &param, 1},
                 &rows);
    if (err != IDP_OK)
        return err;
    struct enterprise_row *read = arena_alloc(arena, (rows.rows + 1) * sizeof(*read));
    if (read == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < rows.rows; i++)
        read[i] = read_enterprise(&rows, i);
    *out = (struct enterprise_rows){.rows = read, .count = rows.rows};
    return IDP_OK;
}

enum idp_err enterprise_row_find(struct sql *db, struct arena *arena, const char *name,
                                 struct enterprise_row *out)
{
    struct sql_rows rows;
    const struct sql_value param = sql_text(name);
    enum idp_err err = sql_read_one(
        db, arena,
        &(struct sql_call){SELECT_ENTERPRISE "WHERE e.id = $1 OR e.uscc = $1", &param, 1}, &rows);
    if (err == IDP_OK)
        *out = read_enterprise(&rows, 0);
    return err;
}

#define SELECT_LOCK                                                                                \
    "SELECT id, enterprise, authority, key_hash, key_number, certificate_hash, serial, "           \
    "not_after, role, bound, unbound, rights_ended FROM locks "

static struct lock_row read_lock(const struct sql_rows *rows, size_t row)
{
    const char *role = sql_cell_text(rows, row, 8);
    return (struct lock_row){
        .lock =
            {
                .id = sql_cell_text(rows, row, 0),
                .authority = sql_cell_text(rows, row, 2),
                .key_hash = sql_cell_text(rows, row, 3),
                .key_number = sql_cell_text(rows, row, 4),
                .certificate_hash = sql_cell_text(rows, row, 5),
                .serial = sql_cell_text(rows, row, 6),
                .not_after = sql_cell_int(rows, row, 7),
                .primary = role != NULL && strcmp(role, "primary") == 0,
                .unbound = sql_cell(rows, row, 10) != NULL,
                .rights_ended = sql_cell_int(rows, row, 11),
            },
        .enterprise = sql_cell_text(rows, row, 1),
        .bound = sql_cell_int(rows, row, 9),
        .unbound = sql_cell_int(rows, row, 10),
    };
}

enum idp_err lock_rows_read(struct sql *db, struct arena *arena, const char *enterprise,
                            struct lock_rows *out)
{
    struct sql_rows rows;
    const struct sql_value param = sql_text(enterprise);
    enum idp_err err = sql_read(
        db, arena,
        &(struct sql_call){SELECT_LOCK "WHERE enterprise = $1 ORDER BY bound, id", &param, 1},
        &rows);
    if (err != IDP_OK)
        return err;
    struct lock_row *read = arena_alloc(arena, (rows.rows + 1) * sizeof(*read));
    if (read == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < rows.rows; i++)
        read[i] = read_lock(&rows, i);
    *out = (struct lock_rows){.rows = read, .count = rows.rows};
    return IDP_OK;
}

enum idp_err lock_row_find(struct sql *db, struct arena *arena, const char *id,
                           struct lock_row *out)
{
    struct sql_rows rows;
    const struct sql_value param = sql_text(id);
    enum idp_err err =
        sql_read_one(db, arena, &(struct sql_call){SELECT_LOCK "WHERE id = $1", &param, 1}, &rows);
    if (err == IDP_OK)
        *out = read_lock(&rows, 0);
    return err;
}
