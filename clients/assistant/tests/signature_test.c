#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "assistant/signature.h"
#include "base/text.h"

static const char small[] = "0000000000000000000000000000000000000000000000000000000000000001";
static const char high[] = "8000000000000000000000000000000000000000000000000000000000000002";
static const char short_r[] = "007f000000000000000000000000000000000000000000000000000000000003";
static const char zero[] = "0000000000000000000000000000000000000000000000000000000000000000";

static bool from_halves(const char *r_hex, const char *s_hex, struct signature *out)
{
    unsigned char r[SIGNATURE_HALF];
    unsigned char s[SIGNATURE_HALF];
    assert_true(text_from_hex(r_hex, r, sizeof(r)));
    assert_true(text_from_hex(s_hex, s, sizeof(s)));
    return signature_from_halves(r, s, out);
}

static void expect(const char *r, const char *s, const char *der)
{
    struct signature out;
    char hex[2 * 80 + 1];
    assert_true(from_halves(r, s, &out));
    assert_in_range(out.len, 8, 72);
    text_to_hex(out.bytes, out.len, hex);
    assert_string_equal(hex, der);
}

static void numbers_take_their_shortest_form(void **state)
{
    (void)state;
    expect(small, small, "3006020101020101");
    expect(short_r, small,
           "3024021f7f000000000000000000000000000000000000000000000000000000000003020101");
}

static void high_numbers_stay_positive(void **state)
{
    (void)state;
    expect(high, small,
           "3026022100800000000000000000000000000000000000000000000000000000000000000202"
           "0101");
    expect(small, high,
           "3026020101022100800000000000000000000000000000000000000000000000000000000000"
           "0002");
}

static void zero_is_no_signature(void **state)
{
    (void)state;
    struct signature out;
    assert_false(from_halves(zero, small, &out));
    assert_false(from_halves(small, zero, &out));
}

static void blob_holds_its_values_at_the_right(void **state)
{
    (void)state;
    struct signature out;
    unsigned char blob[128] = {0};
    blob[63] = 1;
    blob[127] = 2;
    assert_true(signature_from_blob(blob, &out));
    assert_int_equal(out.len, 8);
    assert_memory_equal(out.bytes, "\x30\x06\x02\x01\x01\x02\x01\x02", 8);
}

static void blob_with_a_longer_value_is_refused(void **state)
{
    (void)state;
    struct signature out;
    for (size_t i = 0; i < 2; i++) {
        unsigned char blob[128] = {0};
        blob[63] = 1;
        blob[127] = 2;
        blob[i * 64 + 31] = 1;
        assert_false(signature_from_blob(blob, &out));
    }
}

static void digest_info_names_sha256(void **state)
{
    (void)state;
    unsigned char digest[32] = {0xAB};
    unsigned char info[DIGEST_INFO_SIZE];
    char hex[2 * DIGEST_INFO_SIZE + 1];
    signature_digest_info(digest, info);
    text_to_hex(info, sizeof(info), hex);
    assert_true(text_starts(hex, "3031300d060960864801650304020105000420ab"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_take_their_shortest_form),
        cmocka_unit_test(high_numbers_stay_positive),
        cmocka_unit_test(zero_is_no_signature),
        cmocka_unit_test(blob_holds_its_values_at_the_right),
        cmocka_unit_test(blob_with_a_longer_value_is_refused),
        cmocka_unit_test(digest_info_names_sha256),
    };
    return cmocka_run_group_tests_name("assistant/signature", tests, NULL, NULL);
}
