#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/arena.h"
#include "ctl/tests/run.h"
#include "tests/pki_region.h"

static struct region_authority authority;

static int make_authority(void **state)
{
    (void)state;
    region_authority_make(&authority, "first", "P-256");
    return 0;
}

static int free_authority(void **state)
{
    (void)state;
    region_authority_clear(&authority);
    return 0;
}

/* Writes a list whose authority has this phone. */
static void put_list(const char *name, const char *phone)
{
    json_t *entries[] = {region_entry(&authority), NULL};
    assert_int_equal(json_object_set_new(entries[0], "phone", json_string(phone)), 0);
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    put(name, text);
    free(text);
    json_decref(list);
}

/* Without settings: nothing of a provider is there. */
static void check(const char *words)
{
    run_with(path("none.json"), words);
}

static void good_list_is_said_to_be_without_settings_or_database(void **state)
{
    (void)state;
    put_list("list.json", "0471-000-0000");
    check(arena_printf(w.arena, "trust check %s", path("list.json")));
    json_t *json = answer();
    assert_true(json_is_true(json_object_get(json, "good")));
    assert_int_equal(strlen(text_of(json, "version")), 64);
    assert_int_equal(json_array_size(json_object_get(json, "mistakes")), 0);
    json_t *warning = json_array_get(json_object_get(json, "warnings"), 0);
    assert_string_equal(text_of(warning, "place"), "authorities[0].roots");
    assert_non_null(strstr(text_of(warning, "warning"), "no root is named"));
    json_decref(json);
    assert_int_equal(access(path("t.db"), F_OK), -1);
}

static void mistakes_are_the_answer_and_a_failure(void **state)
{
    (void)state;
    put_list("in", "");
    check("trust check -");
    assert_int_equal(w.code, 1);
    assert_string_equal(w.err, "");
    json_t *json = json_loads(w.out, 0, NULL);
    assert_true(json_is_false(json_object_get(json, "good")));
    json_t *mistake = json_array_get(json_object_get(json, "mistakes"), 0);
    assert_string_equal(text_of(mistake, "place"), "authorities[0].phone");
    assert_string_equal(text_of(mistake, "expected"), "a text of 1 to 64 bytes");
    assert_string_equal(text_of(mistake, "found"), "\"\"");
    json_decref(json);
}

static void table_has_a_line_for_each(void **state)
{
    (void)state;
    put("list.json", "{\"version\":3,\"authorities\":[]}");
    check(arena_printf(w.arena, "trust check --table %s", path("list.json")));
    assert_int_equal(w.code, 1);
    assert_non_null(
        strstr(w.out, "mistake  version: expected a whole number from 1 to 1, found 3\n"));
    assert_non_null(strstr(
        w.out, "mistake  authorities: expected a list of 1 to 64 entries, found a list of 0\n"));
    put_list("list.json", "0471-000-0000");
    check(arena_printf(w.arena, "trust check --table %s", path("list.json")));
    assert_int_equal(w.code, 0);
    assert_non_null(strstr(w.out, "warning  authorities[0].roots: no root is named"));
    assert_non_null(strstr(w.out, "good     1 authorities, version "));
}

/* U+009B begins a command on terminals, and U+202E writes the rest of the line backwards. */
static void complaint_says_nothing_to_the_terminal(void **state)
{
    (void)state;
    run(arena_printf(w.arena, "trust check %s", path("a\xC2\x9B\xE2\x80\xAEz")));
    expect_complaint(1, "/a?????z: ");
}

static void file_that_is_not_there_is_a_complaint(void **state)
{
    (void)state;
    check("trust check /none/list.json");
    expect_complaint(1, "cannot read");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, run_set_up, run_tear_down)

int main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        TEST(good_list_is_said_to_be_without_settings_or_database),
        TEST(mistakes_are_the_answer_and_a_failure),
        TEST(table_has_a_line_for_each),
        TEST(complaint_says_nothing_to_the_terminal),
        TEST(file_that_is_not_there_is_a_complaint),
    };
    (void)argc;
    run_find_program(argv[0]);
    return cmocka_run_group_tests_name("ctl/trust_check", tests, make_authority, free_authority);
}
