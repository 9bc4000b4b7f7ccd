#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "store/postgres_place.h"
#include "tests/help.h"

static struct postgres_place *place;
static char *why;

static int tear_down(void **state)
{
    (void)state;
    postgres_place_free(place);
    place = NULL;
    free(why);
    why = NULL;
    return 0;
}

static enum idp_err read_place(const char *uri, bool development)
{
    const struct sql_settings settings = {
        .where = uri, .deadline_ms = 1000, .development = development};
    (void)tear_down(NULL);
    return postgres_place_new(&settings, &why, &place);
}

static void expect_refused(const char *uri, const char *wanted)
{
    assert_int_equal(read_place(uri, false), IDP_BAD_REQUEST);
    assert_non_null(why);
    if (strstr(why, wanted) == NULL)
        fail_msg("%s\ninstead of %s", why, wanted);
}

static void what_is_no_uri_of_a_database_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "postgresql://",
        "postgresql://tamga@db.example",
        "postgresql:///tamga", /* no host */
        "postgresql://tamga@db.example/tamga?nothing=1",
        "postgresql://tamga@[::1/tamga",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        expect_refused(bad[i], "postgresql://USER@HOST/DATABASE");
}

static void passwords_stand_in_no_uri_and_are_not_repeated(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "postgresql://tamga:hunter2@127.0.0.1/tamga",
        "postgresql://tamga@127.0.0.1/tamga?password=hunter2",
        "postgresql://tamga@127.0.0.1/tamga?passfile=/hunter2",
        "postgresql://tamga@127.0.0.1/tamga?sslpassword=hunter2",
        "postgresql://tamga:hunter2@[::1/tamga", /* libpq would repeat it */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        expect_refused(bad[i], "store.sql: ");
        assert_null(strstr(why, "hunter2"));
    }
    expect_refused(bad[0], "store.sql_password_file");
}

static void what_would_lead_elsewhere_is_refused(void **state)
{
    (void)state;
    expect_refused("postgresql://127.0.0.1/tamga?service=other", "name the host");
    expect_refused("postgresql://127.0.0.1/tamga?client_encoding=LATIN1", "always UTF8");
    expect_refused("postgresql://127.0.0.1/tamga?replication=1", "replication");
}

static void network_without_tls_is_refused_save_for_development(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "postgresql://tamga@db.example/tamga",
        "postgresql://tamga@10.0.0.1/tamga?sslmode=disable",
        "postgresql://tamga@db.example/tamga?sslmode=allow",
        "postgresql://tamga@db.example/tamga?sslmode=prefer",
        "postgresql://tamga@127.0.0.1,db.example/tamga",
        "postgresql://tamga@localhost/tamga?hostaddr=10.0.0.1",
        "postgresql://tamga@localhost.example/tamga",
        "postgresql://tamga@[2001:db8::1]/tamga",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        expect_refused(bad[i], "sslmode=verify-full");
        assert_int_equal(read_place(bad[i], true), IDP_OK);
    }
}

static void near_hosts_and_tls_are_fine(void **state)
{
    (void)state;
    static const char *const good[] = {
        "postgresql://tamga@127.0.0.1/tamga",
        "postgresql://tamga@localhost:5433/tamga",
        "postgresql://tamga@[::1]/tamga",
        "postgresql://tamga@/tamga?host=/run/postgresql",
        "postgresql://tamga@%2Frun%2Fpostgresql/tamga",
        "postgresql://tamga@db.example/tamga?sslmode=require",
        "postgresql://tamga@db.example/tamga?sslmode=verify-ca",
        "postgresql://tamga@one.example,two.example/tamga?sslmode=verify-full&sslrootcert=/ca.pem",
        "postgres://tamga@db.example/tamga?hostaddr=10.0.0.1&sslmode=verify-full",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (read_place(good[i], false) != IDP_OK)
            fail_msg("%s: %s", good[i], why);
}

static void place_is_named_for_people(void **state)
{
    (void)state;
    assert_int_equal(read_place("postgresql://tamga@localhost:5433/city", false), IDP_OK);
    assert_string_equal(place->name, "database \"city\" at localhost");
}

/* --- the password's file --------------------------------------------------------------------- */

static enum idp_err connect_with(const char *file)
{
    const struct sql_settings settings = {.where = "postgresql://tamga@/tamga?host=/nowhere",
                                          .password_file = file};
    PGconn *conn = NULL;
    (void)tear_down(NULL);
    assert_int_equal(postgres_place_new(&settings, &why, &place), IDP_OK);
    enum idp_err err = postgres_place_connect(place, &why, &conn);
    if (err == IDP_OK)
        assert_string_equal(PQpass(conn), "hunter2");
    PQfinish(conn);
    return err;
}

static void password_is_the_first_line_of_a_file_of_its_owner(void **state)
{
    (void)state;
    char file[512];
    char *folder = help_temp_folder();
    (void)snprintf(file, sizeof(file), "%s/password", folder);
    assert_int_equal(connect_with(file), IDP_UNAVAILABLE);
    assert_non_null(strstr(why, "store.sql_password_file: "));
    help_write_file(file, "hunter2\nmore\n", 13);
    assert_int_equal(chmod(file, 0640), 0);
    assert_int_equal(connect_with(file), IDP_UNAVAILABLE);
    assert_non_null(strstr(why, "chmod 600"));
    assert_null(strstr(why, "hunter2"));
    assert_int_equal(chmod(file, 0600), 0);
    assert_int_equal(connect_with(file), IDP_OK);
    help_remove_folder(folder);
    free(folder);
}

#define TEST(f) cmocka_unit_test_teardown(f, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_is_no_uri_of_a_database_is_refused),
        TEST(passwords_stand_in_no_uri_and_are_not_repeated),
        TEST(what_would_lead_elsewhere_is_refused),
        TEST(network_without_tls_is_refused_save_for_development),
        TEST(near_hosts_and_tls_are_fine),
        TEST(place_is_named_for_people),
        TEST(password_is_the_first_line_of_a_file_of_its_owner),
    };
    return cmocka_run_group_tests_name("store/postgres_place", tests, NULL, NULL);
}
