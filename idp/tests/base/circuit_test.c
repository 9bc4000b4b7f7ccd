#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/circuit.h"
#include "base/log.h"

enum { THREADS = 64, PAUSE = 1000, MISSED = 5000 };

static struct circuit circuit;

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    circuit_init(&circuit, "test", PAUSE);
    return 0;
}

static void closed_circuit_lets_every_call_through(void **state)
{
    (void)state;
    assert_true(circuit_allows(&circuit, 0));
    assert_true(circuit_allows(&circuit, 0));
}

static void after_a_missed_deadline_calls_fail_at_once(void **state)
{
    (void)state;
    circuit_missed(&circuit, MISSED);
    assert_false(circuit_allows(&circuit, MISSED));
    assert_false(circuit_allows(&circuit, MISSED + PAUSE - 1));
}

static void one_probe_goes_in_each_pause(void **state)
{
    (void)state;
    circuit_missed(&circuit, MISSED);
    assert_true(circuit_allows(&circuit, MISSED + PAUSE));
    assert_false(circuit_allows(&circuit, MISSED + PAUSE));
    assert_false(circuit_allows(&circuit, MISSED + 2 * PAUSE - 1));
    assert_true(circuit_allows(&circuit, MISSED + 2 * PAUSE));
}

static void whether_it_is_open_can_be_read(void **state)
{
    (void)state;
    assert_false(circuit_is_open(&circuit));
    circuit_missed(&circuit, MISSED);
    assert_true(circuit_is_open(&circuit));
    assert_true(circuit_allows(&circuit, MISSED + PAUSE));
    assert_true(circuit_is_open(&circuit)); /* a probe alone does not close it */
    circuit_answered(&circuit);
    assert_false(circuit_is_open(&circuit));
}

static void an_answered_probe_closes_it(void **state)
{
    (void)state;
    circuit_missed(&circuit, MISSED);
    assert_true(circuit_allows(&circuit, MISSED + PAUSE));
    circuit_answered(&circuit);
    assert_true(circuit_allows(&circuit, MISSED + PAUSE));
    assert_true(circuit_allows(&circuit, MISSED + PAUSE));
}

static void a_missed_probe_keeps_it_open(void **state)
{
    (void)state;
    circuit_missed(&circuit, MISSED);
    assert_true(circuit_allows(&circuit, MISSED + PAUSE));
    circuit_missed(&circuit, MISSED + 3 * PAUSE);
    assert_false(circuit_allows(&circuit, MISSED + 4 * PAUSE - 1));
}

static void *try_to_probe(void *won)
{
    if (circuit_allows(&circuit, MISSED + PAUSE))
        atomic_fetch_add((_Atomic int *)won, 1);
    return NULL;
}

static void of_64_threads_one_is_the_probe(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    _Atomic int won = 0;
    circuit_missed(&circuit, MISSED);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, try_to_probe, &won), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(won, 1);
}

#define TEST(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(closed_circuit_lets_every_call_through),
        TEST(after_a_missed_deadline_calls_fail_at_once),
        TEST(one_probe_goes_in_each_pause),
        TEST(whether_it_is_open_can_be_read),
        TEST(an_answered_probe_closes_it),
        TEST(a_missed_probe_keeps_it_open),
        TEST(of_64_threads_one_is_the_probe),
    };
    return cmocka_run_group_tests_name("base/circuit", tests, NULL, NULL);
}
