#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static struct arena *arena;
static char order[8];

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    memset(order, 0, sizeof(order));
    return arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    arena = NULL;
    return 0;
}

static void memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    static const unsigned char zeros[300] = {0};
    for (size_t n = 1; n < 300; n += 7) {
        unsigned char *p = arena_alloc(arena, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_memory_equal(p, zeros, n);
        memset(p, 0xAA, n);
    }
}

static void pieces_do_not_overlap_over_many_blocks(void **state)
{
    (void)state;
    static unsigned char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = arena_alloc(arena, 50 + i * 7);
        assert_non_null(pieces[i]);
        memset(pieces[i], (int)i, 50 + i * 7);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t at = 0; at < 50 + i * 7; at++)
            assert_int_equal(pieces[i][at], i);
}

static void large_piece_gets_a_block_of_its_own(void **state)
{
    (void)state;
    unsigned char *p = arena_alloc(arena, 1u << 20);
    assert_non_null(p);
    memset(p, 1, 1u << 20);
    assert_non_null(arena_alloc(arena, 16));
}

static void impossible_sizes_give_null(void **state)
{
    (void)state;
    assert_null(arena_alloc(arena, SIZE_MAX));
    assert_null(arena_alloc(arena, SIZE_MAX / 2 + 1));
    assert_null(arena_strndup(arena, "", SIZE_MAX));
}

static void texts_are_copied_and_ended(void **state)
{
    (void)state;
    const char source[3] = {'a', 'b', 'c'};
    assert_string_equal(arena_strndup(arena, source, 3), "abc");
    assert_string_equal(arena_strndup(arena, source, 0), "");
    assert_string_equal(arena_strdup(arena, "text"), "text");
    assert_null(arena_strdup(arena, NULL));
    assert_memory_equal(arena_copy(arena, source, 3), "abc", 3);
    assert_string_equal(arena_printf(arena, "%d-%s", 5, "x"), "5-x");
}

static void drop(void *object)
{
    strncat(order, object, 1);
}

static void foreign_objects_are_dropped_last_in_first_out(void **state)
{
    (void)state;
    static char a[] = "a";
    static char b[] = "b";
    static char c[] = "c";
    assert_ptr_equal(arena_own(arena, a, drop), a);
    assert_ptr_equal(arena_own(arena, b, drop), b);
    assert_ptr_equal(arena_own(arena, c, drop), c);
    arena_free(arena);
    arena = NULL;
    assert_string_equal(order, "cba");
}

static void no_arena_can_be_freed_too(void **state)
{
    (void)state;
    arena_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(memory_is_zeroed_and_aligned),
        TEST(pieces_do_not_overlap_over_many_blocks),
        TEST(large_piece_gets_a_block_of_its_own),
        TEST(impossible_sizes_give_null),
        TEST(texts_are_copied_and_ended),
        TEST(foreign_objects_are_dropped_last_in_first_out),
        TEST(no_arena_can_be_freed_too),
    };
    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
