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
    {.name = "code", .required = true, .max = 16},
    {.name = "state", .max = 4},
    {.name = "tree", .kind = PARAM_OBJECT, .max = 4},
    {.name = NULL},
};

static struct world {
    struct arena *arena;
    const char *values[HTTP_PARAMS_MAX];
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

/* The text goes in an exact-size block without NUL, so that ASan sees a byte too many read. */
static enum idp_err parse_n(const char *text, size_t len)
{
    char *exact = malloc(len + (len == 0));
    assert_non_null(exact);
    memcpy(exact, text, len);
    memset(w.values, 0, sizeof(w.values));
    enum idp_err err = http_form_parse(w.arena, exact, len, params, w.values);
    free(exact);
    return err;
}

static enum idp_err parse(const char *text)
{
    return parse_n(text, strlen(text));
}

static void values_stand_by_the_position_of_their_names(void **state)
{
    (void)state;
    assert_int_equal(parse("state=x&code=abc"), IDP_OK);
    assert_string_equal(w.values[0], "abc");
    assert_string_equal(w.values[1], "x");
}

static void escapes_are_decoded_in_names_and_values(void **state)
{
    (void)state;
    assert_int_equal(parse("c%6Fde=a%26b%3d%e4%B8%ad+c"), IDP_OK);
    assert_string_equal(w.values[0], "a&b=\xe4\xb8\xad c");
}

static void unknown_names_are_skipped(void **state)
{
    (void)state;
    assert_int_equal(parse("x=1&code=a&x=2&&codes=b&cod=c&=&=x&"), IDP_OK);
    assert_string_equal(w.values[0], "a");
}

static void empty_value_counts_as_absent(void **state)
{
    (void)state;
    assert_int_equal(parse("code=a&state="), IDP_OK);
    assert_null(w.values[1]);
    assert_int_equal(parse("code=a&state"), IDP_OK);
    assert_null(w.values[1]);
    assert_int_equal(parse("code="), IDP_BAD_REQUEST);
}

static void value_may_be_as_long_as_its_limit_after_decoding(void **state)
{
    (void)state;
    assert_int_equal(parse("code=a&state=%41%41%41%41"), IDP_OK);
    assert_int_equal(parse("code=a&state=AAAAA"), IDP_BAD_REQUEST);
}

static void json_parameter_is_not_taken_from_a_form(void **state)
{
    (void)state;
    assert_int_equal(parse("code=a&tree=b"), IDP_OK);
    assert_null(w.values[2]);
}

static void bad_forms_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "state=x",
        "code=a&code=b",
        "code=a&code=",
        "code=&code=a",
        "code=a&c%6fde=b",
        "code=%",
        "code=%4",
        "code=%zz",
        "code=%4g",
        "code=%00",
        "code=a%00b",
        "co%zde=a",
        "x%00=1&code=a",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(parse(bad[i]), IDP_BAD_REQUEST);
}

static void raw_nul_is_refused_not_cut_at(void **state)
{
    (void)state;
    assert_int_equal(parse_n("code=a\0b", 8), IDP_BAD_REQUEST);
    assert_int_equal(parse_n("code\0=a", 7), IDP_BAD_REQUEST);
}

static void largest_list_of_parameters_is_read_to_its_end(void **state)
{
    (void)state;
    struct param all[HTTP_PARAMS_MAX + 1] = {{.name = "first", .max = 1}};
    for (int i = 1; i < HTTP_PARAMS_MAX; i++)
        all[i] = (struct param){.name = "other", .max = 1};
    all[HTTP_PARAMS_MAX - 1].name = "last";
    memset(w.values, 0, sizeof(w.values));
    assert_int_equal(http_form_parse(w.arena, "last=x", 6, all, w.values), IDP_OK);
    assert_string_equal(w.values[HTTP_PARAMS_MAX - 1], "x");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(values_stand_by_the_position_of_their_names),
        TEST(escapes_are_decoded_in_names_and_values),
        TEST(unknown_names_are_skipped),
        TEST(empty_value_counts_as_absent),
        TEST(value_may_be_as_long_as_its_limit_after_decoding),
        TEST(json_parameter_is_not_taken_from_a_form),
        TEST(bad_forms_are_refused),
        TEST(raw_nul_is_refused_not_cut_at),
        TEST(largest_list_of_parameters_is_read_to_its_end),
    };
    return cmocka_run_group_tests_name("http/form", tests, NULL, NULL);
}
