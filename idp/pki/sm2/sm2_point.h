/*
 * Points of the SM2 curve y^2 = x^3 - 3x + b (GB/T 32918.5-2017 appendix A), and sums of two
 * multiples by tables of their multiples: one for the curve's own point, one for each key.
 *
 * For public data only: how long it takes depends on the numbers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "pki/sm2/sm2_field.h"

/* Not the point at infinity. */
struct sm2_affine {
    struct sm2_element x, y;
};

/* (x / z^2, y / z^3); z is 0 at infinity. */
struct sm2_point {
    struct sm2_element x, y, z;
};

/* The curve's own point, and its order n; the curve's b. */
extern const struct sm2_affine sm2_g;
extern const struct sm2_words sm2_n;
extern const struct sm2_element sm2_b;

bool sm2_point_is_on_curve(const struct sm2_affine *point);
bool sm2_point_is_infinity(const struct sm2_point *point);
struct sm2_point sm2_point_double(const struct sm2_point *a);
struct sm2_point sm2_point_add(const struct sm2_point *a, const struct sm2_affine *b);

/*
 * A comb (Lim and Lee, CRYPTO '94): the bits of a multiple are read in so many columns, `teeth`
 * bits at a time, those of column i being i, i + columns, i + 2 * columns, … points[k - 1] is the
 * sum of 2^(j * columns) times the point over the bits j of k.
 */
struct sm2_comb {
    unsigned teeth, columns;
    struct sm2_affine *points; /* 2^teeth - 1 of them */
};

enum {
    SM2_TEETH_MAX = 8,
    SM2_POINTS_MAX = (1 << SM2_TEETH_MAX) - 1,
};

/* Fills the table of a comb whose teeth are given, and sets its columns. */
void sm2_comb_fill(struct sm2_comb *comb, const struct sm2_affine *point);

/* u times the one point plus v times the other. */
struct sm2_point sm2_comb_sum(const struct sm2_comb *a, const struct sm2_words *u,
                              const struct sm2_comb *b, const struct sm2_words *v);

/* Says whether the point's x is this number below p; at infinity there is none. */
bool sm2_point_has_x(const struct sm2_point *point, const struct sm2_words *x);
