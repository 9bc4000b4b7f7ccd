#include "pki/sm2/sm2_point.h"

const struct sm2_affine sm2_g = {
    .x = {{{0x61328990F418029E, 0x3E7981EDDCA6C050, 0xD6A1ED99AC24C3C3, 0x91167A5EE1C13B05}}},
    .y = {{{0xC1354E593C2D0DDD, 0xC1F5E5788D3295FA, 0x8D4CFB066E2A48F8, 0x63CD65D481D735BD}}},
};
const struct sm2_words sm2_n = {
    {0x53BBF40939D54123, 0x7203DF6B21C6052B, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFEFFFFFFFF}};
const struct sm2_element sm2_b = {
    {{0x90D230632BC0DD42, 0x71CF379AE9B537AB, 0x527981505EA51C3C, 0x240FE188BA20E2C8}}};

/* --- points --------------------------------------------------------------------------------- */

static struct sm2_element twice(const struct sm2_element *a)
{
    return sm2_field_add(a, a);
}

bool sm2_point_is_on_curve(const struct sm2_affine *point)
{
    const struct sm2_element y2 = sm2_field_square(&point->y);
    const struct sm2_element x2 = sm2_field_square(&point->x);
    const struct sm2_element x3 = sm2_field_multiply(&x2, &point->x);
    const struct sm2_element x_twice = twice(&point->x);
    const struct sm2_element x_thrice = sm2_field_add(&x_twice, &point->x);
    const struct sm2_element less = sm2_field_subtract(&x3, &x_thrice);
    const struct sm2_element right = sm2_field_add(&less, &sm2_b);
    return sm2_field_equal(&y2, &right);
}

bool sm2_point_is_infinity(const struct sm2_point *point)
{
    return sm2_field_is_zero(&point->z);
}

/*
 * With a = -3 (Bernstein, "dbl-2001-b"). Infinity stays what it is, since z = 2yz; no point of this
 * curve has y = 0, its order being odd.
 */
struct sm2_point sm2_point_double(const struct sm2_point *a)
{
    struct sm2_point out;
    const struct sm2_element delta = sm2_field_square(&a->z);
    const struct sm2_element gamma = sm2_field_square(&a->y);
    const struct sm2_element beta = sm2_field_multiply(&a->x, &gamma);
    const struct sm2_element less = sm2_field_subtract(&a->x, &delta);
    const struct sm2_element more = sm2_field_add(&a->x, &delta);
    const struct sm2_element product = sm2_field_multiply(&less, &more);
    const struct sm2_element product_twice = twice(&product);
    const struct sm2_element alpha = sm2_field_add(&product_twice, &product);
    const struct sm2_element beta_2 = twice(&beta);
    const struct sm2_element beta_4 = twice(&beta_2);
    const struct sm2_element beta_8 = twice(&beta_4);
    const struct sm2_element alpha_squared = sm2_field_square(&alpha);
    out.x = sm2_field_subtract(&alpha_squared, &beta_8);
    const struct sm2_element yz = sm2_field_multiply(&a->y, &a->z);
    out.z = twice(&yz);
    const struct sm2_element gamma_squared = sm2_field_square(&gamma);
    const struct sm2_element gamma_2 = twice(&gamma_squared);
    const struct sm2_element gamma_4 = twice(&gamma_2);
    const struct sm2_element gamma_8 = twice(&gamma_4);
    const struct sm2_element way = sm2_field_subtract(&beta_4, &out.x);
    const struct sm2_element rise = sm2_field_multiply(&alpha, &way);
    out.y = sm2_field_subtract(&rise, &gamma_8);
    return out;
}

static struct sm2_point from_affine(const struct sm2_affine *a)
{
    return (struct sm2_point){.x = a->x, .y = a->y, .z = sm2_one};
}

/* The sum where both have the same x: twice the point, or infinity. */
static struct sm2_point add_same_x(const struct sm2_point *a, const struct sm2_element *rise)
{
    static const struct sm2_element zero = {{{0}}};
    if (sm2_field_is_zero(rise))
        return sm2_point_double(a);
    return (struct sm2_point){.x = sm2_one, .y = sm2_one, .z = zero};
}

/* Complete: the points may be equal, opposite, and the first at infinity. */
struct sm2_point sm2_point_add(const struct sm2_point *a, const struct sm2_affine *b)
{
    struct sm2_point out;
    if (sm2_point_is_infinity(a))
        return from_affine(b);
    const struct sm2_element z2 = sm2_field_square(&a->z);
    const struct sm2_element z3 = sm2_field_multiply(&z2, &a->z);
    const struct sm2_element x = sm2_field_multiply(&b->x, &z2);
    const struct sm2_element y = sm2_field_multiply(&b->y, &z3);
    const struct sm2_element run = sm2_field_subtract(&x, &a->x);
    const struct sm2_element rise = sm2_field_subtract(&y, &a->y);
    if (sm2_field_is_zero(&run))
        return add_same_x(a, &rise);
    const struct sm2_element run2 = sm2_field_square(&run);
    const struct sm2_element run3 = sm2_field_multiply(&run2, &run);
    const struct sm2_element v = sm2_field_multiply(&a->x, &run2);
    const struct sm2_element v_twice = twice(&v);
    const struct sm2_element rise2 = sm2_field_square(&rise);
    const struct sm2_element less = sm2_field_subtract(&rise2, &run3);
    out.x = sm2_field_subtract(&less, &v_twice);
    const struct sm2_element way = sm2_field_subtract(&v, &out.x);
    const struct sm2_element up = sm2_field_multiply(&rise, &way);
    const struct sm2_element down = sm2_field_multiply(&a->y, &run3);
    out.y = sm2_field_subtract(&up, &down);
    out.z = sm2_field_multiply(&a->z, &run);
    return out;
}

bool sm2_point_has_x(const struct sm2_point *point, const struct sm2_words *x)
{
    struct sm2_element wanted;
    if (sm2_point_is_infinity(point) || !sm2_field_read(x, &wanted))
        return false;
    const struct sm2_element z2 = sm2_field_square(&point->z);
    const struct sm2_element there = sm2_field_multiply(&wanted, &z2);
    return sm2_field_equal(&there, &point->x);
}

/* --- combs ---------------------------------------------------------------------------------- */

static struct sm2_affine scale(const struct sm2_point *point, const struct sm2_element *z_inverse)
{
    struct sm2_affine out;
    const struct sm2_element z2 = sm2_field_square(z_inverse);
    const struct sm2_element z3 = sm2_field_multiply(&z2, z_inverse);
    out.x = sm2_field_multiply(&point->x, &z2);
    out.y = sm2_field_multiply(&point->y, &z3);
    return out;
}

/*
 * Makes points affine, none of which is at infinity, with one inversion for all of them (P.
 * Montgomery): behind[i] is the product of all z before i.
 */
static void make_affine(const struct sm2_point *points, size_t count, struct sm2_affine *out)
{
    struct sm2_element behind[SM2_POINTS_MAX];
    struct sm2_element product = sm2_one;
    for (size_t i = 0; i < count; i++) {
        behind[i] = product;
        product = sm2_field_multiply(&product, &points[i].z);
    }
    struct sm2_element inverse = sm2_field_invert(&product);
    for (size_t i = count; i-- > 0;) {
        const struct sm2_element z_inverse = sm2_field_multiply(&inverse, &behind[i]);
        inverse = sm2_field_multiply(&inverse, &points[i].z);
        out[i] = scale(&points[i], &z_inverse);
    }
}

/* 2^(j * columns) times the point, for each tooth j. */
static void find_teeth(const struct sm2_comb *comb, const struct sm2_affine *point,
                       struct sm2_affine teeth[SM2_TEETH_MAX])
{
    struct sm2_point multiples[SM2_TEETH_MAX];
    multiples[0] = from_affine(point);
    for (unsigned j = 1; j < comb->teeth; j++) {
        multiples[j] = multiples[j - 1];
        for (unsigned i = 0; i < comb->columns; i++)
            multiples[j] = sm2_point_double(&multiples[j]);
    }
    make_affine(multiples, comb->teeth, teeth);
}

/* No sum is at infinity: each is a multiple of a point of order n by less than n. */
void sm2_comb_fill(struct sm2_comb *comb, const struct sm2_affine *point)
{
    struct sm2_affine teeth[SM2_TEETH_MAX];
    struct sm2_point sums[SM2_POINTS_MAX];
    comb->columns = (SM2_BITS + comb->teeth - 1) / comb->teeth;
    find_teeth(comb, point, teeth);
    for (size_t j = 0; j < comb->teeth; j++) {
        size_t bit = (size_t)1 << j;
        sums[bit - 1] = from_affine(&teeth[j]);
        for (size_t k = 1; k < bit; k++)
            sums[bit + k - 1] = sm2_point_add(&sums[k - 1], &teeth[j]);
    }
    make_affine(sums, ((size_t)1 << comb->teeth) - 1, comb->points);
}

/* The bits of a column, or 0 when there is no such column. */
static unsigned read_column(const struct sm2_comb *comb, const struct sm2_words *multiple,
                            unsigned column)
{
    unsigned bits = 0;
    for (unsigned j = 0; column < comb->columns && j < comb->teeth; j++) {
        unsigned at = column + j * comb->columns;
        if (at < SM2_BITS)
            bits |= (unsigned)(multiple->words[at / 64] >> at % 64 & 1) << j;
    }
    return bits;
}

static void add_column(struct sm2_point *sum, const struct sm2_comb *comb,
                       const struct sm2_words *multiple, unsigned column)
{
    unsigned bits = read_column(comb, multiple, column);
    if (bits != 0)
        *sum = sm2_point_add(sum, &comb->points[bits - 1]);
}

struct sm2_point sm2_comb_sum(const struct sm2_comb *a, const struct sm2_words *u,
                              const struct sm2_comb *b, const struct sm2_words *v)
{
    struct sm2_point sum = {.x = sm2_one, .y = sm2_one, .z = {{{0}}}};
    unsigned columns = a->columns > b->columns ? a->columns : b->columns;
    for (unsigned i = columns; i-- > 0;) {
        sum = sm2_point_double(&sum);
        add_column(&sum, a, u, i);
        add_column(&sum, b, v, i);
    }
    return sum;
}
