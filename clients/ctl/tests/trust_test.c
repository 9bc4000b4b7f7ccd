#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/log.h"
#include "ctl/tests/node.h"
#include "ctl/tests/run.h"
#include "tests/pki_region.h"

static struct region_authority first, second;

/* Writes a list of one or two authorities into the folder, signed by both managers. */
static void put_list(const char *name, int number, const struct region_authority *one,
                     const struct region_authority *other)
{
    json_t *entries[] = {region_entry(one), other != NULL ? region_entry(other) : NULL, NULL};
    json_t *list = region_trust_list(entries);
    assert_int_equal(json_object_set_new(list, "number", json_integer(number)), 0);
    char *text = json_dumps(list, 0);
    char *signatures = region_signatures(text);
    put(name, text);
    put(arena_printf(w.arena, "%s.signatures", name), signatures);
    free(signatures);
    free(text);
    json_decref(list);
}

static int set_up(void **state)
{
    (void)run_set_up(state);
    put_list("both.json", 1, &first, &second);
    put_list("one.json", 2, &first, NULL);
    return 0;
}

static void load(const char *name)
{
    run(arena_printf(w.arena, "trust load %s", path(name)));
}

static json_int_t number_of(const json_t *json, const char *name)
{
    assert_true(json_is_integer(json_object_get(json, name)));
    return json_integer_value(json_object_get(json, name));
}

/* The list's answer: its number, whether it changed anything, and who came and went. */
static void expect_loaded(const char *wanted)
{
    json_t *json = answer();
    json_t *expected = json_loads(wanted, 0, NULL);
    assert_non_null(expected);
    assert_int_equal(strlen(text_of(json, "version")), 64);
    assert_int_equal(json_object_del(json, "version"), 0);
    if (!json_equal(json, expected))
        fail_msg("%s", w.out);
    json_decref(expected);
    json_decref(json);
}

static void list_is_loaded_before_any_node_ever_ran(void **state)
{
    (void)state;
    load("both.json");
    expect_loaded(
        "{\"number\":1,\"loading\":1,\"changed\":true,\"signed_anew\":false,\"authorities\":2,"
        "\"added\":[\"first\",\"second\"],\"removed\":[]}");
}

static void list_comes_from_standard_input_too(void **state)
{
    (void)state;
    put_list("in", 3, &first, NULL);
    run("trust load -");
    expect_complaint(1, "--signatures");
    run(arena_printf(w.arena, "trust load - --signatures %s", path("in.signatures")));
    expect_loaded("{\"number\":3,\"loading\":1,\"changed\":true,\"signed_anew\":false,"
                  "\"authorities\":1,\"added\":[\"first\"],"
                  "\"removed\":[]}");
}

static void list_that_counts_already_is_said_to_be(void **state)
{
    (void)state;
    load("both.json");
    load("both.json");
    expect_loaded("{\"number\":1,\"loading\":1,\"changed\":false,\"signed_anew\":false,"
                  "\"authorities\":2,\"added\":[],\"removed\":[]}");
}

#define BEGINS "{\"version\":1,\"number\":2,\"issued\":\"2026-11-22T00:00:00Z\","

/* docs/security.md row 36. */
static void wrong_and_empty_lists_are_refused_with_file_and_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *complaint;
    } wrong[] = {
        {"", "expected a JSON document"},
        {BEGINS "\"authorities\":[]}", "authorities: expected"},
        {BEGINS "\"x\":1}", "expected no member \"x\""},
        {BEGINS "\"authorities\":[{\"id\":\"x\"}]}", "authorities[0]"},
    };
    load("both.json");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        put("wrong.json", wrong[i].text);
        load("wrong.json");
        expect_complaint(1, wrong[i].complaint);
        assert_non_null(strstr(w.err, "wrong.json"));
    }
    load("none.json");
    expect_complaint(1, "cannot read");
    run("trust list");
    json_t *json = answer();
    assert_int_equal(json_array_size(json), 1);
    json_decref(json);
}

static void too_long_list_is_refused(void **state)
{
    (void)state;
    size_t size = (size_t)4 * 1024 * 1024 + 2;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, ' ', size - 1);
    text[size - 1] = '\0';
    put("long.json", text);
    free(text);
    load("long.json");
    expect_complaint(1, "at most 4 MiB");
}

static void lists_are_kept_and_shown(void **state)
{
    (void)state;
    run("trust show");
    expect_complaint(1, "no trust list has been loaded");
    load("both.json");
    load("one.json");
    run("trust list");
    json_t *json = answer();
    assert_int_equal(json_array_size(json), 2);
    assert_int_equal(number_of(json_array_get(json, 0), "number"), 2);
    assert_true(number_of(json_array_get(json, 1), "loaded") > 0);
    json_decref(json);
    run("trust list --table");
    assert_int_equal(w.code, 0);
    assert_non_null(strstr(w.out, "NUMBER"));

    run("trust show 1");
    json = answer();
    json_t *document = json_object_get(json, "document");
    assert_int_equal(json_array_size(json_object_get(document, "authorities")), 2);
    json_decref(json);
    run("trust show");
    json = answer();
    assert_int_equal(number_of(json, "number"), 2);
    json_decref(json);
}

static void earlier_list_can_count_again(void **state)
{
    (void)state;
    load("both.json");
    load("one.json");
    expect_loaded("{\"number\":2,\"loading\":2,\"changed\":true,\"signed_anew\":false,"
                  "\"authorities\":1,\"added\":[],"
                  "\"removed\":[\"second\"]}");
    run("trust restore 1");
    expect_loaded("{\"number\":1,\"loading\":3,\"changed\":true,\"signed_anew\":false,"
                  "\"authorities\":2,\"added\":[\"second\"],"
                  "\"removed\":[]}");
    execute("UPDATE trust_lists SET document = '{' WHERE number = 2");
    run("trust restore 2");
    expect_complaint(1, "trust list 2 in the database");
    run("trust show 2");
    json_t *json = answer();
    assert_string_equal(text_of(json, "document"), "{");
    json_decref(json);
}

static void unknown_lists_are_named(void **state)
{
    (void)state;
    static const char *const lines[] = {"trust show 9", "trust restore 9", "trust show 0",
                                        "trust show -1x", "trust restore 99999999999999999999"};
    load("both.json");
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        run(arena_printf(w.arena, "%s", lines[i]));
        if (strchr(lines[i], '-') != NULL)
            expect_complaint(2, "--help");
        else
            expect_complaint(1, "there is no trust list");
    }
}

/* When the command has ended, nodes work by the list, and what rested on who left is over. */
static void command_waits_for_running_nodes(void **state)
{
    (void)state;
    load("both.json");
    execute("INSERT INTO grants (id, client, authority, scope, auth_time, acr, amr, created) "
            "VALUES (x'00112233445566778899aabbccddeeff', 'c', 'second', '', 0, '', '', "
            "strftime('%s', 'now'))");
    start_node();
    long long before = atomic_load(&node.seen);
    load("one.json");
    expect_loaded("{\"number\":2,\"loading\":2,\"changed\":true,\"signed_anew\":false,"
                  "\"authorities\":1,\"added\":[],"
                  "\"removed\":[\"second\"]}");
    assert_int_equal(atomic_load(&node.seen), before + 1);
    stop_node();
    assert_int_equal(number_in("SELECT count(*) FROM outbox WHERE delivered IS NULL"), 0);
    assert_int_equal(number_in("SELECT count(*) FROM grants WHERE ended_why = 'authority_removed'"),
                     1);
}

static int make_authorities(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    region_authority_make(&first, "first", "P-256");
    region_authority_make(&second, "second", "P-256");
    return 0;
}

static int free_authorities(void **state)
{
    (void)state;
    region_authority_clear(&first);
    region_authority_clear(&second);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, run_tear_down)

int main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        TEST(list_is_loaded_before_any_node_ever_ran),
        TEST(list_comes_from_standard_input_too),
        TEST(list_that_counts_already_is_said_to_be),
        TEST(wrong_and_empty_lists_are_refused_with_file_and_place),
        TEST(too_long_list_is_refused),
        TEST(lists_are_kept_and_shown),
        TEST(earlier_list_can_count_again),
        TEST(unknown_lists_are_named),
        TEST(command_waits_for_running_nodes),
    };
    (void)argc;
    run_find_program(argv[0]);
    return cmocka_run_group_tests_name("ctl/trust", tests, make_authorities, free_authorities);
}
