#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "evidence/kept.h"

static const unsigned char one[DIGEST_SIZE] = {1, 2, 3};
static const unsigned char same_place[DIGEST_SIZE] = {1, 2, 4};
static const unsigned char other[DIGEST_SIZE] = {9, 9, 9};

static void only_what_was_added_is_known(void **state)
{
    (void)state;
    struct kept *kept = kept_new();
    assert_non_null(kept);
    assert_false(kept_has(kept, one));
    kept_add(kept, one);
    assert_true(kept_has(kept, one));
    assert_false(kept_has(kept, same_place));
    assert_false(kept_has(kept, other));
    kept_free(kept);
}

static void later_object_takes_the_place_of_an_earlier(void **state)
{
    (void)state;
    struct kept *kept = kept_new();
    assert_non_null(kept);
    kept_add(kept, one);
    kept_add(kept, other);
    kept_add(kept, same_place);
    assert_false(kept_has(kept, one));
    assert_true(kept_has(kept, same_place));
    assert_true(kept_has(kept, other));
    kept_free(kept);
}

static void without_a_record_nothing_is_known(void **state)
{
    (void)state;
    kept_add(NULL, one);
    assert_false(kept_has(NULL, one));
    kept_free(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_was_added_is_known),
        cmocka_unit_test(later_object_takes_the_place_of_an_earlier),
        cmocka_unit_test(without_a_record_nothing_is_known),
    };
    return cmocka_run_group_tests_name("evidence/kept", tests, NULL, NULL);
}
