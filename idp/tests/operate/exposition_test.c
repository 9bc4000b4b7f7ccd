/* The text format of Prometheus, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "operate/exposition.h"

static struct world {
    struct arena *arena;
    struct exposition e;
} w;

static int set_up(void **state)
{
    (void)state;
    w.arena = arena_new();
    w.e = exposition_new(w.arena);
    return w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(w.arena);
    return 0;
}

static void expect(const char *text)
{
    size_t len = 0;
    const char *bytes = exposition_done(&w.e, &len);
    assert_non_null(bytes);
    assert_string_equal(arena_strndup(w.arena, bytes, len), text);
}

static void family_has_help_type_and_samples(void **state)
{
    (void)state;
    const struct label labels[] = {{"a", "1"}, {"b", "2"}, {NULL, NULL}};
    exposition_counter(&w.e, "things_total", "What was counted.");
    exposition_count(&w.e, labels, UINT64_MAX);
    exposition_count(&w.e, NULL, 0);
    exposition_gauge(&w.e, "level", "How it is.");
    exposition_value(&w.e, NULL, -1.5);
    exposition_value(&w.e, NULL, 1795369513.07);
    expect("# HELP things_total What was counted.\n"
           "# TYPE things_total counter\n"
           "things_total{a=\"1\",b=\"2\"} 18446744073709551615\n"
           "things_total 0\n"
           "# HELP level How it is.\n"
           "# TYPE level gauge\n"
           "level -1.5\n"
           "level 1795369513.07\n");
}

static void value_of_a_label_cannot_leave_its_quotes(void **state)
{
    (void)state;
    const struct label labels[] = {{"name", "a\"b\\c\nd} 1\n"}, {NULL, NULL}};
    const struct label empty[] = {{"name", ""}, {NULL, NULL}};
    exposition_gauge(&w.e, "level", "How it is.");
    exposition_count(&w.e, labels, 7);
    exposition_count(&w.e, empty, 8);
    expect("# HELP level How it is.\n"
           "# TYPE level gauge\n"
           "level{name=\"a\\\"b\\\\c\\nd} 1\\n\"} 7\n"
           "level{name=\"\"} 8\n");
}

static void histogram_is_cumulative_and_ends_in_infinity(void **state)
{
    (void)state;
    static const int64_t bounds[] = {500, 1000, 2500000};
    static const uint64_t buckets[] = {1, 0, 3, 2};
    const struct label labels[] = {{"path", "/x"}, {NULL, NULL}};
    const struct timings timings = {bounds, buckets, 3, 12000350};
    exposition_histogram(&w.e, "time_seconds", "How long.");
    exposition_timings(&w.e, labels, &timings);
    exposition_timings(&w.e, NULL, &(struct timings){bounds, buckets, 1, 0});
    expect("# HELP time_seconds How long.\n"
           "# TYPE time_seconds histogram\n"
           "time_seconds_bucket{path=\"/x\",le=\"0.0005\"} 1\n"
           "time_seconds_bucket{path=\"/x\",le=\"0.001\"} 1\n"
           "time_seconds_bucket{path=\"/x\",le=\"2.5\"} 4\n"
           "time_seconds_bucket{path=\"/x\",le=\"+Inf\"} 6\n"
           "time_seconds_sum{path=\"/x\"} 12.00035\n"
           "time_seconds_count{path=\"/x\"} 6\n"
           "time_seconds_bucket{le=\"0.0005\"} 1\n"
           "time_seconds_bucket{le=\"+Inf\"} 1\n"
           "time_seconds_sum 0\n"
           "time_seconds_count 1\n");
}

static void long_document_is_whole_and_a_longer_one_is_none(void **state)
{
    (void)state;
    size_t len = 0;
    exposition_gauge(&w.e, "level", "How it is.");
    while (w.e.len < EXPOSITION_MAX - 100)
        exposition_count(&w.e, NULL, 1234567890);
    const char *bytes = exposition_done(&w.e, &len);
    assert_non_null(bytes);
    assert_memory_equal(bytes + len - 17, "level 1234567890\n", 17);
    for (int i = 0; i < 10; i++)
        exposition_count(&w.e, NULL, 1234567890);
    assert_null(exposition_done(&w.e, &len));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(family_has_help_type_and_samples),
        TEST(value_of_a_label_cannot_leave_its_quotes),
        TEST(histogram_is_cumulative_and_ends_in_infinity),
        TEST(long_document_is_whole_and_a_longer_one_is_none),
    };
    return cmocka_run_group_tests_name("operate/exposition", tests, NULL, NULL);
}
