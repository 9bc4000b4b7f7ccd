/*
 * Databases are named by settings files, so that a password is never an argument, and what was
 * copied is what serve then uses.
 */
#include "copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "command.h"
#include "config.h"
#include "copy_tables.h"
#include "store/sql.h"

/* As much of a sum as a person compares. */
enum { SUM_SHOWN = 8 };

/* One of the two installations. */
struct side {
    struct config config;
    struct sql *db;
};

/* Returns an exit code. */
static int tell(const struct copy *copy)
{
    long long rows = 0;
    (void)printf("%-20s %10s  %s\n", "table", "rows", "checksum");
    for (size_t i = 0; i < copy->count; i++) {
        char sum[2 * SUM_SHOWN + 1];
        const struct copied *copied = &copy->tables[i];
        text_to_hex(copied->sum.sum, SUM_SHOWN, sum);
        (void)printf("%-20s %10lld  %s\n", copied->name, (long long)copied->sum.rows, sum);
        rows += copied->sum.rows;
    }
    (void)printf("%zu tables, %lld rows: read back from both, and the same\n", copy->count, rows);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : COMMAND_FAILED;
}

/* The issuer stands in every token and in what clients have stored. */
static enum idp_err check_issuers(const struct side *from, const struct side *to, char **why)
{
    if (strcmp(from->config.issuer, to->config.issuer) == 0)
        return IDP_OK;
    *why = strdup("the two settings name different issuers: expected one installation that moves");
    return IDP_CONFLICT;
}

static enum idp_err open_database(struct side *side, char **why)
{
    const struct sql_settings settings = config_sql(&side->config);
    return sql_open_with(&settings, why, &side->db);
}

static enum idp_err move(struct side *from, struct side *to, struct copy *copy, char **why)
{
    enum idp_err err = check_issuers(from, to, why);
    if (err == IDP_OK)
        err = command_open_log(&to->config, why);
    if (err == IDP_OK)
        err = open_database(from, why);
    if (err == IDP_OK)
        err = open_database(to, why);
    if (err != IDP_OK)
        return err;
    copy->from = from->db;
    copy->to = to->db;
    err = copy_everything(copy);
    if (err != IDP_OK)
        *why = strdup(copy->why);
    return err;
}

static void close_side(struct side *side)
{
    sql_close(side->db);
    config_free(&side->config);
}

int copy_command(const char *const files[])
{
    static struct copy copy;
    struct side from = {.db = NULL};
    struct side to = {.db = NULL};
    char *why = NULL;
    enum idp_err err = config_load(files[0], &why, &from.config);
    if (err == IDP_OK)
        err = config_load(files[1], &why, &to.config);
    if (err == IDP_OK)
        err = move(&from, &to, &copy, &why);
    close_side(&from);
    close_side(&to);
    return err == IDP_OK ? tell(&copy) : command_give_up(why);
}
