/*
 * Numbers modulo the prime of the SM2 curve (GB/T 32918.5-2017 appendix A),
 *
 *     p = 2^256 - 2^224 - 2^96 + 2^64 - 1
 *
 * kept as a * 2^256 mod p (P. Montgomery, Mathematics of Computation 44, 1985), always below p.
 * For public data only: how long an operation takes may depend on the numbers.
 */
#pragma once

#include <stdbool.h>

#include "pki/sm2/sm2_words.h"

struct sm2_element {
    struct sm2_words kept; /* a * 2^256 mod p */
};

extern const struct sm2_words sm2_p;
extern const struct sm2_element sm2_one;

/* A number below p; for another returns false. */
bool sm2_field_read(const struct sm2_words *number, struct sm2_element *out);

/* The number again. */
struct sm2_words sm2_field_number(const struct sm2_element *a);

struct sm2_element sm2_field_multiply(const struct sm2_element *a, const struct sm2_element *b);

/* 1/a; 0 for 0. */
struct sm2_element sm2_field_invert(const struct sm2_element *a);

static inline struct sm2_element sm2_field_square(const struct sm2_element *a)
{
    return sm2_field_multiply(a, a);
}

static inline struct sm2_element sm2_field_add(const struct sm2_element *a,
                                               const struct sm2_element *b)
{
    return (struct sm2_element){sm2_words_add_modulo(&a->kept, &b->kept, &sm2_p)};
}

static inline struct sm2_element sm2_field_subtract(const struct sm2_element *a,
                                                    const struct sm2_element *b)
{
    return (struct sm2_element){sm2_words_subtract_modulo(&a->kept, &b->kept, &sm2_p)};
}

static inline bool sm2_field_equal(const struct sm2_element *a, const struct sm2_element *b)
{
    return sm2_words_equal(&a->kept, &b->kept);
}

static inline bool sm2_field_is_zero(const struct sm2_element *a)
{
    return sm2_words_are_zero(&a->kept);
}
