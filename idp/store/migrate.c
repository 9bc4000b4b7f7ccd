#include "store/migrate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/generation.h"
#include "store/schema.h"
#include "store/schema_scripts.h"
#include "store/sql.h"

/* What the body of a migration is given. */
struct migration {
    const struct sql_driver *driver;
    struct arena *arena;
    int64_t ran;
    const struct schema_script *failed;
};

/* --- one transaction ----------------------------------------------------------------------- */

/* Waits for another program that migrates; what is read after this is what it left. */
static enum idp_err keep_others_out(struct sql_tx *tx, const struct migration *migration)
{
    const struct sql_call call = {.text = migration->driver->lock_schema};
    return call.text != NULL ? sql_run(tx, NULL, &call, NULL, NULL) : IDP_OK;
}

static enum idp_err read_version(struct sql_tx *tx, struct arena *arena, int64_t *out)
{
    static const struct sql_call call = {.text = "SELECT max(version) FROM schema_version"};
    struct sql_rows rows = {0};
    enum idp_err err = sql_run(tx, arena, &call, &rows, NULL);
    if (err == IDP_OK)
        *out = sql_cell_int(&rows, 0, 0);
    return err;
}

static enum idp_err run_scripts(struct sql_tx *tx, struct migration *migration,
                                const struct schema_script *first)
{
    enum idp_err err = IDP_OK;
    for (const struct schema_script *script = first; script->text != NULL; script++) {
        err = tx->driver->tx_script(tx, script->text);
        if (err != IDP_OK) {
            migration->failed = script;
            return err;
        }
        migration->ran++;
    }
    return err;
}

/* After all scripts: it is one of them that gives the table some of these columns. */
static enum idp_err write_rows(struct sql_tx *tx, const struct schema_script *first)
{
    enum idp_err err = IDP_OK;
    for (const struct schema_script *script = first; err == IDP_OK && script->text != NULL;
         script++) {
        const struct sql_value params[] = {sql_int(script->version), sql_text(script->name),
                                           sql_int(clock_now()), sql_text(script->hash),
                                           sql_int(script->oldest_program)};
        err =
            sql_run(tx, NULL,
                    &(struct sql_call){"INSERT INTO schema_version (version, name, applied, hash, "
                                       "oldest_program) VALUES ($1, $2, $3, $4, $5)",
                                       params, 5},
                    NULL, NULL);
    }
    return err;
}

/* Looks at the version behind the lock, so that of two programs that start at once one runs the
 * scripts. */
static enum idp_err bring_up_to_date(struct sql_tx *tx, void *with)
{
    struct migration *migration = with;
    int64_t version = 0;
    migration->ran = 0;
    migration->failed = NULL;
    enum idp_err err = keep_others_out(tx, migration);
    if (err == IDP_OK)
        err = read_version(tx, migration->arena, &version);
    if (err != IDP_OK || version >= schema_of_program())
        return err;
    err = run_scripts(tx, migration, &schema_scripts[version]);
    if (err == IDP_OK)
        err = write_rows(tx, &schema_scripts[version]);
    if (err == IDP_OK && version > 0)
        err = generation_bump(tx, NULL);
    return err == IDP_CONFLICT ? IDP_FAULT /* a script that breaks a rule is a wrong script */
                               : err;
}

/* --- around it ----------------------------------------------------------------------------- */

/* Makes the table that the lock is about and the rows go to. Of two programs that make it at once
 * one may be refused; then it is there. */
static enum idp_err make_table(struct sql *db)
{
    static const struct sql_call call = {
        .text = "CREATE TABLE IF NOT EXISTS schema_version ("
                "version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied BIGINT NOT NULL)"};
    enum idp_err err = sql_execute(db, &call, NULL);
    return err == IDP_OK || err == IDP_UNAVAILABLE || err == IDP_WAIT
               ? err
               : sql_execute(db, &call, NULL);
}

static void report_failure(const struct migration *migration)
{
    struct log_line line;
    log_begin(&line, LOG_ERROR, "schema_not_migrated");
    log_text(&line, "script", migration->failed != NULL ? migration->failed->name : NULL);
    log_number(&line, "program", schema_of_program());
    log_end(&line);
}

static void report(const struct migration *migration)
{
    int64_t end = schema_of_program();
    for (int64_t i = end - migration->ran; i < end; i++)
        log_event(LOG_INFO, "schema_migrated", "script", schema_scripts[i].name);
}

static enum idp_err migrate(struct sql *db)
{
    struct migration migration = {.driver = db->driver, .arena = arena_new()};
    enum idp_err err = migration.arena != NULL ? make_table(db) : IDP_FAULT;
    if (err == IDP_OK)
        err = sql_transact(db, bring_up_to_date, &migration);
    arena_free(migration.arena);
    if (err == IDP_OK)
        report(&migration);
    else
        report_failure(&migration);
    return err;
}

enum idp_err migrate_run(struct sql *db)
{
    char why[SCHEMA_LINE_MAX];
    struct schema schema;
    enum idp_err err = schema_look(db, &schema);
    if (err != IDP_OK)
        return err;
    if (!schema_may_migrate(&schema, why))
        return IDP_CONFLICT;
    return schema.version < schema_of_program() ? migrate(db) : IDP_OK;
}

enum idp_err migrate_check(struct sql *db, char **why)
{
    char line[SCHEMA_LINE_MAX];
    struct schema schema;
    enum idp_err err = schema_look(db, &schema);
    if (err == IDP_OK && db->driver->embedded && schema.version == 0 && !schema.foreign) {
        err = migrate_run(db);
        if (err == IDP_OK)
            err = schema_look(db, &schema);
    }
    if (err != IDP_OK || schema_fits(&schema, line))
        return err;
    *why = strdup(line);
    return IDP_CONFLICT;
}
