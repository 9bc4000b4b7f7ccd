/* The periodic tasks that look after the provider's own keys. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "access/watched.h"
#include "base/clock.h"
#include "base/log.h"
#include "jobs.h"
#include "jose/sign.h"
#include "pki/revocation/watch.h"
#include "store/generation.h"
#include "tests/access/world.h"
#include "tests/help.h"

static enum idp_err hear_nothing(void *with, int64_t generation)
{
    (void)with, (void)generation;
    return IDP_OK;
}

static int set_up(void **state)
{
    static const struct generation_listener listener = {.changed = hear_nothing};
    const struct watch_hook hook = {.context = &world.app.access, .turned = watched_turned};
    int failed = world_set_up(state);
    assert_int_equal(generation_watch_start(world.app.db, "node", &listener, &world.app.watch),
                     IDP_OK);
    world.app.lock_watch = watch_new(world.app.pki, &hook);
    assert_non_null(world.app.lock_watch);
    return failed;
}

static int tear_down(void **state)
{
    generation_watch_stop(world.app.watch);
    watch_free(world.app.lock_watch);
    return world_tear_down(state);
}

static void sleep_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* Keys that have signed for longer than they should. */
static void let_keys_grow_old(void)
{
    world_sql("UPDATE signing_keys SET active_from = 1000, published = 1000");
    world.app.key_policy.rotate_s = 1000;
    signer_close(world.app.signer);
    assert_int_equal(signer_open(world.app.db, world.app.master, &world.app.key_policy, clock_now(),
                                 &world.app.signer),
                     IDP_OK);
}

/* Waits until the query finds the number, for at most ten seconds. */
static bool becomes(const char *query, int64_t wanted)
{
    for (int64_t end = clock_ticks_ms() + 10000; clock_ticks_ms() < end; sleep_ms(20))
        if (world_number(query) == wanted)
            return true;
    return false;
}

static void successors_are_published_by_themselves_and_written_down(void **state)
{
    (void)state;
    struct jobs *jobs = NULL;
    let_keys_grow_old();
    assert_int_equal(jobs_start(&world.app, "node", &jobs), IDP_OK);
    bool published = becomes("SELECT COUNT(*) FROM signing_keys WHERE retired IS NOT NULL", 2);
    jobs_stop(jobs);
    assert_true(published);
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = "
                                  "'signing_key_published' AND detail LIKE '%\"node\"%'"),
                     2);
}

static void old_keys_of_purposes_are_removed_by_themselves(void **state)
{
    (void)state;
    struct jobs *jobs = NULL;
    world_sql("INSERT INTO purpose_keys (id, purpose, wrapped, created, retired) "
              "SELECT 99, 'token', wrapped, 1, 2 FROM purpose_keys WHERE purpose = 'token'");
    assert_int_equal(jobs_start(&world.app, "node", &jobs), IDP_OK);
    bool removed = becomes("SELECT COUNT(*) FROM purpose_keys WHERE id = 99", 0);
    jobs_stop(jobs);
    assert_true(removed);
}

/* The node that should rotate holds its lease and does nothing: the others say so. */
static void every_node_notices_that_nobody_rotates(void **state)
{
    (void)state;
    struct jobs *jobs = NULL;
    char *text = NULL;
    const char *file = arena_printf(world.arena, "%s/log", world.folder);
    world_sql("INSERT INTO leases (job, node, until_ms) "
              "VALUES ('rotate_keys', 'another', 9000000000000)");
    let_keys_grow_old();
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    log_set_fd(fd);
    assert_int_equal(jobs_start(&world.app, "node", &jobs), IDP_OK);
    for (int64_t end = clock_ticks_ms() + 10000; clock_ticks_ms() < end; sleep_ms(20)) {
        free(text);
        text = help_read_file(file, NULL);
        if (strstr(text, "signing_key_overdue") != NULL)
            break;
    }
    jobs_stop(jobs);
    log_set_fd(STDERR_FILENO);
    (void)close(fd);
    assert_non_null(strstr(text, "signing_key_overdue"));
    free(text);
    assert_int_equal(world_number("SELECT COUNT(*) FROM signing_keys"), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(successors_are_published_by_themselves_and_written_down),
        TEST(old_keys_of_purposes_are_removed_by_themselves),
        TEST(every_node_notices_that_nobody_rotates),
    };
    return cmocka_run_group_tests_name("top/keys jobs", tests, world_prepare, world_forget);
}
