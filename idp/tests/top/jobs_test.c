#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "access/revoke.h"
#include "access/watched.h"
#include "base/clock.h"
#include "jobs.h"
#include "pki/revocation/watch.h"
#include "store/generation.h"
#include "store/sql.h"
#include "tests/access/post.h"

static enum idp_err hear_nothing(void *with, int64_t generation)
{
    (void)with;
    (void)generation;
    return IDP_OK;
}

static void begin_watches(void)
{
    static const struct generation_listener listener = {.changed = hear_nothing};
    const struct watch_hook hook = {.context = &world.app.access, .turned = watched_turned};
    assert_int_equal(generation_watch_start(world.app.db, "node", &listener, &world.app.watch),
                     IDP_OK);
    world.app.lock_watch = watch_new(world.app.pki, &hook);
    assert_non_null(world.app.lock_watch);
}

static void end_watches(void)
{
    generation_watch_stop(world.app.watch);
    watch_free(world.app.lock_watch);
}

static int set_up(void **state)
{
    int failed = world_set_up(state);
    begin_watches();
    return failed;
}

static int tear_down(void **state)
{
    end_watches();
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

static const char undelivered[] =
    "SELECT COUNT(*) FROM outbox WHERE queue = 'tombstones' AND delivered IS NULL";

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

/* --- mail ------------------------------------------------------------------------------------ */

static int set_up_post(void **state)
{
    int failed = post_set_up(state);
    begin_watches();
    world.app.access.message_retry_s = 1;
    return failed;
}

static int tear_down_post(void **state)
{
    end_watches();
    return post_tear_down(state);
}

static const char unsent[] =
    "SELECT COUNT(*) FROM outbox WHERE queue = 'messages' AND delivered IS NULL";

/* Mails that are due by the real clock. */
static void leave_mails(int count)
{
    for (int i = 0; i < count; i++)
        world_sql(
            arena_printf(world.arena,
                         "INSERT INTO outbox (id, queue, kind, target, body, created, due_ms, "
                         "attempts) VALUES ('mail-%02d', 'messages', 'mail', 'a@b.example', "
                         "'{\"news\":\"enterprise_resumed\",\"name\":\"Bell\"}', 1, %d, 0)",
                         i, i));
}

static void slow_mail_server_delays_no_tombstone(void **state)
{
    (void)state;
    struct jobs *jobs = NULL;
    leave_mails(1);
    smtp_peer_says(post.peer, "END", ""); /* has the mail, and says nothing */
    assert_int_equal(jobs_start(&world.app, "node", &jobs), IDP_OK);
    assert_true(becomes_zero("SELECT COUNT(*) FROM outbox WHERE attempts = 0"));
    leave_a_tombstone_out();
    bool delivered = becomes_zero(undelivered);
    jobs_stop(jobs); /* which does not wait for the mail server either */
    assert_true(delivered);
    assert_int_equal(world_number(unsent), 1);
}

static void dead_mail_server_gets_the_mail_when_it_is_back(void **state)
{
    (void)state;
    struct jobs *jobs = NULL;
    leave_mails(1);
    smtp_peer_says(post.peer, "HELLO", "!");
    assert_int_equal(jobs_start(&world.app, "node", &jobs), IDP_OK);
    assert_true(becomes_zero("SELECT COUNT(*) FROM outbox WHERE failure IS NULL"));
    smtp_peer_says(post.peer, "HELLO", NULL);
    bool sent = becomes_zero(unsent);
    jobs_stop(jobs);
    assert_true(sent);
    assert_int_equal(smtp_peer_taken(post.peer), 1);
}

static void two_nodes_send_each_mail_once(void **state)
{
    (void)state;
    struct app other = world.app;
    struct jobs *jobs[2] = {NULL, NULL};
    assert_int_equal(sql_open(world.where, NULL, &other.db), IDP_OK);
    other.access.db = other.db;
    leave_mails(20);
    assert_int_equal(jobs_start(&world.app, "one", &jobs[0]), IDP_OK);
    assert_int_equal(jobs_start(&other, "two", &jobs[1]), IDP_OK);
    bool sent = becomes_zero(unsent);
    jobs_stop(jobs[0]);
    jobs_stop(jobs[1]);
    sql_close(other.db);
    assert_true(sent);
    assert_int_equal(smtp_peer_taken(post.peer), 20);
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

#define MAIL_TEST(f) cmocka_unit_test_setup_teardown(f, set_up_post, tear_down_post)
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(outbox_is_delivered_by_itself),
        TEST(node_without_the_lease_leaves_shared_jobs_alone),
        TEST(node_that_stops_leaves_its_jobs_to_the_next),
        MAIL_TEST(slow_mail_server_delays_no_tombstone),
        MAIL_TEST(dead_mail_server_gets_the_mail_when_it_is_back),
        MAIL_TEST(two_nodes_send_each_mail_once),
        TEST(job_that_fails_runs_again),
        TEST(stopping_is_quick_and_nothing_may_be_stopped),
    };
    return cmocka_run_group_tests_name("top/jobs", tests, world_prepare, world_forget);
}
