#include "migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "config.h"
#include "store/migrate.h"
#include "store/schema.h"
#include "store/schema_scripts.h"
#include "store/sql.h"

/* Says what was done. Returns an exit code. */
static int tell(const struct schema *before, const struct schema *after)
{
    const long long was = before->version;
    const long long is = after->version;
    for (long long i = was; i < is && schema_scripts[i].text != NULL; i++)
        (void)printf("%s\n", schema_scripts[i].name);
    if (was < is)
        (void)printf("the database had schema version %lld and has version %lld now\n", was, is);
    else
        (void)printf("nothing to do: the database has schema version %lld\n", is);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : COMMAND_FAILED;
}

static enum idp_err migrate(struct sql *db, struct schema *before, struct schema *after)
{
    enum idp_err err = schema_look(db, before);
    if (err == IDP_OK)
        err = migrate_run(db);
    return err == IDP_OK ? schema_look(db, after) : err;
}

/* Why it failed, for the caller to free. */
static char *explain(enum idp_err err, const struct schema *before)
{
    char line[SCHEMA_LINE_MAX] = "";
    if (err == IDP_CONFLICT && !schema_may_migrate(before, line))
        return strdup(line);
    return strdup(err == IDP_UNAVAILABLE
                      ? "the database does not answer"
                      : "the database was left as it was; the log tells what went wrong");
}

static enum idp_err open_database(const struct config *config, char **why, struct sql **db)
{
    const struct sql_settings settings = config_sql(config);
    enum idp_err err = command_open_log(config, why);
    return err == IDP_OK ? sql_open_with(&settings, why, db) : err;
}

int migrate_command(const char *const files[])
{
    struct config config;
    struct sql *db = NULL;
    struct schema before = {0};
    struct schema after = {0};
    char *why = NULL;
    if (config_load(files[0], &why, &config) != IDP_OK)
        return command_give_up(why);
    enum idp_err err = open_database(&config, &why, &db);
    if (err == IDP_OK) {
        err = migrate(db, &before, &after);
        if (err != IDP_OK)
            why = explain(err, &before);
    }
    sql_close(db);
    config_free(&config);
    return err == IDP_OK ? tell(&before, &after) : command_give_up(why);
}
