#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/refresh.h"
#include "access/revoke.h"
#include "evidence/refusals.h"
#include "retention.h"
#include "store/sql.h"
#include "tests/access/world.h"
#include "tests/portal/visiting.h"

enum { DAY = 86400, HOUR_MS = 3600000 };

static const char grants[] = "SELECT count(*) FROM grants";

static int set_up(void **state)
{
    int failed = world_set_up(state);
    world.app.config.grants_days = 10;
    world.app.config.outbox_days = 20;
    world.app.config.access_log_days = 30;
    world.app.config.certificates_days = 40;
    world.app.config.refusals_days = 50;
    return failed;
}

/* A whole pass, that many seconds from now. */
static void pass_after(int64_t seconds)
{
    world.app.retention = (struct retention){.kind = 0};
    for (int i = 0; world.app.retention.rest_until == 0; i++) {
        assert_in_range(i, 0, 1000);
        assert_int_equal(retention_run(&world.app, world.now + seconds, 1), IDP_OK);
    }
}

static const struct grant *usual(void)
{
    struct browser browser = signed_in(LOCK_BELL);
    return granted(CLIENT_PLATFORM, &browser);
}

static void each_kind_is_kept_as_long_as_the_settings_say(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    (void)granted(CLIENT_PLATFORM, &browser);
    assert_int_equal(
        revoke_session(&world.app.access, world.arena, session_of(&browser), "test", world.now),
        IDP_OK);
    /* written by the real clock */
    world_sql("UPDATE audit SET at_ms = (SELECT min(ended) FROM grants) * 1000");
    int64_t outbox = world_number("SELECT count(*) FROM outbox");
    assert_true(outbox > 0);
    pass_after(11 * DAY);
    assert_int_equal(world_number(grants), 1);
    pass_after(11 * DAY + 1);
    assert_int_equal(world_number(grants), 0);
    pass_after(20 * DAY);
    assert_int_equal(world_number("SELECT count(*) FROM outbox"), outbox);
    pass_after(20 * DAY + 1);
    assert_int_equal(world_number("SELECT count(*) FROM outbox"), 0);
    pass_after(30 * DAY);
    assert_int_equal(world_number("SELECT count(*) FROM audit WHERE event = 'session_left'"), 1);
    pass_after(30 * DAY + 1);
    assert_int_equal(world_number("SELECT count(*) FROM audit WHERE event = 'session_left'"), 0);
}

static void what_was_seen_and_refused_is_kept_as_long_as_the_settings_say(void **state)
{
    (void)state;
    static const char certificates[] = "SELECT count(*) FROM certificates";
    static const char refusals[] = "SELECT count(*) FROM refusals";
    struct browser browser = visitor();
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    expect_error(sign_in(&browser, LOCK_NEW, NULL), 403, "lock.not_bound");
    assert_int_equal(refusals_flush(world.app.refusals, world.app.db), IDP_OK);
    pass_after(40 * DAY);
    assert_int_equal(world_number(certificates), 2);
    pass_after(40 * DAY + 1);
    assert_int_equal(world_number(certificates), 1); /* that of the bound lock */
    assert_int_equal(world_number(refusals), 1);
    pass_after(50 * DAY);
    assert_int_equal(world_number(refusals), 1);
    pass_after(51 * DAY);
    assert_int_equal(world_number(refusals), 0);
    assert_int_equal(world_number(certificates), 1);
}

static void what_can_be_proved_is_there_after_a_hundred_years(void **state)
{
    (void)state;
    struct browser browser = visitor();
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    (void)granted(CLIENT_PLATFORM, &browser);
    int64_t rows = world_number("SELECT count(*) FROM audit");
    int64_t objects = world_number("SELECT count(*) FROM evidence_objects");
    assert_true(rows > 0 && objects > 0);
    pass_after(INT64_C(36500) * DAY);
    assert_int_equal(world_number(grants), 0);
    assert_int_equal(world_number("SELECT count(*) FROM audit"), rows);
    assert_int_equal(world_number("SELECT count(*) FROM evidence_objects"), objects);
}

static void grant_that_was_deleted_is_not_found_and_comes_back_by_nothing(void **state)
{
    (void)state;
    const struct grant *found = NULL;
    const struct grant *grant = usual();
    pass_after(12 * DAY);
    world_lose_kv(); /* its copy has run out long before */
    assert_int_equal(grant_find(&world.app.access, world.arena, grant->id, &found), IDP_NOT_FOUND);
    assert_int_equal(grant_find(&world.app.access, world.arena, grant->id, &found), IDP_NOT_FOUND);
    assert_int_equal(revoke_grant(&world.app.access, world.arena, grant->id, "again", world.now),
                     IDP_OK);
    assert_int_equal(world_number(grants), 0);
}

static enum idp_err begin_family(struct sql_tx *tx, void *with)
{
    return refresh_begin(&world.app.access, tx, with);
}

static void refresh_token_of_a_deleted_grant_is_no_good(void **state)
{
    (void)state;
    const char *text = NULL;
    const char *next = NULL;
    struct refresh_token token;
    const struct grant *grant = usual();
    struct grant whole = *grant;
    assert_int_equal(sql_transact(world.app.db, begin_family, &whole), IDP_OK);
    assert_int_equal(refresh_first(&world.app.access, world.arena, grant, &text), IDP_OK);
    assert_int_equal(refresh_read(&world.app.access, text, &token), IDP_OK);
    int64_t life = world_number("SELECT expires FROM refresh_families") - world.now;
    pass_after(life + 11 * DAY);
    assert_int_equal(world_number(grants), 1);
    pass_after(life + 11 * DAY + 1);
    assert_int_equal(world_number(grants), 0);
    assert_int_equal(
        refresh_rotate(&world.app.access, world.arena, &token, world.now * 1000, &next),
        IDP_BAD_GRANT);
}

static void after_a_whole_pass_the_job_rests_for_an_hour(void **state)
{
    (void)state;
    int64_t late = world.now + 100 * DAY;
    pass_after(0);
    (void)usual();
    assert_int_equal(retention_run(&world.app, late, HOUR_MS), IDP_OK);
    assert_int_equal(world_number(grants), 1);
    assert_int_equal(retention_run(&world.app, late, HOUR_MS + 1), IDP_OK);
    assert_int_equal(world_number(grants), 0);
}

static void database_that_fails_is_tried_again_at_the_same_place(void **state)
{
    (void)state;
    int64_t late = world.now + 100 * DAY;
    (void)usual();
    world_sql_is_down(true);
    assert_int_equal(retention_run(&world.app, late, 1), IDP_UNAVAILABLE);
    world_sql_is_down(false);
    assert_int_equal(world_number(grants), 1);
    assert_int_equal(world.app.retention.kind, 0);
    assert_int_equal(retention_run(&world.app, late, 2), IDP_OK);
    assert_int_equal(world_number(grants), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, world_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(each_kind_is_kept_as_long_as_the_settings_say),
        TEST(what_was_seen_and_refused_is_kept_as_long_as_the_settings_say),
        TEST(what_can_be_proved_is_there_after_a_hundred_years),
        TEST(grant_that_was_deleted_is_not_found_and_comes_back_by_nothing),
        TEST(refresh_token_of_a_deleted_grant_is_no_good),
        TEST(after_a_whole_pass_the_job_rests_for_an_hour),
        TEST(database_that_fails_is_tried_again_at_the_same_place),
    };
    return cmocka_run_group_tests_name("top/retention", tests, world_prepare, world_forget);
}
