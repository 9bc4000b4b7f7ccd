#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "app.h"
#include "base/arena.h"
#include "base/log.h"
#include "client/registry.h"
#include "routes.h"
#include "setup.h"
#include "store/schema.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/pki_region.h"

static struct region_authority authority;

static struct {
    struct arena *arena;
    char *folder;
    struct app app;
    char *why;
    int open_before;
} w;

/* What this program has open: files, databases, sockets. */
static int count_open(void)
{
    int n = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) // NOLINT(concurrency-mt-unsafe): a folder of our own
        n++;
    (void)closedir(folder);
    return n;
}

static const char *path(const char *name)
{
    const char *text = arena_printf(w.arena, "%s/%s", w.folder, name);
    assert_non_null(text);
    return text;
}

static void put(const char *name, const char *text)
{
    help_write_file(path(name), text, strlen(text));
}

static void put_entry(json_t *entry)
{
    json_t *entries[] = {entry, NULL};
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    char *signatures = region_signatures(text);
    put("trust-list.json", text);
    put("trust-list.json.signatures", signatures);
    free(signatures);
    free(text);
    json_decref(list);
}

static void put_trust_list(void)
{
    put_entry(region_entry(&authority));
}

/* One whose authority says where its lists are. */
static void put_trust_list_with_lists(void)
{
    json_t *entry = region_entry(&authority);
    json_t *urls = json_pack("[{s:s}]", "url", "http://127.0.0.1:9/full.crl");
    assert_int_equal(json_object_set_new(json_object_get(entry, "revocation"), "crl", urls), 0);
    put_entry(entry);
}

static int set_up(void **state)
{
    (void)state;
    w.arena = arena_new();
    w.folder = help_temp_folder();
    w.why = NULL;
    put_trust_list();
    assert_int_equal(mkdir(path("pages"), 0700), 0);
    put("pages/index.html", "<!doctype html>");
    w.app = (struct app){
        .routes = idp_routes,
        .config = {.issuer = REGION_ORIGIN,
                   .origin = REGION_ORIGIN,
                   .sql = arena_printf(w.arena, "sqlite:%s/t.db", w.folder),
                   .kv = "memory:",
                   .master_key_file = path("master.key"),
                   .trust_list = path("trust-list.json"),
                   .pages = path("pages"),
                   .managers = *region_managers(),
                   .challenge_s = 180,
                   .jwks_cache_s = 900},
    };
    w.open_before = count_open();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    help_remove_folder(w.folder);
    free(w.folder);
    arena_free(w.arena);
    return 0;
}

static enum idp_err open_all(void)
{
    enum idp_err err = setup_open_stores(&w.app, &w.why);
    return err == IDP_OK ? setup_open_server(&w.app, &w.why) : err;
}

/* One line that says so, and nothing is left open. */
static void expect_refused(const char *wanted)
{
    assert_int_not_equal(open_all(), IDP_OK);
    assert_non_null(w.why);
    if (strstr(w.why, wanted) == NULL)
        fail_msg("%s\ninstead of %s", w.why, wanted);
    assert_null(strchr(w.why, '\n'));
    free(w.why);
    w.why = NULL;
    assert_null(w.app.db);
    assert_null(w.app.kv);
    assert_null(w.app.pki);
    assert_int_equal(count_open(), w.open_before);
}

static void everything_opens_and_closes(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) {
        assert_int_equal(open_all(), IDP_OK);
        assert_null(w.why);
        assert_non_null(w.app.pki);
        assert_non_null(w.app.pages);
        assert_non_null(w.app.discovery);
        assert_non_null(w.app.jwks);
        assert_string_equal(w.app.access.issuer, REGION_ORIGIN);
        assert_int_equal(w.app.access.challenge_s, 180);
        setup_close(&w.app);
        assert_int_equal(count_open(), w.open_before);
        assert_null(w.app.db);
        assert_non_null(w.app.routes);
    }
}

static void command_line_opens_the_stores_alone(void **state)
{
    (void)state;
    assert_int_equal(setup_open_stores(&w.app, &w.why), IDP_OK);
    assert_non_null(w.app.clients);
    assert_null(w.app.pki);
    setup_close(&w.app);
    assert_int_equal(count_open(), w.open_before);
}

/* docs/security.md row 36. */
static void missing_or_empty_trust_list_refuses_to_start(void **state)
{
    (void)state;
    w.app.config.trust_list = path("nowhere.json");
    expect_refused(path("nowhere.json"));
    w.app.config.trust_list = path("empty.json");
    put("empty.json", "");
    expect_refused(path("empty.json"));
    put("empty.json", "{\"version\":1,\"authorities\":[]}");
    expect_refused(path("empty.json"));
}

static void lists_need_a_folder_that_can_be_written(void **state)
{
    (void)state;
    put_trust_list_with_lists();
    expect_refused("crl_folder: is missing, and the trust list names addresses of lists");
    w.app.config.crl_folder = path("pages/index.html");
    expect_refused(
        arena_printf(w.arena, "crl_folder: %s: cannot be written", path("pages/index.html")));
    w.app.config.crl_folder = path("lists");
    assert_int_equal(open_all(), IDP_OK);
    assert_int_equal(access(path("lists"), W_OK), 0);
    setup_close(&w.app);
}

static void without_addresses_of_lists_there_is_no_folder(void **state)
{
    (void)state;
    w.app.config.crl_folder = path("lists");
    assert_int_equal(open_all(), IDP_OK);
    assert_int_equal(access(path("lists"), F_OK), -1);
    setup_close(&w.app);
}

static void database_of_a_newer_program_is_left_alone(void **state)
{
    (void)state;
    const struct sql_call contract = {
        .text = "INSERT INTO schema_version (version, name, applied, hash, oldest_program) "
                "SELECT max(version) + 1, 'later', 0, 'x', max(version) + 1 FROM schema_version"};
    assert_int_equal(setup_open_stores(&w.app, &w.why), IDP_OK);
    assert_int_equal(sql_execute(w.app.db, &contract, NULL), IDP_OK);
    setup_close(&w.app);
    expect_refused(arena_printf(w.arena, "store.sql: %s: the database has schema version %d, for",
                                w.app.config.sql, (int)schema_of_program() + 1));
}

static void database_of_an_older_program_waits_for_migrate(void **state)
{
    (void)state;
    const struct sql_call go_back = {.text = "DELETE FROM schema_version WHERE version > 1"};
    assert_int_equal(setup_open_stores(&w.app, &w.why), IDP_OK);
    assert_int_equal(sql_execute(w.app.db, &go_back, NULL), IDP_OK);
    setup_close(&w.app);
    expect_refused(arena_printf(w.arena,
                                "store.sql: %s: the database has schema version 1, and this "
                                "program needs version %d: run tamga-idp migrate",
                                w.app.config.sql, (int)schema_of_program()));
}

static void master_key_of_another_database_is_refused(void **state)
{
    (void)state;
    assert_int_equal(setup_open_stores(&w.app, &w.why), IDP_OK);
    setup_close(&w.app);
    put("master.key", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
    expect_refused(arena_printf(w.arena, "master_key_file: %s: does not open the keys in",
                                w.app.config.master_key_file));
}

/* A new key in the place of a lost one would open nothing, and hide the loss. */
static void master_key_that_got_lost_is_not_made_anew(void **state)
{
    (void)state;
    assert_int_equal(setup_open_stores(&w.app, &w.why), IDP_OK);
    setup_close(&w.app);
    assert_int_equal(unlink(path("master.key")), 0);
    expect_refused(
        arena_printf(w.arena, "master_key_file: %s: is missing", w.app.config.master_key_file));
    assert_int_not_equal(access(path("master.key"), F_OK), 0);
}

static void master_key_of_the_environment_opens_the_same_database(void **state)
{
    (void)state;
    size_t len = 0;
    assert_int_equal(open_all(), IDP_OK);
    setup_close(&w.app);
    char *text = help_read_file(w.app.config.master_key_file, &len);
    text[len - 1] = '\0';
    w.app.config.master_key_file = NULL;
    expect_refused("master_key_file: is missing, and so is the environment's TAMGA_MASTER_KEY");
    assert_int_equal(setenv("TAMGA_MASTER_KEY", text, 1), 0);
    assert_int_equal(open_all(), IDP_OK);
    assert_null(getenv("TAMGA_MASTER_KEY"));
    setup_close(&w.app);
    free(text);
}

static void master_key_that_others_can_read_is_refused(void **state)
{
    (void)state;
    put("master.key", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
    assert_int_equal(chmod(path("master.key"), 0644), 0);
    expect_refused(path("master.key"));
}

static void folder_that_cannot_be_written_is_refused(void **state)
{
    (void)state;
    w.app.config.sql = arena_printf(w.arena, "sqlite:%s/nowhere/t.db", w.folder);
    expect_refused(path("nowhere/t.db"));
    w.app.config.sql = "sqlite:/proc/t.db"; /* root, too, can make no file there */
    expect_refused("/proc/t.db");
    w.app.config.sql = arena_printf(w.arena, "sqlite:%s/t.db", w.folder);
    w.app.config.master_key_file = path("nowhere/master.key");
    expect_refused(path("nowhere/master.key"));
}

static void unknown_stores_are_refused(void **state)
{
    (void)state;
    w.app.config.sql = "mysql:tamga";
    expect_refused("store.sql: expected sqlite:PATH or postgresql://USER@HOST/DATABASE");
    w.app.config.sql = arena_printf(w.arena, "sqlite:%s/t.db", w.folder);
    w.app.config.kv = "memcached:";
    expect_refused("store.kv: memcached:: expected memory:");
}

static void pages_that_were_not_built_are_refused(void **state)
{
    (void)state;
    w.app.config.pages = path("nowhere");
    expect_refused(path("nowhere"));
    assert_int_equal(mkdir(path("empty"), 0700), 0);
    w.app.config.pages = path("empty");
    expect_refused(arena_printf(w.arena, "pages: %s: has no index.html", path("empty")));
    w.app.config.pages = path("pages");
    w.app.config.packages = path("nowhere");
    expect_refused(path("nowhere"));
}

static int make_authority(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    region_authority_make(&authority, "one", "P-256");
    return 0;
}

static int free_authority(void **state)
{
    (void)state;
    region_authority_clear(&authority);
    return 0;
}

/* --- mail ------------------------------------------------------------------------------------ */

static void set_mail(void)
{
    w.app.config.mail_server = "smtps://mail.example";
    w.app.config.mail_from = "noreply@idp.example";
    w.app.config.mail_user = "idp";
    w.app.config.mail_password_file = path("password");
    put("password", "correct horse\n");
    assert_int_equal(chmod(path("password"), 0600), 0);
}

static void mail_is_made_ready_when_it_is_set(void **state)
{
    (void)state;
    assert_int_equal(open_all(), IDP_OK);
    assert_null(w.app.access.mailer);
    assert_false(w.app.access.tells);
    setup_close(&w.app);
    set_mail();
    assert_int_equal(open_all(), IDP_OK);
    assert_non_null(w.app.access.mailer);
    assert_true(w.app.access.tells);
    setup_close(&w.app);
    assert_int_equal(count_open(), w.open_before);
}

static void mail_password_that_others_can_read_is_refused(void **state)
{
    (void)state;
    set_mail();
    assert_int_equal(chmod(path("password"), 0644), 0);
    expect_refused(arena_printf(w.arena, "mail.password_file: %s: ", path("password")));
    assert_int_equal(setup_open_files(&w.app, &w.why), IDP_DENIED); /* before a store is made */
    free(w.why);
}

static void mail_files_that_are_not_there_are_refused_before_a_store_is_made(void **state)
{
    (void)state;
    set_mail();
    w.app.config.mail_ca_file = path("nowhere.pem");
    assert_int_equal(setup_open_files(&w.app, &w.why), IDP_UNAVAILABLE);
    assert_non_null(strstr(w.why, "mail.ca_file: "));
    free(w.why);
    w.why = NULL;
    assert_int_equal(unlink(path("password")), 0);
    assert_int_equal(setup_open_files(&w.app, &w.why), IDP_UNAVAILABLE);
    assert_non_null(strstr(w.why, "mail.password_file: "));
    free(w.why);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(everything_opens_and_closes),
        TEST(command_line_opens_the_stores_alone),
        TEST(missing_or_empty_trust_list_refuses_to_start),
        TEST(lists_need_a_folder_that_can_be_written),
        TEST(without_addresses_of_lists_there_is_no_folder),
        TEST(database_of_a_newer_program_is_left_alone),
        TEST(database_of_an_older_program_waits_for_migrate),
        TEST(master_key_of_another_database_is_refused),
        TEST(master_key_that_got_lost_is_not_made_anew),
        TEST(master_key_of_the_environment_opens_the_same_database),
        TEST(master_key_that_others_can_read_is_refused),
        TEST(folder_that_cannot_be_written_is_refused),
        TEST(unknown_stores_are_refused),
        TEST(pages_that_were_not_built_are_refused),
        TEST(mail_is_made_ready_when_it_is_set),
        TEST(mail_password_that_others_can_read_is_refused),
        TEST(mail_files_that_are_not_there_are_refused_before_a_store_is_made),
    };
    return cmocka_run_group_tests_name("top/setup", tests, make_authority, free_authority);
}
