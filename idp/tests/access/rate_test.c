#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/launch.h"
#include "access/rate.h"
#include "tests/access/world.h"

/* --- launches -------------------------------------------------------------------------------- */

static enum idp_err take_launch(const struct browser *browser, const char *client)
{
    return launch_take(&world.app.access, session_of(browser), client);
}

static void launch_is_remembered_for_its_session_and_client_and_used_once(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct browser another = signed_in(LOCK_BELL);
    assert_int_equal(launch_begin(&world.app.access, session_of(&browser), "platform"), IDP_OK);
    assert_int_equal(take_launch(&browser, "other"), IDP_NOT_FOUND);
    assert_int_equal(take_launch(&another, "platform"), IDP_NOT_FOUND);
    assert_int_equal(take_launch(&browser, "platform"), IDP_OK);
    assert_int_equal(take_launch(&browser, "platform"), IDP_NOT_FOUND);
}

static void dead_store_is_not_a_missing_launch(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct session *session = session_of(&browser);
    world_kv_is_down(true);
    assert_int_equal(launch_begin(&world.app.access, session, "platform"), IDP_UNAVAILABLE);
    assert_int_equal(launch_take(&world.app.access, session, "platform"), IDP_UNAVAILABLE);
}

/* --- rates ----------------------------------------------------------------------------------- */

static enum idp_err count(const char *what, const char *who, int64_t per_minute)
{
    const struct rate rate = {what, who, per_minute};
    return rate_take(&world.app.access, &rate, world.now);
}

static void measure_is_full_after_so_many(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(count("challenge", "192.0.2.1", 5), IDP_OK);
    assert_int_equal(count("challenge", "192.0.2.1", 5), IDP_LIMITED);
    assert_int_equal(count("challenge", "192.0.2.2", 5), IDP_OK);
    assert_int_equal(count("authorize", "192.0.2.1", 5), IDP_OK);
    world.now += 60;
    assert_int_equal(count("challenge", "192.0.2.1", 5), IDP_OK);
}

static void no_limit_counts_nothing(void **state)
{
    (void)state;
    world_kv_is_down(true);
    assert_int_equal(count("challenge", "192.0.2.1", 0), IDP_OK);
}

static void checking_counts_nothing(void **state)
{
    (void)state;
    const struct rate rate = {"failure", "192.0.2.1", 2};
    for (int i = 0; i < 5; i++)
        assert_int_equal(rate_check(&world.app.access, world.arena, &rate, world.now), IDP_OK);
    assert_int_equal(rate_take(&world.app.access, &rate, world.now), IDP_OK);
    assert_int_equal(rate_check(&world.app.access, world.arena, &rate, world.now), IDP_OK);
    assert_int_equal(rate_take(&world.app.access, &rate, world.now), IDP_OK);
    assert_int_equal(rate_check(&world.app.access, world.arena, &rate, world.now), IDP_LIMITED);
}

static void full_counter_store_limits_nobody_new(void **state)
{
    (void)state;
    world.kv.error = IDP_FULL;
    world.kv.calls = FAULTY_COUNT;
    assert_int_equal(count("challenge", "192.0.2.1", 1), IDP_OK);
    assert_int_equal(count("challenge", "192.0.2.1", 1), IDP_OK);
}

static void dead_counter_store_lets_nobody_through(void **state)
{
    (void)state;
    world_kv_is_down(true);
    assert_int_equal(count("challenge", "192.0.2.1", 1), IDP_UNAVAILABLE);
}

static void name_of_any_length_can_be_limited(void **state)
{
    (void)state;
    const char *who = arena_printf(world.arena, "%0500d", 1);
    assert_int_equal(count("challenge", who, 1), IDP_OK);
    assert_int_equal(count("challenge", who, 1), IDP_LIMITED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(launch_is_remembered_for_its_session_and_client_and_used_once),
        WORLD_TEST(dead_store_is_not_a_missing_launch),
        WORLD_TEST(measure_is_full_after_so_many),
        WORLD_TEST(no_limit_counts_nothing),
        WORLD_TEST(checking_counts_nothing),
        WORLD_TEST(full_counter_store_limits_nobody_new),
        WORLD_TEST(dead_counter_store_lets_nobody_through),
        WORLD_TEST(name_of_any_length_can_be_limited),
    };
    return cmocka_run_group_tests_name("access/rate", tests, world_prepare, world_forget);
}
