#include "store/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "store/schema_scripts.h"
#include "store/sql.h"

/* From this version on rows tell their script's hash and the oldest program. */
enum { TELLS_MORE = 2 };

int64_t schema_of_program(void)
{
    int64_t version = 0;
    for (const struct schema_script *script = schema_scripts; script->text != NULL; script++)
        version = script->version;
    return version;
}

/* --- reading ------------------------------------------------------------------------------- */

static enum idp_err read_tables(struct sql *db, struct arena *arena, bool *ours, bool *others)
{
    struct sql_rows rows = {0};
    enum idp_err err = sql_tables(db, arena, &rows);
    for (size_t i = 0; err == IDP_OK && i < rows.rows; i++) {
        bool same = strcmp(sql_cell_text(&rows, i, 0), "schema_version") == 0;
        *ours = *ours || same;
        *others = *others || !same;
    }
    return err;
}

/* Whether the row is of the script that this program has under the same number. */
static bool is_known(const struct sql_rows *rows, size_t i)
{
    const char *hash = sql_cell_text(rows, i, 1);
    if (sql_cell_int(rows, i, 0) != (int64_t)i + 1)
        return false;
    if ((int64_t)i >= schema_of_program() || *hash == '\0') /* of a newer program; not kept */
        return true;
    return strcmp(hash, schema_scripts[i].hash) == 0;
}

static enum idp_err read_rows(struct sql *db, struct arena *arena, struct schema *out)
{
    struct sql_rows rows = {0};
    const struct sql_call call = {
        .text = "SELECT version, hash, oldest_program FROM schema_version ORDER BY version"};
    enum idp_err err = sql_read(db, arena, &call, &rows);
    for (size_t i = 0; err == IDP_OK && i < rows.rows; i++) {
        int64_t oldest = sql_cell_int(&rows, i, 2);
        if (oldest > out->oldest_program)
            out->oldest_program = oldest;
        if (out->other_script == 0 && !is_known(&rows, i))
            out->other_script = (int64_t)i + 1;
    }
    return err;
}

static enum idp_err read_versions(struct sql *db, struct arena *arena, struct schema *out)
{
    struct sql_rows rows = {0};
    const struct sql_call call = {.text = "SELECT max(version) FROM schema_version"};
    enum idp_err err = sql_read(db, arena, &call, &rows);
    if (err != IDP_OK)
        return err;
    out->version = sql_cell_int(&rows, 0, 0);
    return out->version >= TELLS_MORE ? read_rows(db, arena, out) : IDP_OK;
}

enum idp_err schema_look(struct sql *db, struct schema *out)
{
    struct arena *arena = arena_new();
    struct schema found = {.oldest_program = 1};
    bool ours = false;
    bool others = false;
    enum idp_err err = arena != NULL ? read_tables(db, arena, &ours, &others) : IDP_FAULT;
    if (err == IDP_OK && ours)
        err = read_versions(db, arena, &found);
    arena_free(arena);
    if (err != IDP_OK)
        return err;
    found.foreign = others && found.version == 0;
    *out = found;
    return IDP_OK;
}

/* --- judging ------------------------------------------------------------------------------- */

bool schema_may_migrate(const struct schema *schema, char why[SCHEMA_LINE_MAX])
{
    const long long own = schema_of_program();
    if (schema->foreign)
        (void)snprintf(why, SCHEMA_LINE_MAX,
                       "it holds tables of something else: Tamga wants a database of its own");
    else if (schema->other_script > 0)
        (void)snprintf(why, SCHEMA_LINE_MAX,
                       "version %lld of the database's schema was made by another script than this "
                       "program has: use the program that made it",
                       (long long)schema->other_script);
    else if (schema->oldest_program > own)
        (void)snprintf(why, SCHEMA_LINE_MAX,
                       "the database has schema version %lld, for programs of version %lld and "
                       "above, and this program is of version %lld: use a newer one",
                       (long long)schema->version, (long long)schema->oldest_program, own);
    else
        return true;
    return false;
}

bool schema_fits(const struct schema *schema, char why[SCHEMA_LINE_MAX])
{
    const long long own = schema_of_program();
    if (!schema_may_migrate(schema, why))
        return false;
    if (schema->version >= own)
        return true;
    (void)snprintf(why, SCHEMA_LINE_MAX,
                   "the database has schema version %lld, and this program needs version %lld: run "
                   "tamga-idp migrate",
                   (long long)schema->version, own);
    return false;
}
