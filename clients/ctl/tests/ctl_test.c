/* Runs the program itself, as an operator would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/arena.h"
#include "client/registry.h"
#include "client/secret.h"
#include "ctl/tests/node.h"
#include "ctl/tests/run.h"
#include "jose/master.h"
#include "jose/purpose_keys.h"
#include "store/sql.h"

#define BAOTOU                                                                                     \
    "{\"client_id\":\"baotou\",\"client_name\":\"包头\",\"client_name#en\":\"Baotou\","          \
    "\"redirect_uris\":[\"http://127.0.0.12:9000/callback\"],\"tamga_group\":\"west\"}"

/* Adds the platform; returns its secret. */
static const char *add_baotou(void)
{
    put("baotou.json", BAOTOU);
    run(arena_printf(w.arena, "client add %s", path("baotou.json")));
    json_t *json = answer();
    const char *secret = text_of(json, "client_secret");
    assert_string_equal(text_of(json, "client_id"), "baotou");
    json_decref(json);
    return secret;
}

/* Asks what the provider would: is this the client's secret, and how does it stand? */
static bool provider_accepts(const char *id, const char *secret, enum client_standing standing)
{
    char *why = NULL;
    struct sql *db = NULL;
    struct master_key *master = NULL;
    struct purpose_keys *keys = NULL;
    const struct client *client = NULL;
    assert_int_equal(sql_open(arena_printf(w.arena, "sqlite:%s", path("t.db")), &why, &db), IDP_OK);
    assert_int_equal(master_key_load(path("master.key"), &why, &master), IDP_OK);
    assert_int_equal(purpose_keys_open(db, master, 1, &keys), IDP_OK);
    struct client_registry *registry = client_registry_new(db);
    assert_int_equal(client_find(registry, w.arena, id, &client), IDP_OK);
    bool right = client_secret_check(keys, client, secret);
    bool stands = client->standing == standing;
    client_registry_free(registry);
    purpose_keys_close(keys);
    master_key_free(master);
    sql_close(db);
    return right && stands;
}

static void first_command_makes_keys_and_database(void **state)
{
    (void)state;
    struct stat about;
    run("client list");
    json_t *json = answer();
    assert_int_equal(json_array_size(json), 0);
    json_decref(json);
    assert_int_equal(stat(path("master.key"), &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
}

static void database_of_another_version_is_left_alone(void **state)
{
    (void)state;
    run("client list");
    json_decref(answer());
    assert_int_equal(unlink(path("master.key")), 0);
    execute("INSERT INTO schema_version (version, name, applied, hash, oldest_program) "
            "SELECT max(version) + 1, 'later', 0, 'x', max(version) + 1 FROM schema_version");
    run("client list");
    expect_complaint(1, "and this program is of version");
    execute("DELETE FROM schema_version WHERE version > 1");
    run("client list");
    expect_complaint(1, "the database has schema version 1");
    assert_non_null(strstr(w.err, "run tamga-idp migrate"));
    assert_int_not_equal(access(path("master.key"), F_OK), 0); /* nor was a key made for it */
}

static void added_client_gets_a_secret_that_the_provider_accepts(void **state)
{
    (void)state;
    const char *secret = add_baotou();
    assert_int_equal(strlen(secret), 43);
    assert_true(provider_accepts("baotou", secret, CLIENT_ACTIVE));
}

static void metadata_come_from_standard_input_too(void **state)
{
    (void)state;
    put("in", BAOTOU);
    run("client add -");
    json_decref(answer());
}

static void public_client_gets_no_secret(void **state)
{
    (void)state;
    put("in", "{\"client_name\":\"a\",\"redirect_uris\":[\"https://a.example/cb\"],"
              "\"token_endpoint_auth_method\":\"none\"}");
    run("client add -");
    json_t *json = answer();
    const char *id = text_of(json, "client_id");
    assert_null(json_object_get(json, "client_secret"));
    json_decref(json);
    run(arena_printf(w.arena, "client rotate-secret %s", id));
    expect_complaint(1, "has no secret");
}

static void bad_metadata_are_refused_by_the_member(void **state)
{
    (void)state;
    static const struct {
        const char *text, *complaint;
    } bad[] = {
        {"", "standard input: is not JSON"},
        {"{\"client_name\":\"a\"}", "standard input: redirect_uris is missing"},
        {"{\"client_name\":\"a\",\"redirect_uris\":[\"https://a.example/#x\"]}",
         "redirect_uris[0] has a fragment"},
        {"{\"client_name\":\"a\",\"secret_hash\":1}", "secret_hash is not a member"},
        {"{\"\\u001b[31m\":1}", "?[31m is not a member"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        put("in", bad[i].text);
        run("client add -");
        expect_complaint(1, bad[i].complaint);
    }
}

static void taken_id_is_refused(void **state)
{
    (void)state;
    const char *secret = add_baotou();
    run(arena_printf(w.arena, "client add %s", path("baotou.json")));
    expect_complaint(1, "client_id: baotou is taken");
    assert_true(provider_accepts("baotou", secret, CLIENT_ACTIVE));
}

static void list_shows_clients_as_json_and_as_a_table(void **state)
{
    (void)state;
    (void)add_baotou();
    run("client list");
    json_t *json = answer();
    assert_int_equal(json_array_size(json), 1);
    assert_string_equal(text_of(json_array_get(json, 0), "group"), "west");
    json_decref(json);
    run("client list --table");
    assert_int_equal(w.code, 0);
    assert_non_null(
        strstr(w.out, "baotou                   active     production   west      包头"));
}

static void show_tells_all_but_the_secret(void **state)
{
    (void)state;
    const char *secret = add_baotou();
    run("client show baotou");
    json_t *json = answer();
    json_t *wanted = json_loads(BAOTOU, 0, NULL);
    assert_true(json_equal(json_object_get(json, "metadata"), wanted));
    assert_true(json_is_true(json_object_get(json, "has_secret")));
    assert_null(strstr(w.out, secret));
    json_decref(wanted);
    json_decref(json);
}

static void suspended_client_is_resumed(void **state)
{
    (void)state;
    const char *secret = add_baotou();
    run("client suspend baotou");
    json_t *json = answer();
    assert_string_equal(text_of(json, "standing"), "suspended");
    json_decref(json);
    assert_true(provider_accepts("baotou", secret, CLIENT_SUSPENDED));
    run("client resume baotou");
    json_decref(answer());
    assert_true(provider_accepts("baotou", secret, CLIENT_ACTIVE));
}

static void rotated_secret_ends_the_old_one(void **state)
{
    (void)state;
    const char *old = add_baotou();
    run("client rotate-secret baotou");
    json_t *json = answer();
    const char *fresh = text_of(json, "client_secret");
    json_decref(json);
    assert_false(provider_accepts("baotou", old, CLIENT_ACTIVE));
    assert_true(provider_accepts("baotou", fresh, CLIENT_ACTIVE));
}

static void unknown_client_is_named(void **state)
{
    (void)state;
    static const char *const lines[] = {"client show nobody", "client suspend nobody",
                                        "client resume nobody", "client rotate-secret nobody"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        run(lines[i]);
        expect_complaint(1, "there is no client nobody");
    }
}

static void wrong_command_lines_are_told_apart_from_failures(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "client",
        "client ad x",
        "server list",
        "client add",
        "client list x",
        "client show",
        "client show a b",
        "client list --tables",
        "--settings",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        run(lines[i]);
        expect_complaint(2, "--help");
    }
}

static void help_is_no_error(void **state)
{
    (void)state;
    run("--help");
    assert_int_equal(w.code, 0);
    assert_non_null(strstr(w.out, "rotate-secret ID"));
}

static void unfit_surroundings_are_told_in_one_line(void **state)
{
    (void)state;
    run_with(path("none.json"), "client list");
    expect_complaint(1, "none.json");
    put("settings.json", "{\"issuer\":1}");
    run("client list");
    expect_complaint(1, "issuer");
    run(arena_printf(w.arena, "client add %s", path("none.json")));
    expect_complaint(1, "issuer");
}

static void master_key_that_others_can_read_is_refused(void **state)
{
    (void)state;
    (void)add_baotou();
    assert_int_equal(chmod(path("master.key"), 0644), 0);
    run("client list");
    expect_complaint(1, "expected 0600");
}

#define ANOTHER_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void another_master_key_is_refused(void **state)
{
    (void)state;
    (void)add_baotou();
    put("master.key", ANOTHER_KEY);
    run("client list");
    expect_complaint(1, "is not the master key that this database was made with");
}

static void lost_master_key_is_not_made_anew(void **state)
{
    (void)state;
    (void)add_baotou();
    assert_int_equal(unlink(path("master.key")), 0);
    run("client list");
    expect_complaint(1, "master.key: is missing");
    assert_int_not_equal(access(path("master.key"), F_OK), 0);
}

/* --- while the provider runs --------------------------------------------------------------- */

/* When the command has ended, a running node uses the new record: nothing has to be restarted. */
static void running_node_knows_the_change_when_the_command_ends(void **state)
{
    (void)state;
    const struct client *client = NULL;
    (void)add_baotou();
    start_node();
    assert_int_equal(client_find(node.registry, w.arena, "baotou", &client), IDP_OK);
    assert_int_equal(client->standing, CLIENT_ACTIVE);
    long long before = atomic_load(&node.seen);
    run("client suspend baotou");
    json_decref(answer());
    assert_int_equal(atomic_load(&node.seen), before + 1);
    assert_int_equal(client_find(node.registry, w.arena, "baotou", &client), IDP_OK);
    assert_int_equal(client->standing, CLIENT_SUSPENDED);
    stop_node();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, run_set_up, run_tear_down)

int main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        TEST(first_command_makes_keys_and_database),
        TEST(database_of_another_version_is_left_alone),
        TEST(added_client_gets_a_secret_that_the_provider_accepts),
        TEST(metadata_come_from_standard_input_too),
        TEST(public_client_gets_no_secret),
        TEST(bad_metadata_are_refused_by_the_member),
        TEST(taken_id_is_refused),
        TEST(list_shows_clients_as_json_and_as_a_table),
        TEST(show_tells_all_but_the_secret),
        TEST(suspended_client_is_resumed),
        TEST(rotated_secret_ends_the_old_one),
        TEST(unknown_client_is_named),
        TEST(wrong_command_lines_are_told_apart_from_failures),
        TEST(help_is_no_error),
        TEST(unfit_surroundings_are_told_in_one_line),
        TEST(master_key_that_others_can_read_is_refused),
        TEST(another_master_key_is_refused),
        TEST(lost_master_key_is_not_made_anew),
        TEST(running_node_knows_the_change_when_the_command_ends),
    };
    (void)argc;
    run_find_program(argv[0]);
    return cmocka_run_group_tests_name("ctl/ctl", tests, NULL, NULL);
}
