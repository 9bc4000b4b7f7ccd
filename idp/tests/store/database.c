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

void database_copy(const char *from, const char *folder, char where[DATABASE_WHERE_MAX])
{
    char name[64];
    if (text_starts(from, "sqlite:")) {
        name_file(folder, where);
        copy_file(from, where);
        return;
    }
    name_in(from, name, sizeof(name));
    make_in_server(name, where);
}
