#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/refusal.h"

static const struct reason revoked = {.code = "lock.revoked", .status = 403};

static struct world {
    struct arena *arena;
    struct refusal refusal;
} w;

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.arena = arena_new()};
    return w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(w.arena);
    return 0;
}

static const char *fill(const char *text)
{
    return refusal_text(&w.refusal, w.arena, text);
}

static void reason_is_set_and_facts_are_kept(void **state)
{
    (void)state;
    refusal_fact(&w.refusal, "authority", "NMCA");
    assert_int_equal(refusal_set(&w.refusal, &revoked), IDP_REFUSED);
    assert_ptr_equal(w.refusal.reason, &revoked);
    assert_string_equal(refusal_find(&w.refusal, "authority"), "NMCA");
    assert_null(refusal_find(&w.refusal, "phone"));
}

static void facts_stand_where_their_names_stood(void **state)
{
    (void)state;
    refusal_fact(&w.refusal, "authority", "CA");
    refusal_fact(&w.refusal, "phone", "0471");
    assert_string_equal(fill("{authority}: {phone}, {authority}"), "CA: 0471, CA");
    assert_string_equal(fill("a {missing} b"), "a  b");
    assert_string_equal(fill("no fact"), "no fact");
    assert_string_equal(fill("{phone"), "{phone");
    assert_string_equal(fill("phone} {}"), "phone} ");
    assert_string_equal(fill(""), "");
    assert_string_equal(fill(NULL), "");
}

static void fact_with_braces_is_not_filled_again(void **state)
{
    (void)state;
    refusal_fact(&w.refusal, "a", "{b}");
    refusal_fact(&w.refusal, "b", "secret");
    assert_string_equal(fill("{a}"), "{b}");
}

static void later_fact_of_a_name_replaces_the_earlier(void **state)
{
    (void)state;
    refusal_fact(&w.refusal, "a", "1");
    refusal_fact(&w.refusal, "a", "2");
    refusal_fact(&w.refusal, "a", NULL);
    assert_int_equal(w.refusal.count, 1);
    assert_string_equal(fill("{a}"), "2");
}

static void one_fact_too_many_is_dropped(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    for (size_t i = 0; i <= REFUSAL_FACTS_MAX; i++)
        refusal_fact(&w.refusal, names[i], names[i]);
    assert_int_equal(w.refusal.count, REFUSAL_FACTS_MAX);
    assert_null(refusal_find(&w.refusal, "i"));
    refusal_fact(&w.refusal, "h", "x");
    assert_string_equal(refusal_find(&w.refusal, "h"), "x");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(reason_is_set_and_facts_are_kept),     TEST(facts_stand_where_their_names_stood),
        TEST(fact_with_braces_is_not_filled_again), TEST(later_fact_of_a_name_replaces_the_earlier),
        TEST(one_fact_too_many_is_dropped),
    };
    return cmocka_run_group_tests_name("base/refusal", tests, NULL, NULL);
}
