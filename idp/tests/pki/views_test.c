#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "pki/trust/rules.h"
#include "pki/trust/views.h"
#include "tests/pki_region.h"

enum { READERS = 4, TURNS = 300 };

static struct region_authority first, second;

static struct {
    struct views *views;
    atomic_bool over;
    atomic_int wrong;
} w;

/* A list of one or two authorities. */
static struct trust *make_trust(const struct region_authority *one,
                                const struct region_authority *other)
{
    json_t *entries[] = {region_entry(one), other != NULL ? region_entry(other) : NULL, NULL};
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    char *why = NULL;
    struct trust *trust = NULL;
    assert_int_equal(trust_parse("list", text, strlen(text), &why, &trust), IDP_OK);
    free(text);
    json_decref(list);
    return trust;
}

static int make_all(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    region_authority_make(&first, "first", "P-256");
    region_authority_make(&second, "second", "P-256");
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    region_authority_clear(&first);
    region_authority_clear(&second);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    w.views = views_new(view_new(make_trust(&first, &second), NULL));
    w.over = false;
    w.wrong = 0;
    return w.views == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    views_free(w.views);
    return 0;
}

static struct view *present(void)
{
    struct views_place *place = views_take(w.views);
    struct view *view = views_of(place);
    views_leave(place);
    return view;
}

static void turn_to(struct trust *trust)
{
    assert_int_equal(views_turn(w.views, view_new(trust, present())), IDP_OK);
}

static void view_that_is_held_stays_whole_whatever_comes_after(void **state)
{
    (void)state;
    struct views_place *held = views_take(w.views);
    turn_to(make_trust(&second, NULL));
    turn_to(make_trust(&first, NULL));
    assert_int_equal(views_of(held)->trust->count, 2);
    assert_non_null(trust_find(views_of(held)->trust, "second"));
    assert_null(trust_find(present()->trust, "second"));
    views_leave(held);
}

/* With ASan: a view that is not freed is a leak, one that is freed too early a use after free. */
static void places_are_used_again_once_nobody_holds_their_view(void **state)
{
    (void)state;
    for (int i = 0; i < 3 * VIEWS_MAX; i++) {
        struct views_place *held = views_take(w.views);
        struct views_place *again = views_take(w.views);
        turn_to(make_trust(i % 2 == 0 ? &first : &second, NULL));
        views_leave(held);
        assert_true(views_of(again)->trust->count > 0);
        views_leave(again);
    }
}

static void too_many_old_views_in_use_leave_the_present_one_in_place(void **state)
{
    (void)state;
    struct views_place *held[VIEWS_MAX];
    for (int i = 0; i < VIEWS_MAX - 1; i++) {
        held[i] = views_take(w.views);
        turn_to(make_trust(&first, NULL));
    }
    held[VIEWS_MAX - 1] = views_take(w.views);
    struct view *one_more = view_new(make_trust(&second, NULL), NULL);
    assert_int_equal(views_turn(w.views, one_more), IDP_FULL);
    assert_non_null(trust_find(present()->trust, "first"));
    for (int i = 0; i < VIEWS_MAX; i++)
        views_leave(held[i]);
    assert_int_equal(views_turn(w.views, one_more), IDP_OK);
    assert_non_null(trust_find(present()->trust, "second"));
}

static void line_follows_its_authority_from_list_to_list(void **state)
{
    (void)state;
    struct line *line_of_first = present()->lines[0];
    struct line *line_of_second = line_take(present()->lines[1]);
    assert_string_equal(line_of_second->id, "second");
    turn_to(make_trust(&second, &first));
    assert_ptr_equal(present()->lines[0], line_of_second);
    assert_ptr_equal(present()->lines[1], line_of_first);
    turn_to(make_trust(&first, NULL));
    turn_to(make_trust(&first, &second));
    assert_ptr_equal(present()->lines[0], line_of_first);
    assert_ptr_not_equal(present()->lines[1], line_of_second); /* it was gone in between */
    line_release(line_of_second);
}

static void *read_all_the_time(void *unused)
{
    (void)unused;
    while (!w.over) {
        struct views_place *place = views_take(w.views);
        const struct view *view = views_of(place);
        for (size_t i = 0; i < view->trust->count; i++)
            w.wrong += strcmp(view->lines[i]->id, view->trust->authorities[i].id) != 0;
        views_leave(place);
    }
    return NULL;
}

/* With ASan and TSan. */
static void readers_never_meet_half_a_view(void **state)
{
    (void)state;
    pthread_t readers[READERS];
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_all_the_time, NULL), 0);
    for (int i = 0; i < TURNS; i++) {
        struct view *next = view_new(make_trust(i % 2 == 0 ? &second : &first, NULL), NULL);
        while (views_turn(w.views, next) != IDP_OK)
            ;
    }
    w.over = true;
    for (int i = 0; i < READERS; i++)
        (void)pthread_join(readers[i], NULL);
    assert_int_equal(w.wrong, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(view_that_is_held_stays_whole_whatever_comes_after),
        TEST(places_are_used_again_once_nobody_holds_their_view),
        TEST(too_many_old_views_in_use_leave_the_present_one_in_place),
        TEST(line_follows_its_authority_from_list_to_list),
        TEST(readers_never_meet_half_a_view),
    };
    return cmocka_run_group_tests_name("pki/views", tests, make_all, free_all);
}
