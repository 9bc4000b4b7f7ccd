#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

struct bytes {
    const char *s;
    size_t len;
};

#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

/* In an exact-size block, so that ASan sees a byte too many read. */
static bool is_clean(struct bytes bytes)
{
    char *exact = malloc(bytes.len + (bytes.len == 0));
    assert_non_null(exact);
    memcpy(exact, bytes.s, bytes.len);
    bool clean = text_is_clean_utf8(exact, bytes.len);
    free(exact);
    return clean;
}

static void well_formed_utf8_is_clean(void **state)
{
    (void)state;
    static const struct bytes good[] = {
        BYTES(""),
        BYTES("plain ~"),
        BYTES("\xc2\xa0"),         /* U+00A0 */
        BYTES("\xdf\xbf"),         /* U+07FF */
        BYTES("\xe0\xa0\x80"),     /* U+0800 */
        BYTES("\xe4\xb8\xad"),     /* U+4E2D */
        BYTES("\xed\x9f\xbf"),     /* U+D7FF */
        BYTES("\xee\x80\x80"),     /* U+E000 */
        BYTES("\xef\xbf\xbf"),     /* U+FFFF */
        BYTES("\xf0\x90\x80\x80"), /* U+10000 */
        BYTES("\xf4\x8f\xbf\xbf"), /* U+10FFFF */
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(is_clean(good[i]));
}

static void ill_formed_utf8_is_not_clean(void **state)
{
    (void)state;
    static const struct bytes bad[] = {
        BYTES("\x80"),             /* a follower alone */
        BYTES("\xc0\x80"),         /* overlong NUL */
        BYTES("\xc1\xbf"),         /* overlong */
        BYTES("\xe0\x9f\xbf"),     /* overlong */
        BYTES("\xf0\x8f\xbf\xbf"), /* overlong */
        BYTES("\xed\xa0\x80"),     /* U+D800, a surrogate */
        BYTES("\xed\xbf\xbf"),     /* U+DFFF */
        BYTES("\xf4\x90\x80\x80"), /* U+110000 */
        BYTES("\xf5\x80\x80\x80"),
        BYTES("\xfe"),
        BYTES("\xff"),
        BYTES("\xe4"),
        BYTES("\xe4\xb8"),
        BYTES("\xf0\x90\x80"), /* cut off */
        BYTES("\xe4\xb8x"),
        BYTES("\xc3\xc3"),
        BYTES("a\xc3"),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(is_clean(bad[i]));
}

static void control_characters_are_not_clean(void **state)
{
    (void)state;
    static const struct bytes bad[] = {BYTES("a\0b"),     BYTES("\x01"),    BYTES("\n"),
                                       BYTES("\t"),       BYTES("\x1f"),    BYTES("\x7f"),
                                       BYTES("\xc2\x80"), BYTES("\xc2\x9f")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(is_clean(bad[i]));
}

static void list_has_whole_words_only(void **state)
{
    (void)state;
    assert_true(text_list_has("openid enterprise", "openid"));
    assert_true(text_list_has("  openid   enterprise ", "enterprise"));
    assert_false(text_list_has("openid2 xopenid", "openid"));
    assert_false(text_list_has("", "openid"));
    assert_false(text_list_has(NULL, "openid"));
    assert_false(text_list_has("a b", ""));
}

static void list_is_walked_word_by_word(void **state)
{
    (void)state;
    const char *at = " a  bcd ";
    size_t len = 0;
    const char *word = text_list_next(&at, &len);
    assert_int_equal(len, 1);
    assert_memory_equal(word, "a", 1);
    word = text_list_next(&at, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(word, "bcd", 3);
    assert_null(text_list_next(&at, &len));
    assert_null(text_list_next(&at, &len));
}

static void number_is_digits_and_nothing_else(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      " 1",
                                      "1 ",
                                      "+1",
                                      "-1",
                                      "0x1",
                                      "1.0",
                                      "1e1",
                                      "a",
                                      "11",
                                      "9999999999999999999",
                                      "18446744073709551617"};
    int64_t n = 77;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(text_to_number(bad[i], 0, 10, &n));
    assert_int_equal(n, 77);
    assert_true(text_to_number("0010", 0, 10, &n));
    assert_int_equal(n, 10);
    assert_false(text_to_number("4", 5, 10, &n));
    assert_true(text_to_number("999999999999999999", 0, INT64_MAX, &n));
    assert_true(n == 999999999999999999);
}

static void hex_goes_both_ways(void **state)
{
    (void)state;
    const unsigned char bytes[3] = {0x00, 0xab, 0xff};
    unsigned char back[3];
    char text[7];
    text_to_hex(bytes, 3, text);
    assert_string_equal(text, "00abff");
    assert_true(text_from_hex("00ABfF", back, 3));
    assert_memory_equal(back, bytes, 3);
    assert_false(text_from_hex("00abf", back, 3));
    assert_false(text_from_hex("00abff0", back, 3));
    assert_false(text_from_hex("00abfg", back, 3));
    assert_false(text_from_hex("", back, 3));
}

static void secrets_are_compared_whole(void **state)
{
    (void)state;
    assert_true(text_same_secret_string("abc", "abc"));
    assert_false(text_same_secret_string("abc", "abd"));
    assert_false(text_same_secret_string("abc", "ab"));
    assert_false(text_same_secret_string("", "a"));
    assert_true(text_same_secret_string("", ""));
    assert_true(text_same_secret("a\0b", "a\0b", 3));
    assert_false(text_same_secret("a\0b", "a\0c", 3));
}

static void beginning_is_told(void **state)
{
    (void)state;
    assert_true(text_starts("login.x", "login."));
    assert_true(text_starts("x", ""));
    assert_false(text_starts("login", "login."));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_utf8_is_clean),
        cmocka_unit_test(ill_formed_utf8_is_not_clean),
        cmocka_unit_test(control_characters_are_not_clean),
        cmocka_unit_test(list_has_whole_words_only),
        cmocka_unit_test(list_is_walked_word_by_word),
        cmocka_unit_test(number_is_digits_and_nothing_else),
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(secrets_are_compared_whole),
        cmocka_unit_test(beginning_is_told),
    };
    return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
