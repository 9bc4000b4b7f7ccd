/* What a platform remembers of the companies that filed, and its settings file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/arena.h"
#include "platform/filing.h"
#include "platform/settings.h"
#include "tests/help.h"

static struct world {
    struct arena *arena;
    char *folder;
    struct filings *filings;
    char why[SETTINGS_WHY_MAX];
} w;

static const struct visitor company = {
    .subject = "../../etc/company 7", .name = "Sand & Steppe \"Ltd\"", .uscc = "9115"};

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.arena = arena_new(), .folder = help_temp_folder()};
    return w.arena == NULL || filings_open(w.folder, w.why, &w.filings) != IDP_OK;
}

static int tear_down(void **state)
{
    (void)state;
    filings_close(w.filings);
    help_remove_folder(w.folder);
    free(w.folder);
    arena_free(w.arena);
    return 0;
}

static enum idp_err find(const char *subject, const char **contact)
{
    return filing_find(w.filings, w.arena, subject, contact);
}

/* How many files the folder holds; *name is the last one's. */
static int count_files(char name[256])
{
    int count = 0;
    DIR *folder = opendir(w.folder);
    assert_non_null(folder);
    for (const struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) { // NOLINT
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        (void)snprintf(name, 256, "%s", e->d_name);
        count++;
    }
    (void)closedir(folder);
    return count;
}

static void unknown_company_is_not_found(void **state)
{
    (void)state;
    const char *contact = NULL;
    assert_int_equal(find("company-8", &contact), IDP_NOT_FOUND);
}

static void filing_outlives_the_program(void **state)
{
    (void)state;
    const char *contact = NULL;
    assert_int_equal(filing_keep(w.filings, w.arena, &company, "张三 \"<b>\"", 5), IDP_OK);
    filings_close(w.filings);
    w.filings = NULL;
    assert_int_equal(filings_open(w.folder, w.why, &w.filings), IDP_OK);
    assert_int_equal(find(company.subject, &contact), IDP_OK);
    assert_string_equal(contact, "张三 \"<b>\"");
}

static void second_filing_replaces_the_first_whole(void **state)
{
    (void)state;
    char name[256];
    const char *contact = NULL;
    assert_int_equal(filing_keep(w.filings, w.arena, &company, "first, and rather long", 5),
                     IDP_OK);
    assert_int_equal(filing_keep(w.filings, w.arena, &company, "2", 6), IDP_OK);
    assert_int_equal(find(company.subject, &contact), IDP_OK);
    assert_string_equal(contact, "2");
    assert_int_equal(count_files(name), 1);
}

static void subject_never_names_a_file(void **state)
{
    (void)state;
    char name[256];
    assert_int_equal(filing_keep(w.filings, w.arena, &company, "x", 5), IDP_OK);
    assert_int_equal(count_files(name), 1);
    assert_int_equal(strspn(name, "0123456789abcdef"), 64);
    assert_string_equal(name + 64, ".json");
}

/* A broken record must not make a company that filed look new. */
static void unreadable_filing_is_not_an_unknown_company(void **state)
{
    (void)state;
    char name[256];
    char path[1024];
    const char *contact = NULL;
    assert_int_equal(filing_keep(w.filings, w.arena, &company, "x", 5), IDP_OK);
    (void)count_files(name);
    (void)snprintf(path, sizeof(path), "%s/%s", w.folder, name);
    help_write_file(path, "{\"contact\":", 11);
    assert_int_equal(find(company.subject, &contact), IDP_UNAVAILABLE);
    help_write_file(path, "", 0);
    assert_int_equal(find(company.subject, &contact), IDP_UNAVAILABLE);
}

static void failed_filing_is_told_and_leaves_the_old_one(void **state)
{
    (void)state;
    struct filings *gone = NULL;
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/gone", w.folder);
    assert_int_equal(filings_open(path, w.why, &gone), IDP_OK);
    help_remove_folder(path);
    assert_int_equal(filing_keep(gone, w.arena, &company, "x", 5), IDP_UNAVAILABLE);
    filings_close(gone);
}

static void data_folder_is_made_with_those_above_it(void **state)
{
    (void)state;
    struct filings *deep = NULL;
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/a/b/c/", w.folder);
    assert_int_equal(filings_open(path, w.why, &deep), IDP_OK);
    filings_close(deep);
    (void)snprintf(path, sizeof(path), "%s/file", w.folder);
    help_write_file(path, "x", 1);
    assert_int_equal(filings_open(path, w.why, &deep), IDP_UNAVAILABLE);
    assert_non_null(strstr(w.why, path));
}

#define PLATFORM                                                                                   \
    "\"id\":\"p\",\"address\":\"127.0.0.11\",\"port\":9000,\"client_id\":\"p\","                   \
    "\"client_secret\":\"s\",\"redirect_uri\":\"http://127.0.0.11:9000/callback\","                \
    "\"name\":{\"zh\":\"名\",\"en\":\"Name\"},\"portal\":\"http://127.0.0.1:8080/\","             \
    "\"phone\":\"1\",\"data\":\"d\""
#define ISSUER "\"issuer\":\"http://127.0.0.1:8080\""

/* Reads settings of this text. */
static enum idp_err read_text(const char *text, struct settings *out)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/settings.json", w.folder);
    help_write_file(path, text, strlen(text));
    return settings_read(w.arena, path, w.why, out);
}

static void settings_of_the_demo_are_read(void **state)
{
    (void)state;
    struct settings settings;
    assert_int_equal(
        read_text("{" ISSUER ",\"platforms\":[{" PLATFORM "},{" PLATFORM "}]}", &settings), IDP_OK);
    assert_int_equal(settings.count, 2);
    const struct platform_settings *p = &settings.platforms[1];
    assert_string_equal(p->address, "127.0.0.11");
    assert_int_equal(p->port, 9000);
    assert_string_equal(p->name_en, "Name");
    assert_string_equal(p->rp.issuer, "http://127.0.0.1:8080");
    assert_string_equal(p->rp.scope, "openid enterprise lock");
    assert_true(p->rp.development);
}

static void tls_and_its_authority_are_read(void **state)
{
    (void)state;
    struct settings settings;
    assert_int_equal(read_text("{" ISSUER ",\"ca\":\"c.pem\",\"tls_certificate\":\"t.pem\","
                               "\"tls_key\":\"t.key\",\"platforms\":[{" PLATFORM "}]}",
                               &settings),
                     IDP_OK);
    assert_string_equal(settings.tls_certificate, "t.pem");
    assert_string_equal(settings.tls_key, "t.key");
    assert_string_equal(settings.platforms[0].rp.ca_file, "c.pem");
}

static void bad_settings_name_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"", "settings.json"},
        {"[]", "settings.json"},
        {"{", "settings.json: line 1"},
        {"{" ISSUER "," ISSUER ",\"platforms\":[{" PLATFORM "}]}", "line 1"},
        {"{\"platforms\":[{" PLATFORM "}]}", "issuer"},
        {"{" ISSUER "}", "platforms"},
        {"{" ISSUER ",\"platforms\":[]}", "platforms"},
        {"{" ISSUER ",\"platforms\":[1]}", "platforms[0]"},
        {"{" ISSUER ",\"plattforms\":[]}", "plattforms"},
        {"{" ISSUER ",\"platforms\":[{" PLATFORM ",\"extra\":1}]}", "platforms[0].extra"},
        {"{" ISSUER ",\"platforms\":[{\"id\":\"p\"}]}", "platforms[0].address"},
        {"{\"issuer\":\"http://idp.example\",\"platforms\":[{" PLATFORM "}]}", "issuer"},
        {"{" ISSUER ",\"tls_key\":\"k\",\"platforms\":[{" PLATFORM "}]}", "tls_certificate"},
        {"{" ISSUER ",\"ca\":7,\"platforms\":[{" PLATFORM "}]}", "ca"},
        {"{" ISSUER ",\"scope\":\"profile\",\"platforms\":[{" PLATFORM "}]}", "openid"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct settings settings = {0};
        assert_int_equal(read_text(cases[i].text, &settings), IDP_BAD_REQUEST);
        assert_non_null(strstr(w.why, cases[i].place));
        assert_null(strchr(w.why, '\n'));
    }
}

/* One member of a good platform replaced. */
static void expect_platform(const char *name, const char *value)
{
    struct settings settings = {0};
    json_t *root = json_loads("{" ISSUER ",\"platforms\":[{" PLATFORM "}]}", 0, NULL);
    json_t *platform = json_array_get(json_object_get(root, "platforms"), 0);
    assert_int_equal(json_object_set_new(platform, name, json_loads(value, JSON_DECODE_ANY, NULL)),
                     0);
    char *text = json_dumps(root, 0);
    assert_int_equal(read_text(text, &settings), IDP_BAD_REQUEST);
    assert_non_null(strstr(w.why, "platforms[0]"));
    free(text);
    json_decref(root);
}

static void bad_platforms_are_refused(void **state)
{
    (void)state;
    expect_platform("port", "0");
    expect_platform("port", "65536");
    expect_platform("port", "\"9000\"");
    expect_platform("address", "\"localhost\"");
    expect_platform("redirect_uri", "\"http://127.0.0.11:9000/cb\"");
    expect_platform("redirect_uri", "\"http://127.0.0.11:9000/x/callback\"");
    expect_platform("redirect_uri", "\"http://platform.example/callback\"");
    expect_platform("portal", "\"javascript:alert(1)\"");
    expect_platform("name", "\"no object\"");
    expect_platform("phone", "\"\"");
    expect_platform("client_secret", "null");
}

static void missing_settings_file_is_named(void **state)
{
    (void)state;
    struct settings settings;
    assert_int_equal(settings_read(w.arena, "/nowhere/platforms.json", w.why, &settings),
                     IDP_BAD_REQUEST);
    assert_non_null(strstr(w.why, "/nowhere/platforms.json"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(unknown_company_is_not_found),
        TEST(filing_outlives_the_program),
        TEST(second_filing_replaces_the_first_whole),
        TEST(subject_never_names_a_file),
        TEST(unreadable_filing_is_not_an_unknown_company),
        TEST(failed_filing_is_told_and_leaves_the_old_one),
        TEST(data_folder_is_made_with_those_above_it),
        TEST(settings_of_the_demo_are_read),
        TEST(tls_and_its_authority_are_read),
        TEST(bad_settings_name_their_place),
        TEST(bad_platforms_are_refused),
        TEST(missing_settings_file_is_named),
    };
    return cmocka_run_group_tests_name("platform/filing", tests, NULL, NULL);
}
