#include "pki/sm2/sm2_field.h"

#include <stddef.h>

const struct sm2_words sm2_p = {
    {0xFFFFFFFFFFFFFFFF, 0xFFFFFFFF00000000, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFEFFFFFFFF}};

/* 2^256 mod p, and 2^512 mod p, which makes a number the kept one. */
const struct sm2_element sm2_one = {
    {{0x0000000000000001, 0x00000000FFFFFFFF, 0x0000000000000000, 0x0000000100000000}}};
static const struct sm2_element shift = {
    {{0x0000000200000003, 0x00000002FFFFFFFF, 0x0000000100000001, 0x0000000400000002}}};

/* --- multiplication ------------------------------------------------------------------------- */

/* t + a * b, with what is carried. */
static inline uint64_t multiply_add(uint64_t t, uint64_t a, uint64_t b, uint64_t *carry)
{
    sm2_wide sum = (sm2_wide)a * b + t + *carry;
    *carry = (uint64_t)(sum >> 64);
    return (uint64_t)sum;
}

/* What is added up, below 2p: its fifth word is 0 or 1. */
struct sum {
    uint64_t w0, w1, w2, w3, w4;
};

/*
 * (sum + a * b + m * p) / 2^64, where m makes the lowest word vanish. p ends in 2^64 - 1, so m is
 * that word itself, and (w0 + m * p) / 2^64 is m * (p + 1) / 2^64: three words to multiply with.
 */
static inline struct sum add_row(struct sum sum, const struct sm2_words *a, uint64_t b)
{
    uint64_t carry = 0;
    uint64_t m = multiply_add(sum.w0, a->words[0], b, &carry);
    uint64_t w1 = multiply_add(sum.w1, a->words[1], b, &carry);
    uint64_t w2 = multiply_add(sum.w2, a->words[2], b, &carry);
    uint64_t w3 = multiply_add(sum.w3, a->words[3], b, &carry);
    sm2_wide top = (sm2_wide)sum.w4 + carry;
    carry = 0;
    sum.w0 = multiply_add(w1, m, 0xFFFFFFFF00000001, &carry);
    sum.w1 = multiply_add(w2, m, 0xFFFFFFFFFFFFFFFF, &carry);
    sum.w2 = multiply_add(w3, m, 0xFFFFFFFEFFFFFFFF, &carry);
    top += carry;
    sum.w3 = (uint64_t)top;
    sum.w4 = (uint64_t)(top >> 64);
    return sum;
}

struct sm2_element sm2_field_multiply(const struct sm2_element *a, const struct sm2_element *b)
{
    struct sum sum = {0};
    unsigned char borrow = 0;
    sum = add_row(sum, &a->kept, b->kept.words[0]);
    sum = add_row(sum, &a->kept, b->kept.words[1]);
    sum = add_row(sum, &a->kept, b->kept.words[2]);
    sum = add_row(sum, &a->kept, b->kept.words[3]);
    const struct sm2_words low = {{sum.w0, sum.w1, sum.w2, sum.w3}};
    const struct sm2_words less = sm2_words_subtract(&low, &sm2_p, &borrow);
    return (struct sm2_element){sm2_words_choose(sum.w4 < borrow, &low, &less)};
}

/* --- the rest ------------------------------------------------------------------------------- */

bool sm2_field_read(const struct sm2_words *number, struct sm2_element *out)
{
    const struct sm2_element plain = {*number};
    if (!sm2_words_less(number, &sm2_p))
        return false;
    *out = sm2_field_multiply(&plain, &shift);
    return true;
}

struct sm2_words sm2_field_number(const struct sm2_element *a)
{
    static const struct sm2_element plain_one = {{{1, 0, 0, 0}}};
    return sm2_field_multiply(a, &plain_one).kept;
}

/* a^(2^n) * b */
static struct sm2_element raise(const struct sm2_element *a, int n, const struct sm2_element *b)
{
    struct sm2_element power = *a;
    for (int i = 0; i < n; i++)
        power = sm2_field_square(&power);
    return sm2_field_multiply(&power, b);
}

/*
 * a^(p-2) (Fermat). From the highest bit, p - 2 is 31 ones, a zero, 128 ones, 32 zeros, 62 ones, a
 * zero and a one; ones_n is a to the power of n ones.
 */
struct sm2_element sm2_field_invert(const struct sm2_element *a)
{
    const struct sm2_element ones_2 = raise(a, 1, a);
    const struct sm2_element ones_4 = raise(&ones_2, 2, &ones_2);
    const struct sm2_element ones_8 = raise(&ones_4, 4, &ones_4);
    const struct sm2_element ones_16 = raise(&ones_8, 8, &ones_8);
    const struct sm2_element ones_24 = raise(&ones_16, 8, &ones_8);
    const struct sm2_element ones_28 = raise(&ones_24, 4, &ones_4);
    const struct sm2_element ones_30 = raise(&ones_28, 2, &ones_2);
    const struct sm2_element ones_31 = raise(&ones_30, 1, a);
    const struct sm2_element ones_32 = raise(&ones_31, 1, a);
    struct sm2_element power = raise(&ones_31, 33, &ones_32);
    for (int i = 0; i < 3; i++)
        power = raise(&power, 32, &ones_32);
    power = raise(&power, 64, &ones_32);
    power = raise(&power, 30, &ones_30);
    return raise(&power, 2, a);
}
