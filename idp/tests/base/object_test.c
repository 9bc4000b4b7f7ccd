#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/object.h"

static void members_are_built_one_by_one(void **state)
{
    (void)state;
    struct object o = object_new();
    object_text(&o, "a", "x");
    object_text(&o, "absent", NULL);
    object_number(&o, "b", -1);
    object_truth(&o, "c", true);
    object_put(&o, "d", json_array());
    json_t *json = object_done(&o);
    char *text = json_dumps(json, JSON_COMPACT);
    assert_string_equal(text, "{\"a\":\"x\",\"b\":-1,\"c\":true,\"d\":[]}");
    free(text);
    json_decref(json);
}

static void failure_in_between_sticks(void **state)
{
    (void)state;
    struct object o = object_new();
    object_put(&o, "a", NULL);
    object_text(&o, "b", "x");
    assert_null(object_done(&o));
}

static void text_that_is_not_utf8_is_a_failure(void **state)
{
    (void)state;
    struct object o = object_new();
    object_text(&o, "a", "\xff");
    assert_null(object_done(&o));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_built_one_by_one),
        cmocka_unit_test(failure_in_between_sticks),
        cmocka_unit_test(text_that_is_not_utf8_is_a_failure),
    };
    return cmocka_run_group_tests_name("base/object", tests, NULL, NULL);
}
