#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/turns.h"

enum { READERS = 4, TURNS = 2000 };

/* A thing is `number` twice; whoever reads a dropped one sees that they differ. */
struct thing {
    atomic_int number, again;
};

static struct {
    struct turns *turns;
    atomic_int dropped, wrong;
    atomic_bool over;
} w;

static struct thing *make(int number)
{
    struct thing *thing = calloc(1, sizeof(*thing));
    assert_non_null(thing);
    thing->number = number;
    thing->again = number;
    return thing;
}

static void drop(void *with)
{
    struct thing *thing = with;
    thing->again = -1;
    w.dropped++;
    free(thing);
}

static int set_up(void **state)
{
    (void)state;
    w.dropped = 0;
    w.wrong = 0;
    w.over = false;
    w.turns = turns_new(make(0), drop);
    return w.turns == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    turns_free(w.turns);
    return 0;
}

static void an_old_one_lives_until_the_last_has_left_it(void **state)
{
    (void)state;
    struct turns_place *first = turns_take(w.turns);
    struct turns_place *second = turns_take(w.turns);
    assert_int_equal(turns_turn(w.turns, make(1)), IDP_OK);
    turns_leave(first);
    assert_int_equal(w.dropped, 0);
    assert_int_equal(((struct thing *)turns_of(second))->again, 0);
    turns_leave(second);
    assert_int_equal(w.dropped, 1);
}

static void one_that_nobody_holds_goes_at_once(void **state)
{
    (void)state;
    for (int i = 1; i <= 3 * TURNS_MAX; i++) {
        assert_int_equal(turns_turn(w.turns, make(i)), IDP_OK);
        assert_int_equal(w.dropped, i);
    }
}

static void too_many_in_use_leave_the_present_one(void **state)
{
    struct turns_place *held[TURNS_MAX];
    struct thing *next = make(TURNS_MAX);
    (void)state;
    held[0] = turns_take(w.turns);
    for (int i = 1; i < TURNS_MAX; i++) {
        assert_int_equal(turns_turn(w.turns, make(i)), IDP_OK);
        held[i] = turns_take(w.turns);
    }
    assert_int_equal(turns_turn(w.turns, next), IDP_FULL);
    turns_leave(held[0]);
    assert_int_equal(turns_turn(w.turns, next), IDP_OK);
    for (int i = 1; i < TURNS_MAX; i++)
        turns_leave(held[i]);
}

static void *keep_reading(void *with)
{
    int last = 0;
    (void)with;
    while (!w.over) {
        struct turns_place *place = turns_take(w.turns);
        struct thing *thing = turns_of(place);
        int number = thing->number;
        if (number < last || thing->again != number)
            w.wrong++;
        last = number;
        turns_leave(place);
    }
    return NULL;
}

static void readers_see_whole_things_in_order(void **state)
{
    pthread_t threads[READERS];
    (void)state;
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_reading, NULL), 0);
    for (int i = 1; i <= TURNS; i++) {
        struct thing *next = make(i);
        while (turns_turn(w.turns, next) != IDP_OK)
            continue;
    }
    w.over = true;
    for (int i = 0; i < READERS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(w.wrong, 0);
    assert_int_equal(w.dropped, TURNS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(an_old_one_lives_until_the_last_has_left_it),
        TEST(one_that_nobody_holds_goes_at_once),
        TEST(too_many_in_use_leave_the_present_one),
        TEST(readers_see_whole_things_in_order),
    };
    return cmocka_run_group_tests_name("base/turns", tests, NULL, NULL);
}
