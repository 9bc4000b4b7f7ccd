#include "copy_tables.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "store/schema.h"
#include "store/sql.h"

/* Batches are small where rows may be big: certificates and answers, mail, lists of megabytes. */
const struct copy_table copy_tables[] = {
    {{"schema_version", {"version"}, 100}, COPY_STAYS},
    {{"nodes", {"id"}, 100}, COPY_STAYS},
    {{"leases", {"job"}, 100}, COPY_STAYS},
    {{"snapshots", {"id"}, 100}, COPY_STAYS},
    {{"generation", {"name"}, 100}, COPY_REPLACES},
    {{"purpose_keys", {"id"}, 100}, COPY_MOVES},
    {{"signing_keys", {"kid"}, 100}, COPY_MOVES},
    {{"trust_lists", {"number"}, 4}, COPY_MOVES},
    {{"authorities", {"id"}, 100}, COPY_MOVES},
    {{"clients", {"id"}, 100}, COPY_MOVES},
    {{"enterprises", {"id"}, 500}, COPY_MOVES},
    {{"locks", {"id"}, 500}, COPY_MOVES},
    {{"former_certificates", {"lock", "certificate"}, 500}, COPY_MOVES},
    {{"consents", {"enterprise", "client"}, 500}, COPY_MOVES},
    {{"grants", {"id"}, 500}, COPY_MOVES},
    {{"refresh_families", {"grant_id"}, 500}, COPY_MOVES},
    {{"outbox", {"id"}, 100}, COPY_MOVES},
    {{"audit", {"id"}, 500}, COPY_MOVES},
    {{"evidence_objects", {"hash"}, 100}, COPY_MOVES},
    {{"certificates", {"hash"}, 500}, COPY_MOVES},
    {{"refusals", {"day", "authority", "reason", "certificate"}, 500}, COPY_MOVES},
    {{"revoked", {"number"}, 500}, COPY_MOVES},
    {{"degraded_sign_ins", {"id"}, 500}, COPY_MOVES},
    {{NULL, {NULL}, 0}, COPY_STAYS},
};

__attribute__((format(printf, 3, 4))) static enum idp_err
explain(struct copy *copy, enum idp_err err, const char *format, ...)
{
    va_list args;
    if (err == IDP_OK || copy->why[0] != '\0')
        return err;
    va_start(args, format);
    (void)vsnprintf(copy->why, sizeof(copy->why), format, args);
    va_end(args);
    return err;
}

/* --- before -------------------------------------------------------------------------------- */

/* Both have to be of this very version: of another one some tables are not known here. */
static enum idp_err check_version(struct copy *copy, struct sql *db, const char *side)
{
    char why[SCHEMA_LINE_MAX];
    struct schema schema;
    enum idp_err err = schema_look(db, &schema);
    if (err != IDP_OK)
        return explain(copy, err, "%s: its schema version cannot be read", side);
    if (!schema_fits(&schema, why))
        return explain(copy, IDP_CONFLICT, "%s: %s", side, why);
    if (schema.version == schema_of_program())
        return IDP_OK;
    return explain(
        copy, IDP_CONFLICT,
        "%s: the database has schema version %lld, and this program copies version %lld: "
        "use the program of that version",
        side, (long long)schema.version, (long long)schema_of_program());
}

/* What changed while it was copied would be missing. */
static enum idp_err check_unused(struct copy *copy)
{
    struct sql_rows rows = {0};
    const struct sql_value params[] = {sql_int(clock_now_ms())};
    const struct sql_call call = {"SELECT id FROM nodes WHERE lease_until_ms > $1", params, 1};
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? sql_read_one(copy->from, arena, &call, &rows) : IDP_FAULT;
    if (err == IDP_OK)
        err = explain(copy, IDP_CONFLICT,
                      "the source: the node %s uses it: stop it first (one that was killed counts "
                      "for half a minute more)",
                      sql_cell_text(&rows, 0, 0));
    arena_free(arena);
    return err == IDP_NOT_FOUND ? IDP_OK : explain(copy, err, "the source: cannot be read");
}

static enum idp_err check_empty(struct copy *copy, struct sql_tx *tx, struct arena *arena,
                                const struct copy_table *table)
{
    struct sql_rows rows = {0};
    const char *text = arena_printf(arena, "SELECT 1 FROM \"%s\" LIMIT 1", table->table.name);
    if (text == NULL)
        return IDP_FAULT;
    enum idp_err err = sql_run(tx, arena, &(struct sql_call){.text = text}, &rows, NULL);
    if (err == IDP_OK && rows.rows > 0)
        err = IDP_CONFLICT;
    return explain(copy, err, "the target: expected an empty database, and %s is not",
                   table->table.name);
}

static enum idp_err clear(struct sql_tx *tx, struct arena *arena, const char *table)
{
    const char *text = arena_printf(arena, "DELETE FROM \"%s\"", table);
    if (text == NULL)
        return IDP_FAULT;
    return sql_run(tx, NULL, &(struct sql_call){.text = text}, NULL, NULL);
}

/* Refuses a target that somebody has begun to use, and removes what the schema itself put in. */
static enum idp_err make_room(struct copy *copy, struct sql_tx *tx, struct arena *arena)
{
    enum idp_err err = IDP_OK;
    for (const struct copy_table *t = copy_tables; err == IDP_OK && t->table.name != NULL; t++) {
        if (t->way == COPY_REPLACES)
            err = clear(tx, arena, t->table.name);
        else if (strcmp(t->table.name, "schema_version") != 0)
            err = check_empty(copy, tx, arena, t);
    }
    return explain(copy, err, "the target: cannot be read");
}

/* --- copying ------------------------------------------------------------------------------- */

static enum idp_err compare(struct copy *copy, struct sql_tx *tx,
                            const struct transfer_table *table)
{
    struct transfer_sum sums[2];
    enum idp_err err = transfer_compare(copy->from, tx, table, sums);
    if (err != IDP_OK)
        return explain(copy, err, "%s: cannot be read back", table->name);
    copy->tables[copy->count++] = (struct copied){.name = table->name, .sum = sums[1]};
    if (sums[0].rows == sums[1].rows && memcmp(sums[0].sum, sums[1].sum, TRANSFER_SUM_SIZE) == 0)
        return IDP_OK;
    return explain(copy, IDP_CONFLICT,
                   "%s: the source has %lld rows, the target %lld, and they are not the same: "
                   "somebody changes the source",
                   table->name, (long long)sums[0].rows, (long long)sums[1].rows);
}

/* Every table is compared after all have been copied: a change of the source shows. */
static enum idp_err copy_all(struct copy *copy, struct sql_tx *tx)
{
    enum idp_err err = IDP_OK;
    for (const struct copy_table *t = copy_tables; err == IDP_OK && t->table.name != NULL; t++)
        if (t->way != COPY_STAYS)
            err = explain(copy, transfer_copy(copy->from, tx, &t->table),
                          "%s: cannot be copied; the log tells why", t->table.name);
    for (const struct copy_table *t = copy_tables; err == IDP_OK && t->table.name != NULL; t++)
        if (t->way != COPY_STAYS)
            err = compare(copy, tx, &t->table);
    return err;
}

static enum idp_err copy_in(struct sql_tx *tx, void *with)
{
    struct copy *copy = with;
    struct arena *arena = arena_new();
    copy->count = 0;
    copy->why[0] = '\0';
    enum idp_err err = arena != NULL ? make_room(copy, tx, arena) : IDP_FAULT;
    if (err == IDP_OK)
        err = copy_all(copy, tx);
    if (err == IDP_OK)
        err = check_unused(copy); /* a node that was started meanwhile */
    arena_free(arena);
    return err;
}

enum idp_err copy_everything(struct copy *copy)
{
    copy->why[0] = '\0';
    enum idp_err err = check_version(copy, copy->from, "the source");
    if (err == IDP_OK)
        err = check_version(copy, copy->to, "the target");
    if (err == IDP_OK)
        err = check_unused(copy);
    if (err == IDP_OK)
        err = sql_transact(copy->to, copy_in, copy);
    return explain(copy, err, "the target: cannot be written");
}
