#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "http/http.h"

static const struct param params[] = {
    {.name = "purpose", .required = true, .max = 8},
    {.name = "answer", .kind = PARAM_OBJECT},
    {.name = "types", .kind = PARAM_LIST, .max = 3},
    {.name = "count", .kind = PARAM_NUMBER},
    {.name = "agreed", .kind = PARAM_TRUTH},
    {.name = "note", .max = 8},
    {.name = NULL},
};

static struct world {
    struct arena *arena;
    const char *values[HTTP_PARAMS_MAX];
    json_t *json;
} w;

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.arena = arena_new()};
    return w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(w.arena);
    return 0;
}

/* In an exact-size block without NUL, so that ASan sees a byte too many read. */
static enum idp_err parse_n(const char *text, size_t len)
{
    char *exact = malloc(len + (len == 0));
    assert_non_null(exact);
    memcpy(exact, text, len);
    memset(w.values, 0, sizeof(w.values));
    w.json = NULL;
    enum idp_err err = http_json_parse(w.arena, exact, len, params, w.values, &w.json);
    free(exact);
    return err;
}

static enum idp_err parse(const char *text)
{
    return parse_n(text, strlen(text));
}

static void members_of_every_kind_are_taken(void **state)
{
    (void)state;
    assert_int_equal(parse(" {\"types\":[1,2,3],\"answer\":{\"x\":[]},\"count\":-5,"
                           "\"agreed\":false,\"purpose\":\"login\",\"note\":\"\\u4e2d\"}\n"),
                     IDP_OK);
    assert_string_equal(w.values[0], "login");
    assert_string_equal(w.values[5], "\xe4\xb8\xad");
    assert_null(w.values[1]);
    assert_int_equal(json_integer_value(json_object_get(w.json, "count")), -5);
}

static void empty_text_counts_as_absent(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"purpose\":\"a\",\"note\":\"\"}"), IDP_OK);
    assert_null(w.values[5]);
    assert_int_equal(parse("{\"purpose\":\"\"}"), IDP_BAD_REQUEST);
}

static void bad_bodies_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "{}",
        "[]",
        "\"purpose\"",
        "null",
        "{\"purpose\":\"a\"",
        "{\"purpose\":\"a\"}x",
        "{\"purpose\":\"a\"}{}",
        "{\"purpose\":\"a\",}",
        "{'purpose':'a'}",
        "{\"purpose\":\"a\",\"purpose\":\"a\"}",
        "{\"purpose\":\"a\",\"answer\":{\"x\":1,\"x\":1}}",
        "{\"purpose\":\"a\",\"other\":1}",
        "{\"purpose\":\"a\",\"Note\":\"b\"}",
        "{\"purpose\":\"a\",\"note\":null}",
        "{\"purpose\":\"a\",\"note\":1}",
        "{\"purpose\":\"a\",\"note\":\"123456789\"}",
        "{\"purpose\":\"a\",\"note\":\"\\u0000\"}",
        "{\"purpose\":\"a\",\"note\":\"\xff\"}",
        "{\"purpose\":\"a\",\"note\":\"\\ud800\"}",
        "{\"purpose\":\"a\",\"answer\":[]}",
        "{\"purpose\":\"a\",\"types\":{}}",
        "{\"purpose\":\"a\",\"types\":[1,2,3,4]}",
        "{\"purpose\":\"a\",\"count\":1.5}",
        "{\"purpose\":\"a\",\"count\":\"1\"}",
        "{\"purpose\":\"a\",\"count\":99999999999999999999}",
        "{\"purpose\":\"a\",\"agreed\":1}",
        "{\"purpose\":true}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(parse(bad[i]), IDP_BAD_REQUEST);
        assert_null(w.json);
    }
}

static void nul_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    assert_int_equal(parse_n("{\"purpose\":\"a\"}\0", 16), IDP_BAD_REQUEST);
    assert_int_equal(parse_n("{\"purpose\":\"a\0\"}", 16), IDP_BAD_REQUEST);
}

static void eight_levels_are_read_and_nine_are_not(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"purpose\":\"a\",\"types\":[[[[[[[]]]]]]]}"), IDP_OK);
    assert_int_equal(parse("{\"purpose\":\"a\",\"types\":[[[[[[[[]]]]]]]]}"), IDP_BAD_REQUEST);
}

static void brackets_in_texts_are_no_levels(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"purpose\":\"[[[[[[[[\",\"note\":\"\\\"[{[{[{\"}"), IDP_OK);
    assert_int_equal(parse("{\"purpose\":\"a\\\\\",\"types\":[[[[[[[[]]]]]]]]}"), IDP_BAD_REQUEST);
}

static void flood_of_brackets_is_refused_before_the_parser(void **state)
{
    (void)state;
    char *flood = malloc(100000);
    assert_non_null(flood);
    memset(flood, '[', 100000);
    assert_int_equal(parse_n(flood, 100000), IDP_BAD_REQUEST);
    free(flood);
}

static void route_without_members_takes_an_empty_object_only(void **state)
{
    (void)state;
    json_t *json = NULL;
    assert_int_equal(http_json_parse(w.arena, "{}", 2, NULL, w.values, &json), IDP_OK);
    assert_int_equal(http_json_parse(w.arena, "{\"a\":1}", 7, NULL, w.values, &json),
                     IDP_BAD_REQUEST);
}

/* Jansson's n-th allocation fails, for every n until the body gets through. */
static int allocations_left;

static void *scarce_malloc(size_t n)
{
    return allocations_left-- > 0 ? malloc(n) : NULL;
}

static void no_memory_is_never_a_good_body(void **state)
{
    (void)state;
    enum idp_err err = IDP_FAULT;
    json_set_alloc_funcs(scarce_malloc, free);
    for (int n = 0; n < 100 && err != IDP_OK; n++) {
        allocations_left = n;
        err = parse("{\"purpose\":\"login\",\"answer\":{\"a\":[1]}}");
        if (err != IDP_OK)
            assert_null(w.json);
    }
    arena_free(w.arena); /* frees with the functions it was made with */
    w.arena = NULL;
    json_set_alloc_funcs(malloc, free);
    assert_int_equal(err, IDP_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(members_of_every_kind_are_taken),
        TEST(empty_text_counts_as_absent),
        TEST(bad_bodies_are_refused),
        TEST(nul_is_refused_wherever_it_stands),
        TEST(eight_levels_are_read_and_nine_are_not),
        TEST(brackets_in_texts_are_no_levels),
        TEST(flood_of_brackets_is_refused_before_the_parser),
        TEST(route_without_members_takes_an_empty_object_only),
        TEST(no_memory_is_never_a_good_body),
    };
    return cmocka_run_group_tests_name("http/json_body", tests, NULL, NULL);
}
