/* Lanes, clocks and randomness: little to say, but everything stands on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/lane.h"
#include "base/random.h"

static void *ask(void *arg)
{
    *(bool *)arg = lane_may_wait();
    return NULL;
}

static void each_thread_has_its_own_word(void **state)
{
    (void)state;
    bool other = false;
    pthread_t thread;
    assert_true(lane_may_wait());
    lane_set_may_wait(false);
    assert_false(lane_may_wait());
    assert_int_equal(pthread_create(&thread, NULL, ask, &other), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(other);
    lane_set_may_wait(true);
    assert_true(lane_may_wait());
}

static void clocks_agree_with_themselves(void **state)
{
    (void)state;
    int64_t before = clock_ticks_us();
    int64_t between = clock_ticks_ms();
    int64_t after = clock_ticks_us();
    assert_true(before / 1000 <= between && between <= after / 1000);
    assert_true(clock_now() > 1700000000);
    int64_t apart = clock_now_ms() / 1000 - clock_now();
    assert_true(apart >= -1 && apart <= 1);
}

static void random_bytes_fill_and_differ(void **state)
{
    (void)state;
    unsigned char a[32] = {0};
    unsigned char b[32] = {0};
    assert_int_equal(random_bytes(a, sizeof(a)), IDP_OK);
    assert_int_equal(random_bytes(b, sizeof(b)), IDP_OK);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_int_equal(random_bytes(a, SIZE_MAX), IDP_FAULT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_thread_has_its_own_word),
        cmocka_unit_test(clocks_agree_with_themselves),
        cmocka_unit_test(random_bytes_fill_and_differ),
    };
    return cmocka_run_group_tests_name("base/lane", tests, NULL, NULL);
}
