#include "enterprise/lock.h"

#include <stddef.h>

#include "base/arena.h"
#include "store/sql.h"

enum idp_err lock_insert(struct sql_tx *tx, struct arena *arena, const char *enterprise,
                         int64_t now, struct lock *l)
{
    struct sql_rows rows;
    const struct sql_value params[] = {
        sql_text(l->id),
        sql_text(enterprise),
        sql_text(l->authority),
        sql_text(l->key_hash),
        sql_text(l->key_number),
        sql_text(l->certificate_hash),
        sql_text(l->serial),
        sql_int(l->not_after),
        sql_text(l->primary ? "primary" : "secondary"),
        sql_int(now),
    };
    enum idp_err err = sql_run(
        tx, arena,
        &(struct sql_call){
            "INSERT INTO locks (id, enterprise, authority, key_hash, key_number, "
            "certificate_hash, serial, not_after, role, bound) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
            "ON CONFLICT (authority, key_hash, enterprise) DO UPDATE SET "
            "key_number = excluded.key_number, certificate_hash = excluded.certificate_hash, "
            "serial = excluded.serial, not_after = excluded.not_after, role = excluded.role, "
            "bound = excluded.bound, unbound = NULL "
            "RETURNING id, rights_ended",
            params, 10},
        &rows, NULL);
    if (err == IDP_OK) {
        l->id = sql_cell_text(&rows, 0, 0);
        l->rights_ended = sql_cell_int(&rows, 0, 1);
    }
    return err;
}

/* What rests on the certificate that the row names now will still end with it. */
static enum idp_err keep_former(struct sql_tx *tx, const struct lock *l)
{
    const struct sql_value params[] = {sql_text(l->id), sql_text(l->certificate_hash)};
    return sql_run(
        tx, NULL,
        &(struct sql_call){"INSERT INTO former_certificates (lock, certificate) "
                           "SELECT id, certificate_hash FROM locks WHERE id = $1 "
                           "AND certificate_hash <> $2 ON CONFLICT (lock, certificate) DO NOTHING",
                           params, 2},
        NULL, NULL);
}

enum idp_err lock_use_former(struct sql_tx *tx, struct arena *arena, const char *id,
                             const char *certificate_hash)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_text(id), sql_text(certificate_hash)};
    const struct sql_call look = {"SELECT 1 FROM revoked WHERE certificate = $1", &params[1], 1};
    const struct sql_call note = {
        "INSERT INTO former_certificates (lock, certificate) VALUES ($1, $2) "
        "ON CONFLICT (lock, certificate) DO NOTHING",
        params, 2};
    enum idp_err err = sql_run(tx, arena, &look, &rows, NULL);
    if (err == IDP_OK && rows.rows > 0)
        return IDP_CONFLICT;
    return err == IDP_OK ? sql_run(tx, NULL, &note, NULL, NULL) : err;
}

enum idp_err lock_renew(struct sql_tx *tx, const struct lock *l)
{
    int64_t changed = 0;
    const struct sql_value params[] = {
        sql_text(l->id),         sql_text(l->key_hash),
        sql_text(l->key_number), sql_text(l->certificate_hash),
        sql_text(l->serial),     sql_int(l->not_after),
        sql_text(l->authority),
    };
    enum idp_err err = keep_former(tx, l);
    if (err != IDP_OK)
        return err;
    err = sql_run(
        tx, NULL,
        &(struct sql_call){
            "UPDATE locks SET key_hash = $2, key_number = $3, certificate_hash = $4, serial = $5, "
            "not_after = $6 WHERE id = $1 AND (key_hash = $2 OR NOT EXISTS (SELECT 1 FROM locks o "
            "WHERE o.authority = $7 AND o.key_hash = $2 AND o.unbound IS NULL))",
            params, 7},
        NULL, &changed);
    return err == IDP_OK && changed == 0 ? IDP_CONFLICT : err;
}

enum idp_err lock_unbind(struct sql_tx *tx, const char *id, int64_t now)
{
    int64_t changed = 0;
    const struct sql_value params[] = {sql_text(id), sql_int(now)};
    enum idp_err err = sql_run(
        tx, NULL,
        &(struct sql_call){
            "UPDATE locks SET unbound = COALESCE(unbound, $2), rights_ended = $2 WHERE id = $1",
            params, 2},
        NULL, &changed);
    return err == IDP_OK && changed == 0 ? IDP_NOT_FOUND : err;
}

enum idp_err lock_end_rights(struct sql_tx *tx, const char *id, int64_t now)
{
    int64_t changed = 0;
    const struct sql_value params[] = {sql_text(id), sql_int(now)};
    enum idp_err err = sql_run(
        tx, NULL, &(struct sql_call){"UPDATE locks SET rights_ended = $2 WHERE id = $1", params, 2},
        NULL, &changed);
    return err == IDP_OK && changed == 0 ? IDP_NOT_FOUND : err;
}

enum idp_err locks_by_certificate(struct sql_tx *tx, struct arena *arena,
                                  const char *certificate_hash, struct lock_owner **out,
                                  size_t *count)
{
    struct sql_rows rows;
    const struct sql_value hash = sql_text(certificate_hash);
    enum idp_err err =
        sql_run(tx, arena,
                &(struct sql_call){
                    "SELECT id, enterprise, CASE WHEN certificate_hash = $1 THEN 1 ELSE 0 END "
                    "FROM locks WHERE unbound IS NULL AND (certificate_hash = $1 OR id IN "
                    "(SELECT lock FROM former_certificates WHERE certificate = $1)) ORDER BY id",
                    &hash, 1},
                &rows, NULL);
    if (err != IDP_OK)
        return err;
    struct lock_owner *list = arena_alloc(arena, (rows.rows + 1) * sizeof(*list));
    if (list == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < rows.rows; i++)
        list[i] = (struct lock_owner){.id = sql_cell_text(&rows, i, 0),
                                      .enterprise = sql_cell_text(&rows, i, 1),
                                      .present = sql_cell_int(&rows, i, 2) != 0};
    *out = list;
    *count = rows.rows;
    return IDP_OK;
}
