#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "notify/address.h"

/* In an exact-size block, so that ASan sees one byte too many. */
static bool is_address(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    bool is = notify_is_address(copy);
    free(copy);
    return is;
}

static void usual_addresses_are_addresses(void **state)
{
    (void)state;
    static const char *const good[] = {
        "office@company.example", "a@b.c",        "first.last+tag@mail.company.example",
        "o'neill@x-y.example",    "1@2.3",        "-_-@a1.example",
        "#!$%&*/=?^`{|}~@x.cn",   "A@EXAMPLE.CN",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (!is_address(good[i]))
            fail_msg("%s", good[i]);
}

static void nothing_that_could_end_an_address_or_a_line_is_in_one(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "a@b.c\r\nBcc: x@y.z",
        "a@b.c\n",
        "a\r@b.c",
        "a@b.c\t",
        "a@b.c>",
        "<a@b.c>",
        "a@b.c,d@e.f",
        "a@b.c;d@e.f",
        "a@b.c d@e.f",
        " a@b.c",
        "a b@b.c",
        "\"a b\"@b.c",
        "a(comment)@b.c",
        "a\\@b.c",
        "a:b@b.c",
        "a[1]@b.c",
        "a@[127.0.0.1]",
        "\xe5\xbc\xa0@b.c",
        "a@\xe5\xbc\xa0.cn",
        "a@b.c\x7f",
        "a@b.c SIZE=1",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (is_address(bad[i]))
            fail_msg("%s", bad[i]);
}

static void pieces_of_addresses_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       "@",        "a",       "a@",     "@b.c",
                                      "a@b",    "a@b.",     "a@.b",    "a@b..c", ".a@b.c",
                                      "a.@b.c", "a..b@c.d", "a@b@c.d", "a@.",    "."};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (is_address(bad[i]))
            fail_msg("%s", bad[i]);
}

/* A local part of n letters, a first label of m, and ".example". */
static bool of_lengths(int n, int m)
{
    char text[512];
    memset(text, 'a', sizeof(text));
    text[n] = '@';
    memcpy(text + n + 1 + m, ".example", 9);
    return is_address(text);
}

static void lengths_have_limits(void **state)
{
    (void)state;
    assert_true(of_lengths(64, 63));
    assert_false(of_lengths(65, 63));
    assert_false(of_lengths(64, 64));
    char text[300] = "a@";
    while (strlen(text) < 254 - 8)
        strcat(text, "aaaaaaa.");
    strcat(text, "aaaaaaaaaaaa");
    text[254] = '\0';
    assert_true(is_address(text));
    text[254] = 'a';
    text[255] = '\0';
    assert_false(is_address(text));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_addresses_are_addresses),
        cmocka_unit_test(nothing_that_could_end_an_address_or_a_line_is_in_one),
        cmocka_unit_test(pieces_of_addresses_are_none),
        cmocka_unit_test(lengths_have_limits),
    };
    return cmocka_run_group_tests_name("notify/address", tests, NULL, NULL);
}
