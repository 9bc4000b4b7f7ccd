/* Which servers and databases are refused when they are opened, and that it says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "base/log.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/postgres_server.h"
#include "tests/wire_tls.h"

enum { WHERE_MAX = 1024, DEADLINE_MS = 5000 };

static struct postgres_server *server;
static char *folder, *password_file;
static struct sql *db;
static char *why;

static void put_password(const char *password)
{
    help_write_file(password_file, password, strlen(password));
    assert_int_equal(chmod(password_file, 0600), 0);
}

static int set_up_group(void **state)
{
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    folder = help_temp_folder();
    password_file = tls_file(folder, "password", "txt");
    server = postgres_server_start("wal_level = replica\nhot_standby = on\n");
    postgres_server_create(server, "city", NULL);
    return 0;
}

static int tear_down_group(void **state)
{
    (void)state;
    postgres_server_stop(server);
    help_remove_folder(folder);
    free(folder);
    free(password_file);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sql_close(db);
    db = NULL;
    free(why);
    why = NULL;
    return 0;
}

static enum idp_err open_at(const char *where, bool development)
{
    const struct sql_settings settings = {.where = where,
                                          .password_file = password_file,
                                          .deadline_ms = DEADLINE_MS,
                                          .development = development};
    (void)tear_down(NULL);
    return sql_open_with(&settings, &why, &db);
}

static const char *by_socket(const char *database)
{
    static char where[WHERE_MAX];
    postgres_server_where(server, database, where, sizeof(where));
    return where;
}

static const char *by_tcp(const char *database)
{
    static char where[WHERE_MAX];
    postgres_server_tcp(server, database, where, sizeof(where));
    return where;
}

static void expect_unavailable(const char *where, const char *wanted)
{
    assert_int_equal(open_at(where, true), IDP_UNAVAILABLE);
    assert_non_null(why);
    assert_null(strchr(why, '\n')); /* one line */
    if (strstr(why, wanted) == NULL)
        fail_msg("%s\ninstead of %s", why, wanted);
    assert_null(strstr(why, POSTGRES_PASSWORD));
}

static void alter(const char *setting)
{
    free(postgres_server_sql(server, "postgres", setting));
}

/* --- who and where --------------------------------------------------------------------------- */

static void password_of_the_file_opens_the_database(void **state)
{
    (void)state;
    put_password(POSTGRES_PASSWORD "\n");
    assert_int_equal(open_at(by_tcp("city"), true), IDP_OK);
}

static void wrong_password_is_told_and_not_shown(void **state)
{
    (void)state;
    put_password("a wrong one");
    expect_unavailable(by_tcp("city"), "password authentication failed");
    assert_null(strstr(why, "a wrong one"));
    put_password("");
    expect_unavailable(by_tcp("city"), "no password supplied");
}

static void database_that_is_not_there_is_named(void **state)
{
    (void)state;
    put_password(POSTGRES_PASSWORD);
    expect_unavailable(by_tcp("village"), "database \"village\" does not exist");
}

static void server_that_is_not_there_is_named(void **state)
{
    (void)state;
    char where[WHERE_MAX];
    (void)snprintf(where, sizeof(where), "postgresql://tamga@127.0.0.1:%d/city", help_free_port());
    put_password(POSTGRES_PASSWORD);
    expect_unavailable(where, "Connection refused");
    expect_unavailable("postgresql://tamga@/city?host=/nowhere", "database \"city\" at /nowhere: ");
}

/* --- what it must promise -------------------------------------------------------------------- */

static void texts_of_another_encoding_are_refused(void **state)
{
    (void)state;
    alter("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1'");
    put_password(POSTGRES_PASSWORD);
    expect_unavailable(by_socket("latin"), "encoding is not UTF8");
}

static void commits_that_do_not_wait_for_the_disk_are_refused(void **state)
{
    (void)state;
    alter("ALTER DATABASE city SET synchronous_commit = off");
    put_password(POSTGRES_PASSWORD);
    expect_unavailable(by_socket("city"), "synchronous_commit is off");
    alter("ALTER DATABASE city SET synchronous_commit = local");
    assert_int_equal(open_at(by_socket("city"), true), IDP_OK);
    alter("ALTER DATABASE city RESET synchronous_commit");
}

/* The tests' own server runs without, which is for development only. */
static void disk_that_is_not_synced_is_for_development_only(void **state)
{
    (void)state;
    put_password(POSTGRES_PASSWORD);
    assert_int_equal(open_at(by_socket("city"), false), IDP_UNAVAILABLE);
    assert_non_null(strstr(why, "fsync is off"));
    assert_int_equal(open_at(by_socket("city"), true), IDP_OK);
}

static void strings_of_another_kind_are_refused(void **state)
{
    (void)state;
    alter("ALTER DATABASE city SET standard_conforming_strings = off");
    put_password(POSTGRES_PASSWORD);
    expect_unavailable(by_socket("city"), "standard_conforming_strings is off");
    alter("ALTER DATABASE city RESET standard_conforming_strings");
}

/* --- TLS ------------------------------------------------------------------------------------- */

static const char *over_tls(const char *mode, const char *root)
{
    static char where[WHERE_MAX];
    char plain[WHERE_MAX / 2];
    postgres_server_tcp(server, "city", plain, sizeof(plain));
    const char *port = strrchr(plain, ':');
    (void)snprintf(where, sizeof(where),
                   "postgresql://tamga@localhost%s?hostaddr=127.0.0.1&sslmode=%s%s%s", port, mode,
                   root != NULL ? "&sslrootcert=" : "", root != NULL ? root : "");
    return where;
}

static void turn_tls_on(void)
{
    static const char *const endings[] = {"crt", "key"};
    for (size_t i = 0; i < 2; i++) {
        char name[32];
        char *file = tls_file(folder, "localhost", endings[i]);
        char *text = help_read_file(file, NULL);
        assert_non_null(text);
        (void)snprintf(name, sizeof(name), "server.%s", endings[i]);
        postgres_server_put(server, name, text);
        free(text);
        free(file);
    }
    alter("ALTER SYSTEM SET ssl = on");
    alter("SELECT pg_reload_conf()");
    postgres_server_shut(server);
    postgres_server_again(server);
}

static void tls_is_had_or_the_server_is_refused(void **state)
{
    (void)state;
    tls_make_pair(&(struct tls_wish){.folder = folder, .name = "localhost", .until = 86400});
    tls_make_pair(&(struct tls_wish){.folder = folder, .name = "other", .until = 86400});
    char *root = tls_file(folder, "localhost", "crt");
    char *other = tls_file(folder, "other", "crt");
    put_password(POSTGRES_PASSWORD);
    expect_unavailable(over_tls("verify-full", root), "server does not support SSL");
    turn_tls_on();
    assert_int_equal(open_at(over_tls("verify-full", root), true), IDP_OK);
    expect_unavailable(over_tls("verify-full", other), "certificate verify failed");
    free(root);
    free(other);
}

/* --- a standby; it stays one, so this test is the last --------------------------------------- */

static void standby_is_refused(void **state)
{
    (void)state;
    put_password(POSTGRES_PASSWORD);
    assert_int_equal(open_at(by_socket("city"), true), IDP_OK);
    (void)tear_down(NULL);
    postgres_server_shut(server);
    postgres_server_put(server, "standby.signal", "");
    postgres_server_again(server);
    expect_unavailable(by_socket("city"), "hot standby");
    char where[WHERE_MAX + 32];
    (void)snprintf(where, sizeof(where), "%s&target_session_attrs=any", by_socket("city"));
    expect_unavailable(where, "the server is a standby");
}

#define TEST(f) cmocka_unit_test_teardown(f, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(password_of_the_file_opens_the_database),
        TEST(wrong_password_is_told_and_not_shown),
        TEST(database_that_is_not_there_is_named),
        TEST(server_that_is_not_there_is_named),
        TEST(texts_of_another_encoding_are_refused),
        TEST(commits_that_do_not_wait_for_the_disk_are_refused),
        TEST(disk_that_is_not_synced_is_for_development_only),
        TEST(strings_of_another_kind_are_refused),
        TEST(tls_is_had_or_the_server_is_refused),
        TEST(standby_is_refused),
    };
    return cmocka_run_group_tests_name("store/postgres_greeting", tests, set_up_group,
                                       tear_down_group);
}
