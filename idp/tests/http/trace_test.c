/* W3C Trace Context: which traceparent is taken, and which is as if it were not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/trace.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

static void trace_id_is_taken(void **state)
{
    (void)state;
    static const char *const good[] = {
        "00-" TRACE "-" PARENT "-01",
        "00-" TRACE "-" PARENT "-ff", /* flags that nobody knows yet */
        "cc-" TRACE "-" PARENT "-01", /* a later version */
        "cc-" TRACE "-" PARENT "-01-what-the-future-brings",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        char trace[HTTP_TRACE_LEN + 1] = "";
        assert_true(http_trace_read(good[i], trace));
        assert_string_equal(trace, TRACE);
    }
}

static void anything_else_is_as_if_it_were_not_there(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "00",
        "00-",
        TRACE,
        "00-" TRACE,
        "00-" TRACE "-" PARENT,
        "00-" TRACE "-" PARENT "-",
        "00-" TRACE "-" PARENT "-0",
        "00-" TRACE "-" PARENT "-01-more", /* version 00 has no more */
        "00-" TRACE "-" PARENT "-011",
        "cc-" TRACE "-" PARENT "-01.more",
        "ff-" TRACE "-" PARENT "-01", /* no version */
        "0-" TRACE "-" PARENT "-01",
        "000-" TRACE "-" PARENT "-01",
        "00-00000000000000000000000000000000-" PARENT "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01",
        "00-" TRACE "0-" PARENT "-01",
        "00-0af7651916cd43dd8448eb211c80319-" PARENT "-01",
        "00_" TRACE "_" PARENT "_01",
        " 00-" TRACE "-" PARENT "-01",
        "00-" TRACE "-" PARENT "-0g",
        "00-\"; DROP TABLE traces; --aaaaaaaaa-" PARENT "-01",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char trace[HTTP_TRACE_LEN + 1] = "untouched";
        if (http_trace_read(bad[i], trace))
            fail_msg("%s was taken", bad[i]);
        assert_string_equal(trace, "untouched");
    }
    assert_false(http_trace_read(NULL, NULL));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(trace_id_is_taken),
        cmocka_unit_test(anything_else_is_as_if_it_were_not_there),
    };
    return cmocka_run_group_tests_name("http/trace", tests, NULL, NULL);
}
