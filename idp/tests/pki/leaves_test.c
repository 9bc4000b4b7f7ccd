#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/lock/leaves.h"
#include "tests/pki_region.h"

static struct region_authority authority;
static struct region_holder lock;

static int make_all(void **state)
{
    (void)state;
    region_authority_make(&authority, "p256", "P-256");
    region_lock_make(&authority, &(struct region_lock){.kind = NULL}, &lock);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    region_lock_clear(&lock);
    region_authority_clear(&authority);
    return 0;
}

/* A leaf that says it was judged, under another hash. */
static struct leaf *leaf_with(uint32_t number, bool path_is_good)
{
    struct leaf *leaf = NULL;
    enum pki_reason why = PKI_REASONS;
    assert_int_equal(leaf_parse(lock.der, lock.der_len, &why, &leaf), IDP_OK);
    memset(leaf->hash, 0, sizeof(leaf->hash));
    memcpy(leaf->hash, &number, sizeof(number));
    leaf->path_is_good = path_is_good;
    return leaf;
}

static void leaf_is_found_again(void **state)
{
    (void)state;
    struct leaves *leaves = leaves_new();
    struct leaf *leaf = leaf_with(1, true);
    struct leaf *other = leaf_with(2, true);
    leaves_add(leaves, leaf);
    struct leaf *found = leaves_find(leaves, leaf->hash);
    assert_ptr_equal(found, leaf);
    assert_null(leaves_find(leaves, other->hash));
    leaf_release(found);
    leaf_release(leaf);
    leaf_release(other);
    leaves_free(leaves);
}

static void leaf_without_a_good_path_is_not_kept(void **state)
{
    (void)state;
    struct leaves *leaves = leaves_new();
    struct leaf *leaf = leaf_with(1, false);
    leaves_add(leaves, leaf);
    assert_null(leaves_find(leaves, leaf->hash));
    leaf_release(leaf);
    leaves_free(leaves);
}

/* The first two bytes choose the set: these all share one. */
static void the_one_not_used_for_longest_makes_room(void **state)
{
    (void)state;
    enum { PLACES = 8 };
    struct leaves *leaves = leaves_new();
    struct leaf *all[PLACES + 1];
    for (uint32_t i = 0; i <= PLACES; i++)
        all[i] = leaf_with(i << 16, true);
    for (size_t i = 0; i < PLACES; i++)
        leaves_add(leaves, all[i]);
    leaf_release(leaves_find(leaves, all[0]->hash));
    leaves_add(leaves, all[PLACES]);
    for (size_t i = 0; i <= PLACES; i++) {
        struct leaf *found = leaves_find(leaves, all[i]->hash);
        assert_int_equal(found == NULL, i == 1);
        leaf_release(found);
    }
    for (size_t i = 0; i <= PLACES; i++)
        leaf_release(all[i]); /* those still kept live on until leaves_free() */
    leaves_free(leaves);
}

static void adding_twice_keeps_the_first(void **state)
{
    (void)state;
    struct leaves *leaves = leaves_new();
    struct leaf *first = leaf_with(1, true);
    struct leaf *second = leaf_with(1, true);
    leaves_add(leaves, first);
    leaves_add(leaves, second);
    struct leaf *found = leaves_find(leaves, first->hash);
    assert_ptr_equal(found, first);
    leaf_release(found);
    leaf_release(first);
    leaf_release(second);
    leaves_free(leaves);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaf_is_found_again),
        cmocka_unit_test(leaf_without_a_good_path_is_not_kept),
        cmocka_unit_test(the_one_not_used_for_longest_makes_room),
        cmocka_unit_test(adding_twice_keeps_the_first),
    };
    return cmocka_run_group_tests_name("pki/leaves", tests, make_all, free_all);
}
