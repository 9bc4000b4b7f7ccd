#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pki/revocation/watch_plan.h"

enum { NOW = 1795353600, RECHECK = 600, LIFE = 1000, MANY = 300 };

static struct world {
    struct plan *plan;
    struct plan_item out[MANY];
} w;

static int set_up(void **state)
{
    (void)state;
    w.plan = plan_new();
    return w.plan == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    plan_free(w.plan);
    return 0;
}

static struct plan_item item_of(unsigned n, bool signed_in)
{
    struct plan_item item = {.serial = "01", .signed_in = signed_in};
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        item.hash[i] = (unsigned char)((n + 1) * (2 * i + 37) + n / 7);
    item.hash[0] = (unsigned char)n;
    item.hash[1] = (unsigned char)(n >> 8);
    return item;
}

static void add(unsigned n, bool signed_in, int64_t now)
{
    const struct plan_item item = item_of(n, signed_in);
    assert_int_equal(plan_add(w.plan, &item, RECHECK, now), IDP_OK);
}

static bool came_of(unsigned n, enum verdict_says says, int64_t until, int64_t now)
{
    const struct again again = {.verdict.says = says, .until = until};
    const struct plan_item item = item_of(n, false);
    return plan_came_of(w.plan, item.hash, &again, RECHECK, now);
}

/* One whose answer is known until then, at NOW. */
static void add_known(unsigned n, bool signed_in, int64_t until)
{
    add(n, signed_in, NOW - PLAN_FIRST_S);
    assert_int_equal(plan_due(w.plan, true, NOW, MANY, w.out), 1);
    (void)came_of(n, VERDICT_GOOD, until, NOW);
}

/* The second after `from` at which it is due. */
static int64_t due_after(int64_t from)
{
    int64_t now = from;
    while (plan_count(w.plan, now).due == 0 && now < from + 2 * LIFE)
        now++;
    return now;
}

static void what_is_new_is_looked_at_within_a_minute_and_spread_out(void **state)
{
    (void)state;
    for (unsigned n = 0; n < MANY; n++)
        add(n, false, NOW);
    size_t half = plan_count(w.plan, NOW + PLAN_FIRST_S / 2).due;
    assert_in_range(half, MANY / 4, MANY * 3 / 4);
    assert_int_equal(plan_due(w.plan, false, NOW + PLAN_FIRST_S, MANY, w.out), 0);
    assert_int_equal(plan_due(w.plan, true, NOW + PLAN_FIRST_S, MANY, w.out), MANY);
}

static void what_is_not_known_is_asked_about_at_once(void **state)
{
    (void)state;
    add(1, false, NOW - PLAN_FIRST_S);
    assert_int_equal(plan_due(w.plan, true, NOW, MANY, w.out), 1);
    (void)came_of(1, VERDICT_ASK, 0, NOW);
    assert_int_equal(plan_due(w.plan, true, NOW, MANY, w.out), 0);
    assert_int_equal(plan_due(w.plan, false, NOW, MANY, w.out), 1);
}

static void answer_is_renewed_well_before_it_ends(void **state)
{
    (void)state;
    add_known(1, false, NOW + LIFE);
    assert_in_range(due_after(NOW), NOW + LIFE * 6 / 10, NOW + LIFE * 8 / 10);
}

static void answers_of_one_moment_are_not_renewed_in_one_moment(void **state)
{
    (void)state;
    for (unsigned n = 0; n < MANY; n++)
        add_known(n, false, NOW + LIFE);
    size_t middle = plan_count(w.plan, NOW + LIFE * 7 / 10).due;
    assert_in_range(middle, MANY / 4, MANY * 3 / 4);
    assert_int_equal(plan_count(w.plan, NOW + LIFE * 8 / 10).due, MANY);
}

static void who_is_signed_in_is_asked_about_every_recheck(void **state)
{
    (void)state;
    add_known(1, true, NOW + 10 * LIFE);
    assert_in_range(due_after(NOW), NOW + RECHECK * 9 / 10, NOW + RECHECK);
}

/* Under a policy of lists no answer ends. */
static void who_is_signed_in_by_a_list_is_looked_at_as_well(void **state)
{
    (void)state;
    add_known(1, true, 0);
    assert_in_range(due_after(NOW), NOW + RECHECK * 9 / 10, NOW + RECHECK);
}

static void signing_in_moves_it_forward(void **state)
{
    (void)state;
    add_known(1, false, NOW + 10 * LIFE);
    add(1, true, NOW + 1);
    assert_int_equal(plan_count(w.plan, NOW + 1 + PLAN_FIRST_S).due, 1);
}

static void failures_are_tried_again_later_and_later(void **state)
{
    (void)state;
    int64_t now = NOW;
    int64_t before = 0;
    add_known(1, false, NOW + LIFE);
    for (int i = 0; i < 4; i++) {
        (void)came_of(1, VERDICT_UNAVAILABLE, 0, now);
        int64_t waited = due_after(now) - now;
        assert_true(waited >= before);
        assert_true(waited <= PLAN_AGAIN_MOST_S * 2);
        before = waited * 2 / 3; /* what jitter may take */
        now += waited;
    }
    assert_true(before >= PLAN_AGAIN_S * 2);
}

static void answer_that_ends_before_it_is_renewed_is_late_once(void **state)
{
    (void)state;
    add_known(1, false, NOW + LIFE);
    (void)came_of(1, VERDICT_UNAVAILABLE, 0, NOW + LIFE - 1);
    assert_int_equal(plan_count(w.plan, NOW + LIFE).late, 0);
    (void)plan_due(w.plan, false, NOW + LIFE, 0, w.out);
    (void)plan_due(w.plan, false, NOW + LIFE + 1, 0, w.out);
    assert_int_equal(plan_count(w.plan, NOW + LIFE + 1).late, 1);
    (void)came_of(1, VERDICT_GOOD, NOW + 3 * LIFE, NOW + LIFE + 2);
    (void)plan_due(w.plan, false, NOW + LIFE + 2, 0, w.out);
    assert_int_equal(plan_count(w.plan, NOW + LIFE + 2).late, 1);
}

static void who_is_signed_in_comes_first_then_who_waits_longest(void **state)
{
    (void)state;
    add_known(1, false, NOW + 100);
    add_known(2, false, NOW + 200);
    add_known(3, true, NOW + 300);
    assert_int_equal(plan_due(w.plan, false, NOW + 400, 2, w.out), 2);
    assert_true(w.out[0].signed_in);
    assert_memory_equal(w.out[1].hash, item_of(1, false).hash, DIGEST_SIZE);
    assert_int_equal(plan_due(w.plan, false, NOW + 400, MANY, w.out), 1); /* two are under way */
    assert_memory_equal(w.out[0].hash, item_of(2, false).hash, DIGEST_SIZE);
}

static void revoked_is_never_due_again(void **state)
{
    (void)state;
    add_known(1, true, NOW + LIFE);
    assert_true(came_of(1, VERDICT_REVOKED, 0, NOW));
    assert_int_equal(plan_count(w.plan, NOW + 100 * LIFE).due, 0);
}

static void change_of_what_is_said_is_told(void **state)
{
    (void)state;
    add_known(1, true, NOW + LIFE);
    assert_false(came_of(1, VERDICT_GOOD, NOW + LIFE, NOW));
    assert_true(came_of(1, VERDICT_ON_HOLD, 0, NOW));
    assert_false(came_of(1, VERDICT_ON_HOLD, 0, NOW));
    assert_true(came_of(1, VERDICT_GOOD, NOW + LIFE, NOW));
}

static void who_is_not_named_any_more_is_forgotten(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 100; n++)
        add(n, false, NOW);
    plan_begin(w.plan);
    for (unsigned n = 0; n < 100; n += 2)
        add(n, false, NOW);
    plan_end(w.plan);
    assert_int_equal(plan_count(w.plan, NOW).watched, 50);
    assert_int_equal(plan_due(w.plan, true, NOW + PLAN_FIRST_S, MANY, w.out), 50);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(w.out[i].hash[0] % 2, 0);
    assert_false(
        came_of(1, VERDICT_GOOD, NOW, NOW)); /* what came of a forgotten one harms nobody */
}

static void items_are_gone_through_from_any_place(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 10; n++)
        add(n, false, NOW);
    assert_int_equal(plan_items(w.plan, 0, 6, w.out), 6);
    assert_int_equal(plan_items(w.plan, 6, 6, w.out), 4);
    assert_int_equal(plan_items(w.plan, 10, 6, w.out), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_new_is_looked_at_within_a_minute_and_spread_out),
        TEST(what_is_not_known_is_asked_about_at_once),
        TEST(answer_is_renewed_well_before_it_ends),
        TEST(answers_of_one_moment_are_not_renewed_in_one_moment),
        TEST(who_is_signed_in_is_asked_about_every_recheck),
        TEST(who_is_signed_in_by_a_list_is_looked_at_as_well),
        TEST(signing_in_moves_it_forward),
        TEST(failures_are_tried_again_later_and_later),
        TEST(answer_that_ends_before_it_is_renewed_is_late_once),
        TEST(who_is_signed_in_comes_first_then_who_waits_longest),
        TEST(revoked_is_never_due_again),
        TEST(change_of_what_is_said_is_told),
        TEST(who_is_not_named_any_more_is_forgotten),
        TEST(items_are_gone_through_from_any_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
