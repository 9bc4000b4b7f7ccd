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

static enum idp_err change_one(struct sql_tx *tx, const char *text, const char *id, int64_t now)
{
    int64_t changed = 0;
    const struct sql_value params[] = {sql_text(id), sql_int(now)};
    enum idp_err err = sql_run(tx, NULL, &(struct sql_call){text, params, 2}, NULL, &changed);
    return err == IDP_OK && changed == 0 ? IDP_NOT_FOUND : err;
}

enum idp_err enterprise_suspend(struct sql_tx *tx, const char *id, int64_t now)
{
    return change_one(tx,
                      "UPDATE enterprises SET standing = 'suspended', rights_ended = $2, "
                      "changed = $2 WHERE id = $1",
                      id, now);
}

enum idp_err enterprise_resume(struct sql_tx *tx, const char *id, int64_t now)
{
    return change_one(tx, "UPDATE enterprises SET standing = 'active', changed = $2 WHERE id = $1",
                      id, now);
}
