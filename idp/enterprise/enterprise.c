#include "enterprise/enterprise.h"

#include <stddef.h>

#include "store/sql.h"

enum idp_err enterprise_insert(struct sql_tx *tx, const struct enterprise *e, int64_t now)
{
    const struct sql_value params[] = {
        sql_text(e->id),
        sql_text(e->uscc),
        sql_text(e->name),
        sql_text(e->city),
        sql_text(e->legal_representative),
        sql_text(e->phone),
        sql_text(e->address),
        sql_text(e->email),
        sql_text(e->entity_types),
        sql_int(now),
    };
    return sql_run(tx, NULL,
                   &(struct sql_call){"INSERT INTO enterprises (id, uscc, name, standing, city, "
                                      "legal_representative, phone, address, email, entity_types, "
                                      "created, changed) VALUES "
                                      "($1, $2, $3, 'active', $4, $5, $6, $7, $8, $9, $10, $10)",
                                      params, 10},
                   NULL, NULL);
}

enum idp_err enterprise_update(struct sql_tx *tx, const struct enterprise *e, int64_t now)
{
    const struct sql_value params[] = {
        sql_text(e->id),    sql_text(e->name),
        sql_text(e->city),  sql_text(e->legal_representative),
        sql_text(e->phone), sql_text(e->address),
        sql_text(e->email), sql_text(e->entity_types),
        sql_int(now),
    };
    return sql_run(tx, NULL,
                   &(struct sql_call){"UPDATE enterprises SET name = $2, city = $3, "
                                      "legal_representative = $4, phone = $5, address = $6, "
                                      "email = $7, entity_types = $8, changed = $9 WHERE id = $1",
                                      params, 9},
                   NULL, NULL);
}

enum idp_err enterprise_rename(struct sql_tx *tx, const char *id, const char *name, int64_t now)
{
    const struct sql_value params[] = {sql_text(id), sql_text(name), sql_int(now)};
    return sql_run(tx, NULL,
                   &(struct sql_call){"UPDATE enterprises SET name = $2, changed = $3 "
                                      "WHERE id = $1",
                                      params, 3},
                   NULL, NULL);
}
