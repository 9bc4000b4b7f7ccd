#include "store/migrate.h"

#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/schema_scripts.h"
#include "store/sql.h"

int64_t migrate_version(void)
{
    int64_t version = 0;
    for (const struct schema_script *script = schema_scripts; script->text != NULL; script++)
        version = script->version;
    return version;
}

/* What the body of a migration is given. */
struct step {
    struct arena *arena;
    const struct schema_script *applied; /* the script that was run, or NULL: none is missing */
};

/* The version of the database: 0 for one that is empty. */
static enum idp_err read_version(struct sql_tx *tx, struct arena *arena, int64_t *out)
{
    static const struct sql_call make = {
        .text = "CREATE TABLE IF NOT EXISTS schema_version ("
                "version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied BIGINT NOT NULL)"};
    static const struct sql_call read = {.text = "SELECT max(version) FROM schema_version"};
    struct sql_rows rows = {0};
    enum idp_err err = sql_run(tx, NULL, &make, NULL, NULL);
    if (err == IDP_OK)
        err = sql_run(tx, arena, &read, &rows, NULL);
    if (err == IDP_OK)
        *out = sql_cell_int(&rows, 0, 0);
    return err;
}

static enum idp_err apply(struct sql_tx *tx, const struct schema_script *script)
{
    const struct sql_value params[] = {sql_int(script->version), sql_text(script->name),
                                       sql_int(clock_now())};
    const struct sql_call call = {
        .text = "INSERT INTO schema_version (version, name, applied) VALUES ($1, $2, $3)",
        .params = params,
        .count = 3};
    enum idp_err err = tx->driver->tx_script(tx, script->text);
    if (err == IDP_OK)
        err = sql_run(tx, NULL, &call, NULL, NULL);
    return err == IDP_CONFLICT ? IDP_FAULT
                               : err; /* a script that breaks a rule is a wrong script */
}

/* Runs the next script that the database lacks. It looks at the version in the same transaction, so
 * that of two programs that start at once each script is run by one. */
static enum idp_err apply_next(struct sql_tx *tx, void *with)
{
    struct step *step = with;
    int64_t version = 0;
    step->applied = NULL;
    enum idp_err err = read_version(tx, step->arena, &version);
    if (err != IDP_OK)
        return err;
    if (version < 0 || version > migrate_version())
        return IDP_CONFLICT;
    const struct schema_script *script = &schema_scripts[version];
    if (script->text == NULL)
        return IDP_OK;
    step->applied = script;
    return apply(tx, script);
}

static void report(enum idp_err err, const struct step *step)
{
    struct log_line line;
    const char *event = err == IDP_OK ? "schema_migrated" : "schema_not_migrated";
    if (err == IDP_OK && step->applied == NULL)
        return;
    log_begin(&line, err == IDP_OK ? LOG_INFO : LOG_ERROR, event);
    log_text(&line, "script", step->applied != NULL ? step->applied->name : NULL);
    if (err == IDP_CONFLICT && step->applied == NULL)
        log_text(&line, "reason", "the database is newer than the program");
    log_number(&line, "program", migrate_version());
    log_end(&line);
}

enum idp_err migrate_run(struct sql *db)
{
    struct step step = {.arena = arena_new()};
    enum idp_err err = IDP_FAULT;
    if (step.arena == NULL)
        return IDP_FAULT;
    do {
        err = sql_transact(db, apply_next, &step);
        report(err, &step);
    } while (err == IDP_OK && step.applied != NULL);
    arena_free(step.arena);
    return err;
}
