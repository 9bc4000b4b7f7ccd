#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pki/ocsp/latency.h"

static void add(struct latency *latency, int64_t took_us, int times)
{
    for (int i = 0; i < times; i++)
        latency_add(latency, took_us);
}

/* Not less than the truth, and at most a quarter more. */
static void assert_near(int64_t estimate, int64_t truth)
{
    assert_in_range(estimate, truth, truth + truth / 4 + 1);
}

static void few_times_say_nothing(void **state)
{
    struct latency latency = {.count = 0};
    (void)state;
    add(&latency, 1000, LATENCY_FEW - 1);
    assert_int_equal(latency_quantile(&latency, 95), 0);
    add(&latency, 1000, 1);
    assert_near(latency_quantile(&latency, 95), 1000);
}

static void quantiles_are_near_the_truth(void **state)
{
    struct latency latency = {.count = 0};
    (void)state;
    for (int i = 1; i <= 200; i++)
        latency_add(&latency, i * 1000);
    assert_near(latency_quantile(&latency, 50), 100000);
    assert_near(latency_quantile(&latency, 95), 190000);
    assert_near(latency_quantile(&latency, 100), 200000);
}

static void every_time_has_its_bucket(void **state)
{
    (void)state;
    for (int64_t us = 600; us < 30000000; us += us / 7) {
        struct latency latency = {.count = 0};
        add(&latency, us, LATENCY_FEW);
        assert_near(latency_quantile(&latency, 50), us);
    }
}

static void shortest_and_longest_have_a_place_too(void **state)
{
    struct latency latency = {.count = 0};
    (void)state;
    add(&latency, 0, LATENCY_FEW);
    assert_in_range(latency_quantile(&latency, 95), 1, 1000);
    add(&latency, INT64_MAX, LATENCY_FEW);
    assert_in_range(latency_quantile(&latency, 95), 25000000, 40000000);
}

/* A service that became slow is known as slow before long, and the other way round. */
static void what_was_long_ago_is_forgotten(void **state)
{
    struct latency latency = {.count = 0};
    (void)state;
    add(&latency, 1000, 100000);
    add(&latency, 80000, LATENCY_KEPT);
    assert_near(latency_quantile(&latency, 50), 80000);
    add(&latency, 1000, 8 * LATENCY_KEPT);
    assert_near(latency_quantile(&latency, 95), 1000);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_times_say_nothing),
        cmocka_unit_test(quantiles_are_near_the_truth),
        cmocka_unit_test(every_time_has_its_bucket),
        cmocka_unit_test(shortest_and_longest_have_a_place_too),
        cmocka_unit_test(what_was_long_ago_is_forgotten),
    };
    return cmocka_run_group_tests_name("pki/latency", tests, NULL, NULL);
}
