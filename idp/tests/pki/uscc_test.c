#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/lock/uscc.h"

static const char *const good[] = {
    "91350100M000100Y43", "914403001922038216", "91330100799655058B", "9144030071526726XG",
    "91110000802100433B", "91110000600037341L", "12100000400010275N", "91150100MA0TEAT1XD",
    "91150200MA0TEAT28J", "91150400MA0NMCA39G", "91150700MA0HE5X963", "91152200MA0AAAA44X",
    "121500000000000191",
};
enum { GOOD = sizeof(good) / sizeof(*good) };

static void known_codes_are_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOOD; i++)
        assert_true(uscc_is_valid(good[i]));
}

static void malformed_codes_are_not(void **state)
{
    (void)state;
    static const char full_width_nine[] = {'\xef', '\xbc', '\x99', '1', '1', '5', '0',
                                           '1',    '0',    '0',    'M', 'A', '0', 'T',
                                           'E',    'A',    'T',    '1', '\0'};
    static const char *const bad[] = {"",
                                      "911500007014541041",
                                      "91150000114124263L",
                                      "91150100MA0TEAT1X",
                                      "91150100MA0TEAT1XDD",
                                      "91150100ma0teat1xd",
                                      "91150100MA0TEAT1X ",
                                      "9115O100MA0TEAT1XD",
                                      full_width_nine};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(uscc_is_valid(bad[i]));
}

static void every_wrong_character_is_noticed(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    for (size_t i = 0; i < GOOD; i++)
        for (size_t at = 0; at < USCC_LEN; at++)
            for (size_t c = 0; alphabet[c] != '\0'; c++) {
                char code[USCC_LEN + 1];
                memcpy(code, good[i], sizeof(code));
                code[at] = alphabet[c];
                assert_int_equal(uscc_is_valid(code), alphabet[c] == good[i][at]);
            }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_codes_are_valid),
        cmocka_unit_test(malformed_codes_are_not),
        cmocka_unit_test(every_wrong_character_is_noticed),
    };
    return cmocka_run_group_tests_name("pki/uscc", tests, NULL, NULL);
}
