/* Numbers of 256 bits: four words, the least first. What they are modulo is the caller's affair. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { SM2_WORDS = 4, SM2_BYTES = 32, SM2_BITS = 256 };

/* Two words, for a carry or a product (gcc and clang, on machines of 64 bits). */
__extension__ typedef unsigned __int128 sm2_wide;

struct sm2_words {
    uint64_t words[SM2_WORDS];
};

/* The big-endian bytes of the standards. */
static inline struct sm2_words sm2_words_read(const unsigned char bytes[SM2_BYTES])
{
    struct sm2_words out;
    for (int i = 0; i < SM2_WORDS; i++) {
        uint64_t word = 0;
        for (int j = 0; j < 8; j++)
            word = word << 8 | bytes[8 * (SM2_WORDS - 1 - i) + j];
        out.words[i] = word;
    }
    return out;
}

/*
 * a + b + *carry and a - b - *borrow; what goes in and comes out is 0 or 1. gcc 12 makes one
 * instruction of a step only where it is told so.
 */
#if defined(__x86_64__)
static inline uint64_t sm2_word_add(uint64_t a, uint64_t b, unsigned char *carry)
{
    unsigned long long sum = 0;
    *carry = _addcarry_u64(*carry, a, b, &sum);
    return sum;
}

static inline uint64_t sm2_word_subtract(uint64_t a, uint64_t b, unsigned char *borrow)
{
    unsigned long long difference = 0;
    *borrow = _subborrow_u64(*borrow, a, b, &difference);
    return difference;
}
#else
static inline uint64_t sm2_word_add(uint64_t a, uint64_t b, unsigned char *carry)
{
    const sm2_wide sum = (sm2_wide)a + b + *carry;
    *carry = (unsigned char)(sum >> 64);
    return (uint64_t)sum;
}

static inline uint64_t sm2_word_subtract(uint64_t a, uint64_t b, unsigned char *borrow)
{
    const sm2_wide difference = (sm2_wide)a - b - *borrow;
    *borrow = (unsigned char)(difference >> 64 & 1);
    return (uint64_t)difference;
}
#endif

/* a + b modulo 2^256; *carry is what went over. */
static inline struct sm2_words sm2_words_add(const struct sm2_words *a, const struct sm2_words *b,
                                             unsigned char *carry)
{
    struct sm2_words out;
    *carry = 0;
    out.words[0] = sm2_word_add(a->words[0], b->words[0], carry);
    out.words[1] = sm2_word_add(a->words[1], b->words[1], carry);
    out.words[2] = sm2_word_add(a->words[2], b->words[2], carry);
    out.words[3] = sm2_word_add(a->words[3], b->words[3], carry);
    return out;
}

/* a - b modulo 2^256; *borrow is 1 when a is the smaller. */
static inline struct sm2_words sm2_words_subtract(const struct sm2_words *a,
                                                  const struct sm2_words *b, unsigned char *borrow)
{
    struct sm2_words out;
    *borrow = 0;
    out.words[0] = sm2_word_subtract(a->words[0], b->words[0], borrow);
    out.words[1] = sm2_word_subtract(a->words[1], b->words[1], borrow);
    out.words[2] = sm2_word_subtract(a->words[2], b->words[2], borrow);
    out.words[3] = sm2_word_subtract(a->words[3], b->words[3], borrow);
    return out;
}

static inline bool sm2_words_less(const struct sm2_words *a, const struct sm2_words *b)
{
    unsigned char borrow = 0;
    (void)sm2_words_subtract(a, b, &borrow);
    return borrow == 1;
}

static inline bool sm2_words_equal(const struct sm2_words *a, const struct sm2_words *b)
{
    return ((a->words[0] ^ b->words[0]) | (a->words[1] ^ b->words[1]) |
            (a->words[2] ^ b->words[2]) | (a->words[3] ^ b->words[3])) == 0;
}

static inline bool sm2_words_are_zero(const struct sm2_words *a)
{
    return (a->words[0] | a->words[1] | a->words[2] | a->words[3]) == 0;
}

/* The one or the other, without a branch that could be foreseen wrongly half the time. */
static inline struct sm2_words sm2_words_choose(bool first, const struct sm2_words *a,
                                                const struct sm2_words *b)
{
    const uint64_t mask = 0 - (uint64_t)first;
    return (struct sm2_words){{b->words[0] ^ (mask & (a->words[0] ^ b->words[0])),
                               b->words[1] ^ (mask & (a->words[1] ^ b->words[1])),
                               b->words[2] ^ (mask & (a->words[2] ^ b->words[2])),
                               b->words[3] ^ (mask & (a->words[3] ^ b->words[3]))}};
}

/* a + b modulo m, for a and b below m. */
static inline struct sm2_words sm2_words_add_modulo(const struct sm2_words *a,
                                                    const struct sm2_words *b,
                                                    const struct sm2_words *m)
{
    unsigned char carry = 0;
    unsigned char borrow = 0;
    struct sm2_words sum = sm2_words_add(a, b, &carry);
    struct sm2_words less = sm2_words_subtract(&sum, m, &borrow);
    return sm2_words_choose(carry < borrow, &sum, &less);
}

/* a - b modulo m, for a and b below m. */
static inline struct sm2_words sm2_words_subtract_modulo(const struct sm2_words *a,
                                                         const struct sm2_words *b,
                                                         const struct sm2_words *m)
{
    unsigned char carry = 0;
    unsigned char borrow = 0;
    struct sm2_words difference = sm2_words_subtract(a, b, &borrow);
    struct sm2_words more = sm2_words_add(&difference, m, &carry);
    return sm2_words_choose(borrow == 1, &more, &difference);
}
