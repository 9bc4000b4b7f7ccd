#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/rand.h>

#include "pki/sm2/sm2.h"
#include "tests/pki/sm2_oracle.h"
#include "tests/pki_region.h"

/* How many random signatures are compared; make sm2-long asks for more. */
enum { ROUNDS = 150 };

static const char n_hex[] = "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123";

/* --- a key, as both sides have it ----------------------------------------------------------- */

struct both {
    EVP_PKEY *openssl;
    struct sm2_key *own;
};

static struct both both_of(const unsigned char point[65])
{
    return (struct both){.openssl = oracle_key(point), .own = sm2_key_new(point + 1, point + 33)};
}

static void free_both(const struct both *both)
{
    EVP_PKEY_free(both->openssl);
    sm2_key_free(both->own);
}

static void point_bytes(const EC_GROUP *group, const EC_POINT *point, unsigned char out[65])
{
    assert_int_equal(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out, 65, NULL),
                     65);
}

/* k * G as a key. */
static struct both multiple_of_g(const EC_GROUP *group, const BIGNUM *k)
{
    unsigned char bytes[65];
    EC_POINT *point = oracle_sum(group, k, NULL, NULL);
    point_bytes(group, point, bytes);
    EC_POINT_free(point);
    const struct both both = both_of(bytes);
    assert_non_null(both.openssl);
    assert_non_null(both.own);
    return both;
}

/* What both say, which has to be the same. */
static bool verdict(const struct both *both, const void *text, size_t n,
                    const unsigned char *signature, size_t len)
{
    unsigned char *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, signature, len);
    bool own = sm2_key_has_signed(both->own, text, n, exact, len);
    assert_int_equal(own, oracle_accepts(both->openssl, text, n, exact, len));
    free(exact);
    return own;
}

static bool digest_verdict(const struct both *both, const unsigned char e[32],
                           const unsigned char *signature, size_t len)
{
    bool own = sm2_key_has_signed_digest(both->own, e, signature, len);
    assert_int_equal(own, oracle_accepts_digest(both->openssl, e, signature, len));
    return own;
}

/* --- the standard's own example ------------------------------------------------------------- */

/* GB/T 32918.5-2017 appendix A.2: "message digest". */
static const unsigned char example_point[65] = {
    0x04, 0x09, 0xF9, 0xDF, 0x31, 0x1E, 0x54, 0x21, 0xA1, 0x50, 0xDD, 0x7D, 0x16,
    0x1E, 0x4B, 0xC5, 0xC6, 0x72, 0x17, 0x9F, 0xAD, 0x18, 0x33, 0xFC, 0x07, 0x6B,
    0xB0, 0x8F, 0xF3, 0x56, 0xF3, 0x50, 0x20, 0xCC, 0xEA, 0x49, 0x0C, 0xE2, 0x67,
    0x75, 0xA5, 0x2D, 0xC6, 0xEA, 0x71, 0x8C, 0xC1, 0xAA, 0x60, 0x0A, 0xED, 0x05,
    0xFB, 0xF3, 0x5E, 0x08, 0x4A, 0x66, 0x32, 0xF6, 0x07, 0x2D, 0xA9, 0xAD, 0x13};
static const char example_r[] = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3";
static const char example_s[] = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA";
static const char example_e[] = "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640";

static size_t sign_by(const char *r_hex, const char *s_hex, unsigned char *out)
{
    BIGNUM *r = oracle_number(r_hex);
    BIGNUM *s = oracle_number(s_hex);
    size_t len = oracle_signature(r, s, out);
    BN_free(r);
    BN_free(s);
    return len;
}

static void example_of_the_standard_is_good(void **state)
{
    (void)state;
    unsigned char signature[ORACLE_SIGNATURE_MAX];
    unsigned char e[32];
    const struct both both = both_of(example_point);
    BIGNUM *digest = oracle_number(example_e);
    size_t len = sign_by(example_r, example_s, signature);
    assert_int_equal(BN_bn2binpad(digest, e, 32), 32);
    assert_true(verdict(&both, "message digest", 14, signature, len));
    assert_true(digest_verdict(&both, e, signature, len));
    assert_false(verdict(&both, "message digesu", 14, signature, len));
    assert_false(verdict(&both, "message diges", 13, signature, len));
    BN_free(digest);
    free_both(&both);
}

static void own_arithmetic_passes_its_self_test(void **state)
{
    (void)state;
    assert_true(sm2_is_used());
}

/* --- edges ---------------------------------------------------------------------------------- */

static void numbers_outside_one_to_n_minus_one_are_refused(void **state)
{
    (void)state;
    static const char above[] = "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54124";
    static const char last[] = "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54122";
    static const char huge[] =
        "1000000000000000000000000000000000000000000000000000000000000000000";
    static const char r_plus_n[] =
        "1F5A03B0548D2C4630EEAC513E1BB81A0CB48B9A3499BBC6C976872B628BC61D6";
    static const char *const numbers[] = {"0",  "1",      last,      n_hex,    above,
                                          huge, r_plus_n, example_r, example_s};
    enum { NUMBERS = sizeof(numbers) / sizeof(*numbers) };
    unsigned char signature[ORACLE_SIGNATURE_MAX];
    const struct both both = both_of(example_point);
    int good = 0;
    for (size_t i = 0; i < NUMBERS; i++)
        for (size_t j = 0; j < NUMBERS; j++) {
            size_t len = sign_by(numbers[i], numbers[j], signature);
            good += verdict(&both, "message digest", 14, signature, len) ? 1 : 0;
        }
    assert_int_equal(good, 1);
    free_both(&both);
}

/* With t = 0 the key falls out of s * G + t * P: whoever holds none could sign. */
static void r_and_s_that_add_up_to_n_are_refused(void **state)
{
    (void)state;
    EC_GROUP *group = oracle_group();
    BIGNUM *s = oracle_number("5");
    BIGNUM *zero = BN_new();
    unsigned char e[32];
    unsigned char signature[ORACLE_SIGNATURE_MAX];
    const struct both both = both_of(example_point);
    EC_POINT *point = EC_POINT_new(group);
    assert_int_equal(EC_POINT_oct2point(group, point, example_point, 65, NULL), 1);
    size_t len = oracle_make_good(group, point, s, zero, e, signature);
    assert_true(len > 0);
    assert_false(digest_verdict(&both, e, signature, len));
    EC_POINT_free(point);
    BN_free(zero);
    BN_free(s);
    free_both(&both);
    EC_GROUP_free(group);
}

/* Keys that are small multiples of G, where sums on the way are equal, opposite or at infinity. */
static void sums_that_meet_themselves_are_judged_right(void **state)
{
    (void)state;
    static const char *const scalars[] = {
        "1",
        "2",
        "3",
        "4",
        "100000000",
        "10000000000000",
        "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54122",
        "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54121",
        "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54120",
    };
    enum { SCALARS = sizeof(scalars) / sizeof(*scalars) };
    EC_GROUP *group = oracle_group();
    int good = 0;
    int at_infinity = 0;
    for (size_t k = 0; k < SCALARS; k++) {
        BIGNUM *secret = oracle_number(scalars[k]);
        EC_POINT *point = oracle_sum(group, secret, NULL, NULL);
        const struct both both = multiple_of_g(group, secret);
        for (size_t i = 0; i < SCALARS; i++)
            for (size_t j = 0; j < SCALARS; j++) {
                unsigned char e[32] = {1};
                unsigned char signature[ORACLE_SIGNATURE_MAX];
                BIGNUM *s = oracle_number(scalars[i]);
                BIGNUM *t = oracle_number(scalars[j]);
                size_t len = oracle_make_good(group, point, s, t, e, signature);
                bool is_signature = len > 0 && BN_cmp(s, t) != 0; /* r = 0 is none */
                if (len == 0)
                    at_infinity++;
                else
                    assert_int_equal(digest_verdict(&both, e, signature, len), is_signature);
                good += is_signature ? 1 : 0;
                BN_free(s);
                BN_free(t);
            }
        free_both(&both);
        EC_POINT_free(point);
        BN_free(secret);
    }
    assert_in_range(good, 500, SCALARS * SCALARS * SCALARS);
    assert_in_range(at_infinity, 1, SCALARS * SCALARS);
    EC_GROUP_free(group);
}

/* s * G + t * P at infinity has no x: whatever e is, and x = 0 least of all. */
static void sum_at_infinity_is_refused(void **state)
{
    (void)state;
    EC_GROUP *group = oracle_group();
    BIGNUM *one = oracle_number("1");
    const struct both both = multiple_of_g(group, one);
    unsigned char signature[ORACLE_SIGNATURE_MAX];
    BIGNUM *n = oracle_number(n_hex);
    BIGNUM *s = oracle_number("7");
    BIGNUM *r = BN_new();
    unsigned char e[32];
    /* P = G: s + t = n, t = n - 7, r = t - s = n - 14; e = r is right for x = 0 */
    assert_int_equal(BN_copy(r, n) != NULL && BN_sub_word(r, 14) == 1, 1);
    assert_int_equal(BN_bn2binpad(r, e, 32), 32);
    size_t len = oracle_signature(r, s, signature);
    assert_false(digest_verdict(&both, e, signature, len));
    BN_free(r);
    BN_free(s);
    BN_free(n);
    BN_free(one);
    free_both(&both);
    EC_GROUP_free(group);
}

/* The key for which s * G + t * key is this sum: (sum - s * G) / t. */
static struct both key_for_sum(const EC_GROUP *group, const EC_POINT *sum, const BIGNUM *s,
                               const BIGNUM *t)
{
    const BIGNUM *n = EC_GROUP_get0_order(group);
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *minus_s = BN_new();
    BIGNUM *inverse = BN_new();
    unsigned char bytes[65];
    assert_int_equal(BN_sub(minus_s, n, s), 1);
    assert_non_null(BN_mod_inverse(inverse, t, n, ctx));
    EC_POINT *less = oracle_sum(group, minus_s, sum, BN_value_one());
    EC_POINT *key = oracle_sum(group, NULL, less, inverse);
    point_bytes(group, key, bytes);
    EC_POINT_free(key);
    EC_POINT_free(less);
    BN_free(inverse);
    BN_free(minus_s);
    BN_CTX_free(ctx);
    const struct both both = both_of(bytes);
    assert_non_null(both.openssl);
    assert_non_null(both.own);
    return both;
}

/* A point whose x is the first of these numbers, going up or down; *steps is how many. */
static EC_POINT *point_beside(const EC_GROUP *group, const BIGNUM *from, bool up, BN_ULONG *steps)
{
    BIGNUM *x = BN_dup(from);
    EC_POINT *point = EC_POINT_new(group);
    *steps = 0;
    while (EC_POINT_set_compressed_coordinates(group, point, x, 0, NULL) != 1) {
        assert_int_equal(up ? BN_add_word(x, 1) : BN_sub_word(x, 1), 1);
        ++*steps;
    }
    BN_free(x);
    return point;
}

/* The verdict on r, s and the digest e (plus n, when it is to be that), by this sum. */
static bool verdict_by_sum(const EC_GROUP *group, const EC_POINT *sum, BN_ULONG r, BN_ULONG e,
                           bool plus_n)
{
    BIGNUM *numbers[4] = {BN_new(), BN_new(), BN_new(), BN_new()};
    unsigned char digest[32];
    unsigned char signature[ORACLE_SIGNATURE_MAX];
    assert_int_equal(BN_set_word(numbers[0], r), 1);
    assert_int_equal(BN_set_word(numbers[1], 5), 1);
    assert_int_equal(BN_set_word(numbers[2], r + 5), 1);
    assert_int_equal(BN_set_word(numbers[3], e), 1);
    const struct both both = key_for_sum(group, sum, numbers[1], numbers[2]);
    if (plus_n)
        assert_int_equal(BN_add(numbers[3], numbers[3], EC_GROUP_get0_order(group)), 1);
    assert_int_equal(BN_bn2binpad(numbers[3], digest, 32), 32);
    bool good = digest_verdict(&both, digest, signature,
                               oracle_signature(numbers[0], numbers[1], signature));
    free_both(&both);
    for (size_t i = 0; i < 4; i++)
        BN_free(numbers[i]);
    return good;
}

/* One in 2^32 random points has such an x: r is x1 - n + e. */
static void x_coordinate_above_the_order_counts(void **state)
{
    (void)state;
    EC_GROUP *group = oracle_group();
    BN_ULONG above = 0;
    EC_POINT *sum = point_beside(group, EC_GROUP_get0_order(group), true, &above);
    assert_true(verdict_by_sum(group, sum, above + 3, 3, false));
    assert_false(verdict_by_sum(group, sum, above + 3, 4, false));
    EC_POINT_free(sum);
    EC_GROUP_free(group);
}

/* x1 is n - below, so that r = e - below is less than e, and the difference of both wraps. */
static void digest_above_the_order_counts_modulo_the_order(void **state)
{
    (void)state;
    EC_GROUP *group = oracle_group();
    BN_ULONG below = 0;
    BIGNUM *last = BN_dup(EC_GROUP_get0_order(group));
    assert_int_equal(BN_sub_word(last, 1), 1);
    EC_POINT *sum = point_beside(group, last, false, &below);
    below++;
    assert_true(verdict_by_sum(group, sum, 3, below + 3, false));
    assert_true(verdict_by_sum(group, sum, 3, below + 3, true));
    assert_false(verdict_by_sum(group, sum, 3, below + 4, true));
    EC_POINT_free(sum);
    BN_free(last);
    EC_GROUP_free(group);
}

/* --- other ways to write a good signature --------------------------------------------------- */

/* A good signature of the key 3 * G, whose r and s are so small that n can be added to them. */
struct small {
    struct both both;
    unsigned char e[32];
};

enum { SMALL_R = 0x7654, SMALL_S = 0x1234 };

static void make_small(struct small *small)
{
    EC_GROUP *group = oracle_group();
    BIGNUM *k = oracle_number("3");
    BIGNUM *s = BN_new();
    BIGNUM *t = BN_new();
    unsigned char signature[ORACLE_SIGNATURE_MAX];
    EC_POINT *point = oracle_sum(group, k, NULL, NULL);
    assert_int_equal(BN_set_word(s, SMALL_S) == 1 && BN_set_word(t, SMALL_R + SMALL_S) == 1, 1);
    small->both = multiple_of_g(group, k);
    size_t len = oracle_make_good(group, point, s, t, small->e, signature);
    assert_true(digest_verdict(&small->both, small->e, signature, len));
    EC_POINT_free(point);
    BN_free(t);
    BN_free(s);
    BN_free(k);
    EC_GROUP_free(group);
}

static void number_plus_n_is_another_number(void **state)
{
    (void)state;
    struct small small;
    unsigned char signature[ORACLE_SIGNATURE_MAX];
    BIGNUM *r = BN_new();
    BIGNUM *s = BN_new();
    BIGNUM *n = oracle_number(n_hex);
    make_small(&small);
    for (unsigned which = 1; which < 4; which++) {
        assert_int_equal(BN_set_word(r, SMALL_R) == 1 && BN_set_word(s, SMALL_S) == 1, 1);
        assert_int_equal((which & 1) == 0 || BN_add(r, r, n) == 1, 1);
        assert_int_equal((which & 2) == 0 || BN_add(s, s, n) == 1, 1);
        size_t len = oracle_signature(r, s, signature);
        assert_false(digest_verdict(&small.both, small.e, signature, len));
    }
    BN_free(n);
    BN_free(s);
    BN_free(r);
    free_both(&small.both);
}

static void good_numbers_written_otherwise_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        unsigned char bytes[16];
        size_t len;
        bool good;
    } ways[] = {
        {"as it should be", {0x30, 8, 2, 2, 0x76, 0x54, 2, 2, 0x12, 0x34}, 10, true},
        {"r with a zero", {0x30, 9, 2, 3, 0, 0x76, 0x54, 2, 2, 0x12, 0x34}, 11, false},
        {"s with a zero", {0x30, 9, 2, 2, 0x76, 0x54, 2, 3, 0, 0x12, 0x34}, 11, false},
        {"a number more", {0x30, 11, 2, 2, 0x76, 0x54, 2, 2, 0x12, 0x34, 2, 1, 1}, 13, false},
        {"NULL more", {0x30, 10, 2, 2, 0x76, 0x54, 2, 2, 0x12, 0x34, 5, 0}, 12, false},
        {"a byte behind", {0x30, 8, 2, 2, 0x76, 0x54, 2, 2, 0x12, 0x34, 0}, 11, false},
        {"long length", {0x30, 0x81, 8, 2, 2, 0x76, 0x54, 2, 2, 0x12, 0x34}, 11, false},
        {"long length of r", {0x30, 9, 2, 0x81, 2, 0x76, 0x54, 2, 2, 0x12, 0x34}, 11, false},
        {"no end", {0x30, 0x80, 2, 2, 0x76, 0x54, 2, 2, 0x12, 0x34, 0, 0}, 12, false},
        {"a set", {0x31, 8, 2, 2, 0x76, 0x54, 2, 2, 0x12, 0x34}, 10, false},
        {"s an enumeration", {0x30, 8, 2, 2, 0x76, 0x54, 10, 2, 0x12, 0x34}, 10, false},
        {"cut short", {0x30, 8, 2, 2, 0x76, 0x54, 2, 2, 0x12, 0x34}, 9, false},
    };
    struct small small;
    make_small(&small);
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
        if (digest_verdict(&small.both, small.e, ways[i].bytes, ways[i].len) != ways[i].good)
            fail_msg("%s", ways[i].what);
    free_both(&small.both);
}

static void signature_that_is_not_der_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        unsigned char bytes[16];
        size_t len;
    } wrong[] = {
        {"nothing", {0}, 0},
        {"one byte", {0x30}, 1},
        {"empty", {0x30, 0}, 2},
        {"no s", {0x30, 3, 2, 1, 1}, 5},
        {"empty r", {0x30, 5, 2, 0, 2, 1, 1}, 7},
        {"three numbers", {0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1}, 11},
        {"a set", {0x31, 6, 2, 1, 1, 2, 1, 1}, 8},
        {"r is an octet string", {0x30, 6, 4, 1, 1, 2, 1, 1}, 8},
        {"indefinite length", {0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0}, 10},
        {"long length", {0x30, 0x81, 6, 2, 1, 1, 2, 1, 1}, 9},
        {"long length of r", {0x30, 7, 2, 0x81, 1, 1, 2, 1, 1}, 9},
        {"padded r", {0x30, 7, 2, 2, 0, 1, 2, 1, 1}, 9},
        {"negative r", {0x30, 6, 2, 1, 0x81, 2, 1, 1}, 8},
        {"cut short", {0x30, 6, 2, 1, 1, 2, 1}, 7},
        {"trailing byte", {0x30, 6, 2, 1, 1, 2, 1, 1, 0}, 9},
    };
    const struct both both = both_of(example_point);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (verdict(&both, "message digest", 14, wrong[i].bytes, wrong[i].len))
            fail_msg("%s", wrong[i].what);
    free_both(&both);
}

static void key_beside_the_curve_is_none(void **state)
{
    (void)state;
    unsigned char point[65];
    unsigned char zero[32] = {0};
    unsigned char ones[32];
    memset(ones, 0xFF, sizeof(ones));
    for (size_t bit = 0; bit < 64 * 8; bit += 7) {
        memcpy(point, example_point, sizeof(point));
        point[1 + bit / 8] ^= (unsigned char)(1U << bit % 8);
        struct sm2_key *key = sm2_key_new(point + 1, point + 33);
        EVP_PKEY *theirs = oracle_key(point);
        assert_null(key);
        assert_null(theirs);
    }
    assert_null(sm2_key_new(zero, zero));
    assert_null(sm2_key_new(ones, ones));
    assert_null(sm2_key_new(example_point + 1, ones));
}

/* x + p is the same number, but no coordinate (SEC 1 section 2.3.4). */
static void coordinate_of_p_or_more_is_none(void **state)
{
    (void)state;
    EC_GROUP *group = oracle_group();
    BIGNUM *p = BN_new();
    BIGNUM *x = BN_new();
    BIGNUM *y = BN_new();
    EC_POINT *point = EC_POINT_new(group);
    unsigned char bytes[65] = {4};
    assert_int_equal(EC_GROUP_get_curve(group, p, NULL, NULL, NULL), 1);
    while (EC_POINT_set_compressed_coordinates(group, point, x, 0, NULL) != 1)
        assert_int_equal(BN_add_word(x, 1), 1);
    assert_int_equal(EC_POINT_get_affine_coordinates(group, point, x, y, NULL), 1);
    assert_int_equal(BN_bn2binpad(x, bytes + 1, 32) + BN_bn2binpad(y, bytes + 33, 32), 64);
    struct both both = both_of(bytes);
    assert_non_null(both.own);
    assert_non_null(both.openssl);
    free_both(&both);
    assert_int_equal(BN_add(x, x, p), 1);
    assert_int_equal(BN_bn2binpad(x, bytes + 1, 32), 32);
    both = both_of(bytes);
    assert_null(both.own);
    assert_null(both.openssl);
    EC_POINT_free(point);
    BN_free(y);
    BN_free(x);
    BN_free(p);
    EC_GROUP_free(group);
}

/* --- random signatures ---------------------------------------------------------------------- */

static long rounds(void)
{
    const char *more = getenv("TAMGA_TEST_SM2_ROUNDS");
    return more != NULL ? strtol(more, NULL, 10) : ROUNDS;
}

static size_t random_below(size_t end)
{
    uint32_t number = 0;
    assert_int_equal(RAND_bytes((unsigned char *)&number, sizeof(number)), 1);
    return number % end;
}

static void flip(unsigned char *bytes, size_t len)
{
    size_t bit = random_below(len * 8);
    bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
}

static size_t sign(EVP_PKEY *key, const unsigned char *text, size_t n, unsigned char *out)
{
    size_t len = ORACLE_SIGNATURE_MAX;
    EVP_PKEY_CTX *key_ctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(ctx, &key_ctx, "SM3", NULL, NULL, key, NULL), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_id(key_ctx, ORACLE_ID, 16), 1);
    assert_int_equal(EVP_DigestSign(ctx, out, &len, text, n), 1);
    EVP_MD_CTX_free(ctx);
    return len;
}

static void random_signatures_are_judged_as_openssl_does(void **state)
{
    (void)state;
    EVP_PKEY *signer = NULL;
    for (long i = 0; i < rounds(); i++) {
        unsigned char text[200];
        unsigned char signature[ORACLE_SIGNATURE_MAX];
        size_t n = 1 + random_below(sizeof(text));
        if (i % 10 == 0) {
            EVP_PKEY_free(signer);
            signer = region_key("SM2");
        }
        const struct sm2_key *own = sm2_key_of(signer);
        assert_non_null(own);
        assert_int_equal(RAND_bytes(text, sizeof(text)), 1);
        size_t len = sign(signer, text, n, signature);
        assert_true(sm2_key_has_signed(own, text, n, signature, len));
        flip(signature, len);
        assert_int_equal(sm2_key_has_signed(own, text, n, signature, len),
                         oracle_accepts(signer, text, n, signature, len));
        len = sign(signer, text, n, signature);
        flip(text, n);
        assert_false(sm2_key_has_signed(own, text, n, signature, len));
    }
    EVP_PKEY_free(signer);
}

/* Any s and t, with the digest that makes them good, and one bit beside it. */
static void constructed_signatures_are_judged_as_openssl_does(void **state)
{
    (void)state;
    EC_GROUP *group = oracle_group();
    const BIGNUM *n = EC_GROUP_get0_order(group);
    BIGNUM *s = BN_new();
    BIGNUM *t = BN_new();
    for (long i = 0; i < rounds() / 3; i++) {
        unsigned char e[32];
        unsigned char signature[ORACLE_SIGNATURE_MAX];
        BIGNUM *secret = BN_new();
        assert_int_equal(BN_priv_rand_range(secret, n), 1);
        EC_POINT *point = oracle_sum(group, secret, NULL, NULL);
        const struct both both = multiple_of_g(group, secret);
        assert_int_equal(BN_rand(s, 1 + (int)random_below(255), BN_RAND_TOP_ANY, 0), 1);
        assert_int_equal(BN_rand(t, 1 + (int)random_below(255), BN_RAND_TOP_ANY, 0), 1);
        size_t len = oracle_make_good(group, point, s, t, e, signature);
        bool is_good = len > 0 && digest_verdict(&both, e, signature, len);
        assert_int_equal(is_good, !BN_is_zero(s) && !BN_is_zero(t) && BN_cmp(s, t) != 0);
        flip(e, sizeof(e));
        assert_false(digest_verdict(&both, e, signature, len));
        free_both(&both);
        EC_POINT_free(point);
        BN_free(secret);
    }
    BN_free(t);
    BN_free(s);
    EC_GROUP_free(group);
}

/* --- keys of OpenSSL ------------------------------------------------------------------------ */

static void key_of_openssl_is_prepared_once_and_keeps_it(void **state)
{
    (void)state;
    EVP_PKEY *key = region_key("SM2");
    const struct sm2_key *first = sm2_key_of(key);
    assert_non_null(first);
    assert_ptr_equal(sm2_key_of(key), first);
    EVP_PKEY_free(key);
}

static void other_kinds_of_key_are_none(void **state)
{
    (void)state;
    static const char *const kinds[] = {"P-256", "RSA", "ED25519"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        EVP_PKEY *key = region_key(kinds[i]);
        assert_null(sm2_key_of(key));
        EVP_PKEY_free(key);
    }
}

static void operator_may_have_openssl_verify(void **state)
{
    (void)state;
    EVP_PKEY *key = region_key("SM2");
    sm2_set_by_openssl(true);
    assert_false(sm2_is_used());
    assert_null(sm2_key_of(key));
    sm2_set_by_openssl(false);
    assert_non_null(sm2_key_of(key));
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_arithmetic_passes_its_self_test),
        cmocka_unit_test(example_of_the_standard_is_good),
        cmocka_unit_test(numbers_outside_one_to_n_minus_one_are_refused),
        cmocka_unit_test(r_and_s_that_add_up_to_n_are_refused),
        cmocka_unit_test(sums_that_meet_themselves_are_judged_right),
        cmocka_unit_test(sum_at_infinity_is_refused),
        cmocka_unit_test(x_coordinate_above_the_order_counts),
        cmocka_unit_test(digest_above_the_order_counts_modulo_the_order),
        cmocka_unit_test(number_plus_n_is_another_number),
        cmocka_unit_test(signature_that_is_not_der_is_refused),
        cmocka_unit_test(good_numbers_written_otherwise_are_refused),
        cmocka_unit_test(key_beside_the_curve_is_none),
        cmocka_unit_test(coordinate_of_p_or_more_is_none),
        cmocka_unit_test(random_signatures_are_judged_as_openssl_does),
        cmocka_unit_test(constructed_signatures_are_judged_as_openssl_does),
        cmocka_unit_test(key_of_openssl_is_prepared_once_and_keeps_it),
        cmocka_unit_test(other_kinds_of_key_are_none),
        cmocka_unit_test(operator_may_have_openssl_verify),
    };
    return cmocka_run_group_tests_name("pki/sm2", tests, NULL, NULL);
}
