#include "ctl/ctl.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "ctl/terminal.h"
#include "jose/master.h"
#include "jose/purpose_keys.h"
#include "jose/wrapped.h"
#include "store/generation.h"
#include "store/migrate.h"
#include "store/sql.h"

enum { WAIT_MS = 10000 };

/* Control characters would let a file's text write over the terminal. */
int ctl_complain(const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    terminal_tame(line);
    (void)fprintf(stderr, "tamgactl: %s\n", line);
    return CTL_FAILED;
}

int ctl_complain_of(enum idp_err err)
{
    return ctl_complain("%s", err == IDP_UNAVAILABLE ? "the database does not answer"
                                                     : "something went wrong inside; --verbose "
                                                       "shows the log");
}

int ctl_complain_why(char *why, enum idp_err err)
{
    int code = why != NULL ? ctl_complain("%s", why) : ctl_complain_of(err);
    free(why);
    return code;
}

static int open_database(struct ctl *ctl)
{
    char *why = NULL;
    const struct sql_settings settings = config_sql(&ctl->config);
    enum idp_err err = sql_open_with(&settings, &why, &ctl->db);
    if (err != IDP_OK)
        return ctl_complain_why(why, err);
    err = migrate_check(ctl->db, &why);
    return err == IDP_OK ? 0 : ctl_complain_why(why, err);
}

static int open_master(struct ctl *ctl)
{
    char *why = NULL;
    const struct master_places places = {.file = ctl->config.master_key_file,
                                         .next_file = ctl->config.master_key_file_next};
    enum idp_err err = wrapped_open_master(ctl->db, &places, &why, &ctl->master);
    return err == IDP_OK ? 0 : ctl_complain_why(why, err);
}

static int open_keys(struct ctl *ctl)
{
    const char *file = ctl->config.master_key_file;
    enum idp_err err = purpose_keys_open(ctl->db, ctl->master, ctl->now, &ctl->keys);
    if (err == IDP_DENIED)
        return ctl_complain("%s is not the master key that this database was made with",
                            file != NULL ? file : MASTER_VARIABLE);
    return err == IDP_OK ? 0 : ctl_complain_of(err);
}

/* The operator, as the system knows them. */
static int find_operator(struct ctl *ctl)
{
    char buffer[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    (void)getpwuid_r(getuid(), &entry, buffer, sizeof(buffer), &found);
    const char *name = found != NULL ? arena_strdup(ctl->arena, found->pw_name)
                                     : arena_printf(ctl->arena, "%lu", (unsigned long)getuid());
    ctl->by = (struct audit_actor){.kind = "operator", .name = name};
    ctl->detail = audit_detail(ctl->arena, &ctl->by, NULL, NULL);
    return ctl->detail != NULL ? 0 : ctl_complain_of(IDP_FAULT);
}

int ctl_open_alone(struct ctl *ctl)
{
    *ctl = (struct ctl){.arena = arena_new(), .now = clock_now()};
    return ctl->arena != NULL ? 0 : ctl_complain_of(IDP_FAULT);
}

int ctl_open(struct ctl *ctl, const char *settings)
{
    char *why = NULL;
    if (ctl_open_alone(ctl) != 0)
        return CTL_FAILED;
    enum idp_err err = config_load(settings, &why, &ctl->config);
    if (err != IDP_OK)
        return ctl_complain_why(why, err);
    int code = find_operator(ctl);
    if (code == 0)
        code = open_database(ctl);
    if (code == 0)
        code = open_master(ctl);
    return code == 0 ? open_keys(ctl) : code;
}

void ctl_close(struct ctl *ctl)
{
    purpose_keys_close(ctl->keys);
    if (ctl->db != NULL)
        sql_close(ctl->db);
    master_key_free(ctl->master);
    config_free(&ctl->config);
    arena_free(ctl->arena);
}

int ctl_wait(struct ctl *ctl, int64_t generation)
{
    if (generation_wait(ctl->db, NULL, generation, WAIT_MS) == IDP_OK)
        return 0;
    (void)ctl_complain("done, but not all running nodes have confirmed it");
    return CTL_UNCONFIRMED;
}
