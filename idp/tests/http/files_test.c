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

#include "http/files.h"
#include "http/fixed.h"
#include "tests/help.h"

static struct world {
    char *folder;
    char path[4096];
    struct http_files *files;
    char *why;
} w;

static const char *at(const char *name)
{
    (void)snprintf(w.path, sizeof(w.path), "%s/%s", w.folder, name);
    return w.path;
}

static void put(const char *name, const char *text)
{
    help_write_file(at(name), text, strlen(text));
}

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.folder = help_temp_folder()};
    if (mkdir(at("assets"), 0700) != 0)
        return 1;
    put("index.html", "<p>");
    put("assets/index-1a_2B.js", "let x");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_files_free(w.files);
    free(w.why);
    help_remove_folder(w.folder);
    free(w.folder);
    return 0;
}

static enum idp_err load(void)
{
    return http_files_load(w.folder, &w.why, &w.files);
}

static const char *cache_control(const char *path)
{
    const struct http_fixed *fixed = http_files_find(w.files, path);
    assert_non_null(fixed);
    assert_string_equal(fixed->answer.headers[0].name, "Cache-Control");
    return fixed->answer.headers[0].value;
}

static void files_are_found_by_their_paths(void **state)
{
    (void)state;
    assert_int_equal(load(), IDP_OK);
    const struct http_fixed *script = http_files_find(w.files, "assets/index-1a_2B.js");
    assert_non_null(script);
    assert_string_equal(script->answer.type, "text/javascript; charset=utf-8");
    assert_memory_equal(script->answer.body, "let x", 5);
    assert_string_equal(http_files_find(w.files, "index.html")->answer.type,
                        "text/html; charset=utf-8");
}

static void nothing_else_is_found(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",          "/index.html",          "assets",       "assets/",
        "index.htm", "assets/../index.html", "./index.html", "zzz"};
    assert_int_equal(load(), IDP_OK);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_null(http_files_find(w.files, others[i]));
}

static void only_what_is_named_by_its_content_is_kept_for_a_year(void **state)
{
    (void)state;
    assert_int_equal(load(), IDP_OK);
    assert_string_equal(cache_control("index.html"), "no-cache");
    assert_string_equal(cache_control("assets/index-1a_2B.js"),
                        "public, max-age=31536000, immutable");
}

static void links_are_not_followed(void **state)
{
    (void)state;
    assert_int_equal(symlink("/etc/passwd", at("passwd.txt")), 0);
    assert_int_equal(symlink("/etc", at("etc")), 0);
    assert_int_equal(load(), IDP_OK);
    assert_null(http_files_find(w.files, "passwd.txt"));
    assert_null(http_files_find(w.files, "etc/passwd"));
}

static void expect_refusal(const char *why)
{
    assert_int_equal(load(), IDP_UNAVAILABLE);
    assert_string_equal(w.why, why);
    assert_null(w.files);
}

static void odd_names_are_refused(void **state)
{
    (void)state;
    put("a b.txt", "x");
    expect_refusal("a b.txt: a file of this name is not served");
}

static void unknown_kinds_are_refused(void **state)
{
    (void)state;
    put("assets/run.sh", "x");
    expect_refusal("assets/run.sh: a file of this kind is not served");
}

static void missing_folder_is_told(void **state)
{
    (void)state;
    help_remove_folder(w.folder);
    assert_int_equal(load(), IDP_UNAVAILABLE);
    assert_non_null(strstr(w.why, "the folder cannot be opened"));
}

static void more_than_512_files_are_refused(void **state)
{
    (void)state;
    char name[32];
    for (int i = 0; i < 511; i++) {
        (void)snprintf(name, sizeof(name), "f%d.txt", i);
        put(name, "x");
    }
    expect_refusal("index.html: one file too many");
}

static void more_than_32_mib_are_refused(void **state)
{
    (void)state;
    put("zero.txt", "");
    assert_int_equal(truncate(at("zero.txt"), 33 * 1024 * 1024), 0);
    expect_refusal("zero.txt: too large with all the others");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(files_are_found_by_their_paths),
        TEST(nothing_else_is_found),
        TEST(only_what_is_named_by_its_content_is_kept_for_a_year),
        TEST(links_are_not_followed),
        TEST(odd_names_are_refused),
        TEST(unknown_kinds_are_refused),
        TEST(missing_folder_is_told),
        TEST(more_than_512_files_are_refused),
        TEST(more_than_32_mib_are_refused),
    };
    return cmocka_run_group_tests_name("http/files", tests, NULL, NULL);
}
