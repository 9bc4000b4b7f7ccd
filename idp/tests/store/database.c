#include "tests/store/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/help.h"
#include "tests/store/postgres_server.h"

static struct postgres_server *server;

enum database_kind database_kind(void)
{
    const char *said = getenv("TAMGA_TEST_SQL"); // NOLINT(concurrency-mt-unsafe): nobody sets it
    bool postgres = said != NULL && strcmp(said, "postgresql") == 0;
    return postgres ? DATABASE_POSTGRES : DATABASE_SQLITE;
}

static void stop_server(void)
{
    postgres_server_stop(server);
}

struct postgres_server *database_server(void)
{
    if (server == NULL) {
        server = postgres_server_start(NULL);
        (void)atexit(stop_server);
    }
    return server;
}

void database_prepare(void)
{
    if (database_kind() == DATABASE_POSTGRES)
        (void)database_server();
}

static void make_in_server(const char *template, char where[DATABASE_WHERE_MAX])
{
    static unsigned made;
    char name[32];
    (void)snprintf(name, sizeof(name), "test%u", made++);
    postgres_server_create(database_server(), name, template);
    postgres_server_where(database_server(), name, where, DATABASE_WHERE_MAX);
}

static void name_file(const char *folder, char where[DATABASE_WHERE_MAX])
{
    (void)snprintf(where, DATABASE_WHERE_MAX, "sqlite:%s/t.db", folder);
}

void database_make(enum database_kind kind, const char *folder, char where[DATABASE_WHERE_MAX])
{
    if (kind == DATABASE_POSTGRES)
        make_in_server(NULL, where);
    else
        name_file(folder, where);
}

/* The name of a database in what postgres_server_where() made. */
static void name_in(const char *where, char *name, size_t size)
{
    const char *begin = strstr(where, "@/") + 2;
    (void)snprintf(name, size, "%.*s", (int)strcspn(begin, "?"), begin);
}

static void copy_file(const char *from, const char *to)
{
    size_t len = 0;
    char *bytes = help_read_file(from + strlen("sqlite:"), &len);
    if (bytes != NULL)
        help_write_file(to + strlen("sqlite:"), bytes, len);
    free(bytes);
}

/* A copy that is used again and again, and what it is a copy of. */
static struct {
    char from[DATABASE_WHERE_MAX], where[DATABASE_WHERE_MAX];
} kept;

static void run_in_copy(const char *statement)
{
    char name[64];
    name_in(kept.where, name, sizeof(name));
    free(postgres_server_sql(server, name, statement));
}

static void make_copy(const char *from)
{
    char name[64];
    name_in(from, name, sizeof(name));
    make_in_server(name, kept.where);
    (void)snprintf(kept.from, sizeof(kept.from), "%s", from);
    run_in_copy("CREATE SCHEMA kept; DO $$ DECLARE t name; BEGIN "
                "FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP "
                "EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%I', t, t); "
                "END LOOP; END $$");
}

/* Gives the copy its rows again, which takes a tenth of the time of making a database. */
static void restore_copy(void)
{
    run_in_copy("SET session_replication_role = replica; DO $$ DECLARE t name; BEGIN "
                "FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP "
                "EXECUTE format('DELETE FROM public.%I', t); "
                "EXECUTE format('INSERT INTO public.%I SELECT * FROM kept.%I', t, t); "
                "END LOOP; END $$");
}

void database_copy(const char *from, const char *folder, char where[DATABASE_WHERE_MAX])
{
    if (text_starts(from, "sqlite:")) {
        name_file(folder, where);
        copy_file(from, where);
        return;
    }
    if (strcmp(kept.from, from) == 0)
        restore_copy();
    else
        make_copy(from);
    memcpy(where, kept.where, DATABASE_WHERE_MAX);
}
