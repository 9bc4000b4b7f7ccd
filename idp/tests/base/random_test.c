#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/random.h"

enum { DRAWS = 100, SIZE = 24, LARGE = 2000 };

static void no_two_draws_are_the_same(void **state)
{
    (void)state;
    static unsigned char drawn[DRAWS][SIZE];
    for (size_t i = 0; i < DRAWS; i++) {
        assert_int_equal(random_bytes(drawn[i], SIZE), IDP_OK);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(drawn[i], drawn[j], SIZE);
    }
}

static void every_byte_of_a_large_draw_is_drawn(void **state)
{
    (void)state;
    static unsigned char drawn[LARGE];
    static const unsigned char zeros[32];
    assert_int_equal(random_bytes(drawn, sizeof(drawn)), IDP_OK);
    for (size_t i = 0; i + sizeof(zeros) <= LARGE; i += sizeof(zeros))
        assert_memory_not_equal(drawn + i, zeros, sizeof(zeros));
}

/* What a thread has drawn ahead is copied by fork(). */
static void child_draws_something_else_than_its_parent(void **state)
{
    (void)state;
    unsigned char mine[SIZE] = {0};
    unsigned char childs[SIZE] = {0};
    int ends[2] = {-1, -1};
    int status = -1;
    assert_int_equal(random_bytes(mine, SIZE), IDP_OK); /* so that there is something ahead */
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        bool good = random_bytes(childs, SIZE) == IDP_OK && write(ends[1], childs, SIZE) == SIZE;
        _exit(good ? 0 : 1);
    }
    assert_int_equal(random_bytes(mine, SIZE), IDP_OK);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], childs, SIZE), SIZE);
    assert_memory_not_equal(mine, childs, SIZE);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void text_is_as_long_as_its_bytes_ask(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    assert_non_null(arena);
    const char *text = random_text(arena, 16);
    assert_non_null(text);
    assert_int_equal(strlen(text), 22);
    assert_null(random_text(arena, 65));
    arena_free(arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_draws_are_the_same),
        cmocka_unit_test(every_byte_of_a_large_draw_is_drawn),
        cmocka_unit_test(child_draws_something_else_than_its_parent),
        cmocka_unit_test(text_is_as_long_as_its_bytes_ask),
    };
    return cmocka_run_group_tests_name("base/random", tests, NULL, NULL);
}
