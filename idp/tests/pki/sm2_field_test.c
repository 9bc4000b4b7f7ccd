#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pki/sm2/sm2_field.h"
#include "tests/pki/sm2_oracle.h"

static const char p_hex[] = "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF";

/* Those whose words are at their ends, and those that lie beside p and 2^256 mod p. */
static const char *const edges[] = {
    "0",
    "1",
    "2",
    "3",
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFE", /* p - 1 */
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFD",
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123", /* n */
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54122",
    "7FFFFFFF7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF800000007FFFFFFFFFFFFFFF", /* (p - 1) / 2 */
    "7FFFFFFF7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF80000000800000000000000",
    "FFFFFFFFFFFFFFFF",
    "10000000000000000",
    "FFFFFFFF00000000FFFFFFFFFFFFFFFF",
    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
    "100000000000000000000000000000000",
    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
    "1000000000000000000000000000000000000000000000000",
    "100000000000000000000000000000000FFFFFFFF0000000000000001", /* 2^256 mod p */
    "FFFFFFFE00000000000000000000000000000000000000000000000000000000",
};
enum { EDGES = sizeof(edges) / sizeof(*edges), RANDOM = 60, NUMBERS = EDGES + RANDOM };

static BIGNUM *p, *numbers[NUMBERS];
static BN_CTX *ctx;

static int make_numbers(void **state)
{
    (void)state;
    p = oracle_number(p_hex);
    ctx = BN_CTX_new();
    for (size_t i = 0; i < NUMBERS; i++) {
        numbers[i] = i < EDGES ? oracle_number(edges[i]) : BN_new();
        if (i >= EDGES)
            oracle_need(BN_rand_range(numbers[i], p) == 1);
    }
    return 0;
}

static int free_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUMBERS; i++)
        BN_free(numbers[i]);
    BN_free(p);
    BN_CTX_free(ctx);
    return 0;
}

static struct sm2_words words_of(const BIGNUM *number)
{
    unsigned char bytes[SM2_BYTES];
    assert_int_equal(BN_bn2binpad(number, bytes, SM2_BYTES), SM2_BYTES);
    return sm2_words_read(bytes);
}

static struct sm2_element element_of(const BIGNUM *number)
{
    struct sm2_element element;
    const struct sm2_words words = words_of(number);
    assert_true(sm2_field_read(&words, &element));
    return element;
}

/* The element is this number, and kept below p, as equality and the next operation need it. */
static void assert_is(const struct sm2_element *element, const BIGNUM *expected)
{
    const struct sm2_words got = sm2_field_number(element);
    const struct sm2_words wanted = words_of(expected);
    assert_true(sm2_words_less(&element->kept, &sm2_p));
    assert_memory_equal(got.words, wanted.words, sizeof(got.words));
}

static void number_is_read_and_written_unchanged(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUMBERS; i++) {
        const struct sm2_element a = element_of(numbers[i]);
        assert_is(&a, numbers[i]);
    }
}

static void p_and_what_is_above_it_is_no_number(void **state)
{
    (void)state;
    struct sm2_element out;
    struct sm2_words above = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    assert_false(sm2_field_read(&sm2_p, &out));
    assert_false(sm2_field_read(&above, &out));
    above = sm2_p;
    above.words[0] = 0;
    above.words[1]++;
    assert_false(sm2_field_read(&above, &out)); /* p + 1 */
}

static void sums_differences_and_products_are_those_of_openssl(void **state)
{
    (void)state;
    BIGNUM *expected = BN_new();
    for (size_t i = 0; i < NUMBERS; i++)
        for (size_t j = 0; j < NUMBERS; j++) {
            const struct sm2_element a = element_of(numbers[i]);
            const struct sm2_element b = element_of(numbers[j]);
            const struct sm2_element sum = sm2_field_add(&a, &b);
            const struct sm2_element difference = sm2_field_subtract(&a, &b);
            const struct sm2_element product = sm2_field_multiply(&a, &b);
            assert_int_equal(BN_mod_add(expected, numbers[i], numbers[j], p, ctx), 1);
            assert_is(&sum, expected);
            assert_int_equal(BN_mod_sub(expected, numbers[i], numbers[j], p, ctx), 1);
            assert_is(&difference, expected);
            assert_int_equal(BN_mod_mul(expected, numbers[i], numbers[j], p, ctx), 1);
            assert_is(&product, expected);
        }
    BN_free(expected);
}

/* The kept form is what the arithmetic sees: its edges are others than those of the numbers. */
static void kept_numbers_at_their_edges_are_multiplied_right(void **state)
{
    (void)state;
    BIGNUM *expected = BN_new();
    BIGNUM *r = BN_new();
    assert_int_equal(BN_set_bit(r, 256), 1);
    assert_non_null(BN_mod_inverse(r, r, p, ctx));
    for (size_t i = 0; i < NUMBERS; i++)
        for (size_t j = 0; j < NUMBERS; j++) {
            const struct sm2_element a = {words_of(numbers[i])};
            const struct sm2_element b = {words_of(numbers[j])};
            const struct sm2_element product = sm2_field_multiply(&a, &b);
            assert_int_equal(BN_mod_mul(expected, numbers[i], numbers[j], p, ctx), 1);
            assert_int_equal(BN_mod_mul(expected, expected, r, p, ctx), 1);
            const struct sm2_words right = words_of(expected);
            assert_memory_equal(product.kept.words, right.words, sizeof(right.words));
        }
    BN_free(r);
    BN_free(expected);
}

static void inverse_is_that_of_openssl_and_zero_has_none(void **state)
{
    (void)state;
    BIGNUM *expected = BN_new();
    for (size_t i = 0; i < NUMBERS; i++) {
        const struct sm2_element a = element_of(numbers[i]);
        const struct sm2_element inverse = sm2_field_invert(&a);
        if (BN_is_zero(numbers[i]))
            BN_zero(expected);
        else
            assert_non_null(BN_mod_inverse(expected, numbers[i], p, ctx));
        assert_is(&inverse, expected);
    }
    BN_free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(number_is_read_and_written_unchanged),
        cmocka_unit_test(p_and_what_is_above_it_is_no_number),
        cmocka_unit_test(sums_differences_and_products_are_those_of_openssl),
        cmocka_unit_test(kept_numbers_at_their_edges_are_multiplied_right),
        cmocka_unit_test(inverse_is_that_of_openssl_and_zero_has_none),
    };
    return cmocka_run_group_tests_name("pki/sm2_field", tests, make_numbers, free_numbers);
}
