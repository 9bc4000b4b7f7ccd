#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/der.h"

/* The bytes go in a block of exactly their size. */
static bool is_whole(const char *hex)
{
    size_t n = strlen(hex) / 2;
    unsigned char *bytes = malloc(n + (n == 0));
    for (size_t i = 0; i < n; i++) {
        const char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    bool whole = der_is_whole(bytes, n);
    free(bytes);
    return whole;
}

static void der_is_recognised(void **state)
{
    (void)state;
    static const char *const good[] = {"0500", "30030201ff", "3000", "300a30030201053003020107",
                                       "0400", "a003020105"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(is_whole(good[i]));
}

static void what_is_not_der_is_not(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",                 /* nothing */
        "30",               /* no length */
        "3001",             /* cut */
        "30030201",         /* cut inside */
        "050000",           /* something behind it */
        "30800201050000",   /* indefinite length */
        "308103020105",     /* a length that could be shorter */
        "30820003020105",   /* a length that begins with zero */
        "3085000000000302", /* a length of five bytes */
        "30030202ff",       /* the part is longer than the whole */
        "1f0100",           /* a tag of more than one byte */
        "0000",             /* end of contents */
        "300400000500",
        "230403020001", /* a bit string in parts */
        "240304010a",   /* an octet string, … */
        "2c030c0141",   /* … and text in parts */
        "1000",         /* a sequence that is not constructed */
        "1100",         /* nor a set */
        "30ff",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(is_whole(bad[i]));
}

static void depth_is_bounded(void **state)
{
    (void)state;
    for (size_t depth = 14; depth <= 40; depth++) {
        unsigned char bytes[80];
        for (size_t i = 0; i < depth; i++) {
            bytes[2 * i] = 0x30;
            bytes[2 * i + 1] = (unsigned char)(2 * (depth - i - 1));
        }
        assert_int_equal(der_is_whole(bytes, 2 * depth), depth <= 15);
    }
}

static void count_is_bounded(void **state)
{
    (void)state;
    enum { MANY = 1100, LEN = 4 + 2 * MANY };
    unsigned char *bytes = calloc(1, LEN);
    bytes[0] = 0x30;
    bytes[1] = 0x82;
    bytes[2] = (unsigned char)(2 * MANY >> 8);
    bytes[3] = (unsigned char)(2 * MANY & 0xff);
    for (size_t i = 0; i < MANY; i++)
        bytes[4 + 2 * i] = 0x05;
    assert_false(der_is_whole(bytes, LEN));
    free(bytes);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(der_is_recognised),
        cmocka_unit_test(what_is_not_der_is_not),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(count_is_bounded),
    };
    return cmocka_run_group_tests_name("pki/der", tests, NULL, NULL);
}
