#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pki/ocsp/services.h"

enum { DEADLINE_MS = 4000, NOW = 1000000 };

static const char *names[] = {"http://a.example/", "http://b.example/", "http://c.example/"};
static const struct urls urls = {.list = names, .count = 3};

static struct world {
    struct services services;
    struct service_turn turns[RULES_OCSP_MAX];
    int64_t now;
} w;

static int set_up(void **state)
{
    (void)state;
    services_init(&w.services);
    w.now = NOW;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    services_clear(&w.services);
    return 0;
}

/* The first letters of the hosts in their turn. */
static void expect_order(const char *letters)
{
    char order[RULES_OCSP_MAX + 1] = "";
    size_t n = services_order(&w.services, &urls, DEADLINE_MS, w.now, w.turns);
    for (size_t i = 0; i < n; i++)
        order[i] = w.turns[i].url[strlen("http://")];
    assert_string_equal(order, letters);
}

static void won(const char *url, int64_t took_us)
{
    services_count(&w.services,
                   &(struct service_outcome){.url = url, .result = SERVICE_WON, .took_us = took_us},
                   w.now);
}

static void lost(const char *url, int64_t took_us, bool hedged)
{
    services_count(&w.services,
                   &(struct service_outcome){
                       .url = url, .hedged = hedged, .result = SERVICE_LOST, .took_us = took_us},
                   w.now);
}

static void of_no_use(const char *url, enum ocsp_fault fault)
{
    services_count(
        &w.services,
        &(struct service_outcome){.url = url, .result = SERVICE_UNUSABLE, .fault = fault}, w.now);
}

static unsigned patience(void)
{
    (void)services_order(&w.services, &urls, DEADLINE_MS, w.now, w.turns);
    return w.turns[0].patience_ms;
}

static void list_says_the_order(void **state)
{
    (void)state;
    expect_order("abc");
}

static void one_of_no_use_comes_last_for_a_while(void **state)
{
    (void)state;
    of_no_use(names[0], FAULT_SILENT);
    expect_order("bca");
    of_no_use(names[1], FAULT_SIGNER);
    expect_order("cab"); /* those that are down in the list's order, too */
    w.now += SERVICES_DOWN_MS - 1;
    expect_order("cab");
    w.now += 1;
    expect_order("abc");
}

static void one_that_answers_well_again_is_back(void **state)
{
    (void)state;
    of_no_use(names[0], FAULT_HTTP);
    won(names[0], 1000);
    expect_order("abc");
}

static void one_that_loses_again_and_again_comes_last(void **state)
{
    (void)state;
    lost(names[0], 500000, false);
    lost(names[0], 500000, false);
    expect_order("abc");
    lost(names[0], 500000, false);
    expect_order("bca");
    /* Once more after the pause is enough. */
    w.now += SERVICES_DOWN_MS;
    expect_order("abc");
    lost(names[0], 500000, false);
    expect_order("bca");
}

static void later_one_does_not_suffer_from_losing(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        lost(names[1], 10, true);
    expect_order("abc");
}

static void unknown_address_has_a_quarter_of_the_deadline(void **state)
{
    (void)state;
    assert_int_equal(patience(), DEADLINE_MS / 4);
}

static void known_address_has_its_usual_time(void **state)
{
    (void)state;
    for (int i = 0; i < 95; i++)
        won(names[0], 100000);
    for (int i = 0; i < 5; i++)
        won(names[0], 900000);
    assert_in_range(patience(), 100, 130);
}

static void patience_has_bounds(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        won(names[0], 1);
    assert_int_equal(patience(), SERVICES_PATIENCE_MIN_MS);
    for (int i = 0; i < 1000; i++)
        won(names[0], 3500000);
    assert_int_equal(patience(), DEADLINE_MS / 2);
}

/* It was quick once, and is slow now: it never ends a race, but it is known all the same. */
static void time_of_one_broken_off_counts_where_it_is_long(void **state)
{
    struct service service;
    (void)state;
    for (int i = 0; i < 20; i++)
        won(names[0], 100000);
    lost(names[0], 50000, false);
    services_look(&w.services, names[0], &service);
    assert_int_equal(service.latency.count, 20);
    lost(names[0], 200000, false);
    services_look(&w.services, names[0], &service);
    assert_int_equal(service.latency.count, 21);
    lost(names[0], 200000, true);
    services_look(&w.services, names[0], &service);
    assert_int_equal(service.latency.count, 21);
}

static void all_is_counted(void **state)
{
    struct service service;
    (void)state;
    services_look(&w.services, names[0], &service);
    assert_int_equal(service.asked, 0);
    won(names[0], 1);
    lost(names[0], 1, true);
    of_no_use(names[0], FAULT_NONCE);
    of_no_use(names[0], FAULT_NONCE);
    services_look(&w.services, names[0], &service);
    assert_int_equal(service.asked, 4);
    assert_int_equal(service.won, 1);
    assert_int_equal(service.lost, 1);
    assert_int_equal(service.hedged, 1);
    assert_int_equal(service.unusable[FAULT_NONCE], 2);
    assert_int_equal(service.unusable[FAULT_SILENT], 0);
}

/* Lists come and go; what was asked last is kept. */
static void addresses_are_bounded(void **state)
{
    char name[32];
    struct service service;
    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "http://%d.example/", i);
        w.now++;
        won(name, 1);
        won(names[0], 1);
    }
    services_look(&w.services, names[0], &service);
    assert_int_equal(service.asked, 100);
    services_look(&w.services, name, &service);
    assert_int_equal(service.asked, 1);
    services_look(&w.services, "http://0.example/", &service);
    assert_int_equal(service.asked, 0);
    assert_int_equal(w.services.count, SERVICES_MAX);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(list_says_the_order),
        TEST(one_of_no_use_comes_last_for_a_while),
        TEST(one_that_answers_well_again_is_back),
        TEST(one_that_loses_again_and_again_comes_last),
        TEST(later_one_does_not_suffer_from_losing),
        TEST(unknown_address_has_a_quarter_of_the_deadline),
        TEST(known_address_has_its_usual_time),
        TEST(patience_has_bounds),
        TEST(time_of_one_broken_off_counts_where_it_is_long),
        TEST(all_is_counted),
        TEST(addresses_are_bounded),
    };
    return cmocka_run_group_tests_name("pki/services", tests, NULL, NULL);
}
