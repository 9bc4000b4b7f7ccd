#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/json_plain.h"

enum { DEPTH = 8 };

/* Reads from a block of exactly the text's size. */
static json_t *read_text(const char *text)
{
    size_t len = strlen(text);
    char *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    json_t *json = json_plain_read(exact, len, DEPTH);
    free(exact);
    return json;
}

static void plain_json_is_read_as_jansson_reads_it(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        " { } ",
        "{\"a\":\"\"}",
        "{\"a\":\"b\",\"c\":\"d\"}",
        "{ \"a\" :\t\"b\" ,\r\n\"c\" : [ ] }\n",
        "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":\"8 levels\"}}}}}}}}",
        "{\"a\":[true,false,null,\"x\",[\"y\"],{\"z\":\"0\"}]}",
        "{\"\":\"a member without a name\"}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        json_t *read = read_text(texts[i]);
        json_t *wanted = json_loads(texts[i], JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(wanted);
        assert_true(json_equal(read, wanted));
        json_decref(read);
        json_decref(wanted);
    }
}

static void what_is_not_plain_is_left_to_jansson(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "\"a\"",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":}",
        "{\"a\":\"b",
        "{\"a\":\"b\"",
        "{\"a\":\"b\",}",
        "{,}",
        "{\"a\":[\"b\",]}",
        "{\"a\":tru}",
        "{\"a\":truer}",
        "{\"a\":1}",
        "{\"a\":\"\\n\"}",
        "{\"\\u0061\":\"b\"}",
        "{\"a\":\"\xe5\x90\x8d\"}",
        "{\"a\":\"\x7f\"}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"b\"}x",
        "{\"a\":\"b\"}{}",
        "{\"a\":\"b\",\"a\":\"b\"}",
        "{\"a\":{\"b\":\"\",\"b\":\"\"}}",
        "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":{\"i\":\"9 levels\"}}}}}}}}}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_null(read_text(texts[i]));
}

static void long_name_is_left_to_jansson(void **state)
{
    (void)state;
    char text[128] = "{\"";
    memset(text + 2, 'n', 64);
    strcpy(text + 66, "\":\"\"}");
    assert_null(read_text(text));
    memmove(text + 65, text + 66, strlen(text + 66) + 1);
    json_t *json = read_text(text);
    assert_non_null(json);
    json_decref(json);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_json_is_read_as_jansson_reads_it),
        cmocka_unit_test(what_is_not_plain_is_left_to_jansson),
        cmocka_unit_test(long_name_is_left_to_jansson),
    };
    return cmocka_run_group_tests_name("http/json_plain", tests, NULL, NULL);
}
