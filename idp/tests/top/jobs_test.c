#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "access/revoke.h"
#include "base/clock.h"
#include "jobs.h"
#include "store/generation.h"
#include "tests/access/world.h"

static enum idp_err hear_nothing(void *with, int64_t generation)
{
    (void)with;
    (void)generation;
    return IDP_OK;
}

static int set_up(void **state)
{
    static const struct generation_listener listener = {.changed = hear_nothing};
    int failed = world_set_up(state);
    assert_int_equal(generation_watch_start(world.app.db, "node", &listener, &world.app.watch),
                     IDP_OK);
    return failed;
}

static int tear_down(void **state)
{
    generation_watch_stop(world.app.watch);
    return world_tear_down(state);
}

static void sleep_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* Waits until the query is 0, for at most ten seconds. */
static bool becomes_zero(const char *query)
{
    for (int64_t end = clock_ticks_ms() + 10000; clock_ticks_ms() < end; sleep_ms(20))
        if (world_number(query) == 0)
            return true;
    return false;
}

static const char undelivered[] = "SELECT COUNT(*) FROM outbox WHERE delivered IS NULL";

/* A tombstone that a crash left out, due now by the real clock. */
static void leave_a_tombstone_out(void)
{
    struct browser browser = signed_in(LOCK_BELL);
    const struct grant *grant = granted(CLIENT_PLATFORM, &browser);
    world.kv.error = IDP_UNAVAILABLE;
    world.kv.calls = FAULTY_PUT;
    world.kv.kinds = 1u << KV_GRANT;
    assert_int_equal(
        revoke_grant(&world.app.access, world.arena, grant->id, "test", clock_now() - 10),
        IDP_UNAVAILABLE);
    world_kv_is_down(false);
    assert_int_equal(world_number(undelivered), 1);
}

static void outbox_is_delivered_by_itself(void **state)
{
    (void)state;
    struct jobs *jobs = NULL;
    leave_a_tombstone_out();
    assert_int_equal(jobs_start(&world.app, "node", &jobs), IDP_OK);
    bool delivered = becomes_zero(undelivered);
    jobs_stop(jobs);
    assert_true(delivered);
}

static void node_without_the_lease_leaves_shared_jobs_alone(void **state)
{
    (void)state;
    struct jobs *jobs = NULL;
    leave_a_tombstone_out();
    world_sql("INSERT INTO leases (job, node, until_ms) "
              "VALUES ('tombstones', 'another', 9000000000000)");
    assert_int_equal(jobs_start(&world.app, "node", &jobs), IDP_OK);
    sleep_ms(1500);
    jobs_stop(jobs);
    assert_int_equal(world_number(undelivered), 1);
    assert_string_equal(world_text("SELECT node FROM leases"), "another");
}

static void node_that_stops_leaves_its_jobs_to_the_next(void **state)
{
    (void)state;
    struct jobs *jobs = NULL;
    struct jobs *next = NULL;
    assert_int_equal(jobs_start(&world.app, "node", &jobs), IDP_OK);
    assert_true(becomes_zero("SELECT COUNT(*) = 0 FROM leases WHERE node = 'node'"));
    assert_int_equal(jobs_start(&world.app, "next", &next), IDP_OK);
    jobs_stop(jobs);
    leave_a_tombstone_out();
    bool delivered = becomes_zero(undelivered);
    assert_string_equal(world_text("SELECT node FROM leases"), "next");
    jobs_stop(next);
    assert_true(delivered);
    assert_int_equal(world_number("SELECT COUNT(*) FROM leases"), 0);
}

static void job_that_fails_runs_again(void **state)
{
    (void)state;
    struct jobs *jobs = NULL;
    leave_a_tombstone_out();
    world.sql.read = IDP_UNAVAILABLE;
    assert_int_equal(jobs_start(&world.app, "node", &jobs), IDP_OK);
    sleep_ms(700);
    assert_int_equal(world_number(undelivered), 1);
    world.sql.read = IDP_OK;
    bool delivered = becomes_zero(undelivered);
    jobs_stop(jobs);
    assert_true(delivered);
}

static void stopping_is_quick_and_nothing_may_be_stopped(void **state)
{
    (void)state;
    struct jobs *jobs = NULL;
    int64_t before = clock_ticks_ms();
    assert_int_equal(jobs_start(&world.app, "node", &jobs), IDP_OK);
    jobs_stop(jobs);
    jobs_stop(NULL);
    assert_true(clock_ticks_ms() - before < 2000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(outbox_is_delivered_by_itself),
        TEST(node_without_the_lease_leaves_shared_jobs_alone),
        TEST(node_that_stops_leaves_its_jobs_to_the_next),
        TEST(job_that_fails_runs_again),
        TEST(stopping_is_quick_and_nothing_may_be_stopped),
    };
    return cmocka_run_group_tests_name("top/jobs", tests, world_prepare, world_forget);
}
