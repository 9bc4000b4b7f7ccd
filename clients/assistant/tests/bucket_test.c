#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "assistant/bucket.h"

static void empty(struct buckets *buckets, size_t origin, int64_t now)
{
    for (int i = 0; i < BUCKET_SIZE; i++)
        assert_true(bucket_take(buckets, origin, now));
    assert_false(bucket_take(buckets, origin, now));
}

static void bucket_holds_so_many_and_no_more(void **state)
{
    (void)state;
    struct buckets buckets = {0};
    empty(&buckets, 0, 1000000);
}

static void bucket_fills_with_time(void **state)
{
    (void)state;
    struct buckets buckets = {0};
    empty(&buckets, 0, 1000000);
    assert_false(bucket_take(&buckets, 0, 1000000 + BUCKET_REFILL_MS - 1));
    assert_true(bucket_take(&buckets, 0, 1000000 + BUCKET_REFILL_MS));
    assert_false(bucket_take(&buckets, 0, 1000000 + BUCKET_REFILL_MS));
    empty(&buckets, 0, 9000000); /* full again, and not fuller */
}

static void one_origin_does_not_drain_another(void **state)
{
    (void)state;
    struct buckets buckets = {0};
    empty(&buckets, 0, 1000000);
    assert_true(bucket_take(&buckets, 1, 1000000));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bucket_holds_so_many_and_no_more),
        cmocka_unit_test(bucket_fills_with_time),
        cmocka_unit_test(one_origin_does_not_drain_another),
    };
    return cmocka_run_group_tests_name("assistant/bucket", tests, NULL, NULL);
}
