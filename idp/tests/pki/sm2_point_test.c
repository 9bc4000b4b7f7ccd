#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pki/sm2/sm2_point.h"
#include "tests/pki/sm2_oracle.h"

static EC_GROUP *group;
static BN_CTX *ctx;

static int begin(void **state)
{
    (void)state;
    group = oracle_group();
    ctx = BN_CTX_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    EC_GROUP_free(group);
    BN_CTX_free(ctx);
    return 0;
}

static struct sm2_words words_of(const BIGNUM *number)
{
    unsigned char bytes[SM2_BYTES];
    assert_int_equal(BN_bn2binpad(number, bytes, SM2_BYTES), SM2_BYTES);
    return sm2_words_read(bytes);
}

static struct sm2_affine affine_of(const EC_POINT *point)
{
    struct sm2_affine out;
    BIGNUM *x = BN_new();
    BIGNUM *y = BN_new();
    assert_int_equal(EC_POINT_get_affine_coordinates(group, point, x, y, ctx), 1);
    const struct sm2_words x_words = words_of(x);
    const struct sm2_words y_words = words_of(y);
    assert_true(sm2_field_read(&x_words, &out.x));
    assert_true(sm2_field_read(&y_words, &out.y));
    BN_free(x);
    BN_free(y);
    return out;
}

/* The same point with another z, as it comes out of a calculation; or infinity. */
static struct sm2_point point_of(const EC_POINT *point, uint64_t z_number)
{
    const struct sm2_words words = {{z_number, 0, 0, 0}};
    struct sm2_point out = {.x = sm2_one, .y = sm2_one, .z = {{{0}}}};
    if (EC_POINT_is_at_infinity(group, point))
        return out;
    const struct sm2_affine affine = affine_of(point);
    assert_true(sm2_field_read(&words, &out.z));
    const struct sm2_element z2 = sm2_field_square(&out.z);
    const struct sm2_element z3 = sm2_field_multiply(&z2, &out.z);
    out.x = sm2_field_multiply(&affine.x, &z2);
    out.y = sm2_field_multiply(&affine.y, &z3);
    return out;
}

static void assert_is(const struct sm2_point *point, const EC_POINT *expected)
{
    assert_int_equal(sm2_point_is_infinity(point), EC_POINT_is_at_infinity(group, expected));
    if (sm2_point_is_infinity(point))
        return;
    const struct sm2_affine affine = affine_of(expected);
    const struct sm2_element z2 = sm2_field_square(&point->z);
    const struct sm2_element z3 = sm2_field_multiply(&z2, &point->z);
    const struct sm2_element x = sm2_field_multiply(&affine.x, &z2);
    const struct sm2_element y = sm2_field_multiply(&affine.y, &z3);
    const struct sm2_words number = sm2_field_number(&affine.x);
    assert_true(sm2_field_equal(&point->x, &x));
    assert_true(sm2_field_equal(&point->y, &y));
    assert_true(sm2_point_has_x(point, &number));
}

/* Multiples of G whose sums meet every special case: equal, opposite, infinity. n - k is -k. */
static const char *const multiples[] = {
    "0",
    "1",
    "2",
    "3",
    "5",
    "10000000000000",
    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54122", /* n - 1 */
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54121",
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54120",
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D5411E",
    "7FFFFFFF7FFFFFFFFFFFFFFFFFFFFFFFB901EFB590E30295A9DDFA049CEAA091", /* (n - 1) / 2 */
};
enum { MULTIPLES = sizeof(multiples) / sizeof(*multiples), RANDOM = 8, ALL = MULTIPLES + RANDOM };

static void find_multiples(BIGNUM *scalars[ALL], EC_POINT *points[ALL])
{
    for (size_t i = 0; i < ALL; i++) {
        scalars[i] = i < MULTIPLES ? oracle_number(multiples[i]) : BN_new();
        if (i >= MULTIPLES)
            assert_int_equal(BN_rand_range(scalars[i], EC_GROUP_get0_order(group)), 1);
        points[i] = oracle_sum(group, scalars[i], NULL, NULL);
    }
}

static void free_multiples(BIGNUM *scalars[ALL], EC_POINT *points[ALL])
{
    for (size_t i = 0; i < ALL; i++) {
        BN_free(scalars[i]);
        EC_POINT_free(points[i]);
    }
}

static void doubles_are_those_of_openssl(void **state)
{
    (void)state;
    BIGNUM *scalars[ALL];
    EC_POINT *points[ALL];
    EC_POINT *expected = EC_POINT_new(group);
    find_multiples(scalars, points);
    for (size_t i = 0; i < ALL; i++)
        for (uint64_t z = 1; z < 4; z++) {
            const struct sm2_point a = point_of(points[i], z);
            const struct sm2_point got = sm2_point_double(&a);
            assert_int_equal(EC_POINT_dbl(group, expected, points[i], ctx), 1);
            assert_is(&got, expected);
        }
    EC_POINT_free(expected);
    free_multiples(scalars, points);
}

static void sums_are_those_of_openssl_for_equal_and_opposite_points_too(void **state)
{
    (void)state;
    BIGNUM *scalars[ALL];
    EC_POINT *points[ALL];
    EC_POINT *expected = EC_POINT_new(group);
    find_multiples(scalars, points);
    for (size_t i = 0; i < ALL; i++)
        for (size_t j = 1; j < ALL; j++) {
            const struct sm2_point a = point_of(points[i], i + 1);
            const struct sm2_affine b = affine_of(points[j]);
            const struct sm2_point got = sm2_point_add(&a, &b);
            assert_int_equal(EC_POINT_add(group, expected, points[i], points[j], ctx), 1);
            assert_is(&got, expected);
        }
    EC_POINT_free(expected);
    free_multiples(scalars, points);
}

static void point_beside_the_curve_is_told(void **state)
{
    (void)state;
    struct sm2_affine point = sm2_g;
    assert_true(sm2_point_is_on_curve(&point));
    point.x = sm2_field_add(&point.x, &sm2_one);
    assert_false(sm2_point_is_on_curve(&point));
    point = sm2_g;
    point.y.kept.words[0] ^= 1;
    assert_false(sm2_point_is_on_curve(&point));
    point = (struct sm2_affine){.x = {{{0}}}};
    assert_false(sm2_point_is_on_curve(&point)); /* how some write infinity */
}

/* Each entry of the table is the multiple that it stands for. */
static void comb_holds_the_multiples_that_its_bits_mean(void **state)
{
    (void)state;
    struct sm2_affine points[SM2_POINTS_MAX];
    for (unsigned teeth = 1; teeth <= SM2_TEETH_MAX; teeth++) {
        struct sm2_comb comb = {.teeth = teeth, .points = points};
        sm2_comb_fill(&comb, &sm2_g);
        assert_in_range(comb.teeth * comb.columns, SM2_BITS, SM2_BITS + teeth);
        for (unsigned k = 1; k<1U << teeth; k += teeth> 6 ? 5 : 1) {
            BIGNUM *multiple = BN_new();
            for (unsigned j = 0; j < teeth; j++)
                if ((k >> j & 1) != 0)
                    assert_int_equal(BN_set_bit(multiple, (int)(j * comb.columns)), 1);
            EC_POINT *expected = oracle_sum(group, multiple, NULL, NULL);
            const struct sm2_affine wanted = affine_of(expected);
            assert_memory_equal(&comb.points[k - 1], &wanted, sizeof(wanted));
            EC_POINT_free(expected);
            BN_free(multiple);
        }
    }
}

/* The second point is a small multiple of the first, so that sums on the way meet each other. */
static void sums_of_multiples_are_those_of_openssl(void **state)
{
    (void)state;
    BIGNUM *scalars[ALL];
    EC_POINT *points[ALL];
    struct sm2_affine g_points[SM2_POINTS_MAX];
    struct sm2_affine key_points[SM2_POINTS_MAX];
    struct sm2_comb g = {.teeth = 8, .points = g_points};
    find_multiples(scalars, points);
    sm2_comb_fill(&g, &sm2_g);
    for (size_t k = 1; k < ALL; k++) {
        const struct sm2_affine point = affine_of(points[k]);
        struct sm2_comb comb = {.teeth = k % 2 == 0 ? 5 : 8, .points = key_points};
        sm2_comb_fill(&comb, &point);
        for (size_t i = 0; i < ALL; i++)
            for (size_t j = 0; j < ALL; j++) {
                const struct sm2_words u = words_of(scalars[i]);
                const struct sm2_words v = words_of(scalars[j]);
                const struct sm2_point got = sm2_comb_sum(&g, &u, &comb, &v);
                EC_POINT *expected = oracle_sum(group, scalars[i], points[k], scalars[j]);
                assert_is(&got, expected);
                EC_POINT_free(expected);
            }
    }
    free_multiples(scalars, points);
}

static void infinity_has_no_x(void **state)
{
    (void)state;
    static const struct sm2_words zero = {{0}};
    static const struct sm2_words one = {{1, 0, 0, 0}};
    const struct sm2_point infinity = {.x = sm2_one, .y = sm2_one, .z = {{{0}}}};
    const struct sm2_point bare = {.x = {{{0}}}};
    assert_true(sm2_point_is_infinity(&infinity));
    assert_false(sm2_point_has_x(&infinity, &one));
    assert_false(sm2_point_has_x(&bare, &zero));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_are_those_of_openssl),
        cmocka_unit_test(sums_are_those_of_openssl_for_equal_and_opposite_points_too),
        cmocka_unit_test(point_beside_the_curve_is_told),
        cmocka_unit_test(comb_holds_the_multiples_that_its_bits_mean),
        cmocka_unit_test(sums_of_multiples_are_those_of_openssl),
        cmocka_unit_test(infinity_has_no_x),
    };
    return cmocka_run_group_tests_name("pki/sm2_point", tests, begin, end);
}
