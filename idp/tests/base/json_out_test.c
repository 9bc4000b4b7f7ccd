#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/json_out.h"

static char buffer[512];

static void write_document(struct json_out *out)
{
    json_out_object(out, NULL);
    json_out_text(out, "iss", "https://a");
    json_out_text(out, "absent", NULL);
    json_out_number(out, "iat", -5);
    json_out_array(out, "aud");
    json_out_text(out, NULL, "b");
    json_out_number(out, NULL, 0);
    json_out_object(out, NULL);
    json_out_end_object(out);
    json_out_end_array(out);
    json_out_truth(out, "active", true);
    json_out_truth(out, "no", false);
    json_out_raw(out, "raw", "[1]", 3);
    json_out_object(out, "in");
    json_out_array(out, "empty");
    json_out_end_array(out);
    json_out_end_object(out);
    json_out_end_object(out);
}

#define DOCUMENT                                                                                   \
    "{\"iss\":\"https://a\",\"iat\":-5,\"aud\":[\"b\",0,{}],\"active\":true,\"no\":false,"         \
    "\"raw\":[1],\"in\":{\"empty\":[]}}"

static void document_is_written_with_its_commas(void **state)
{
    (void)state;
    struct json_out out = json_out_new(buffer, sizeof(buffer));
    write_document(&out);
    assert_int_equal(json_out_done(&out), strlen(DOCUMENT));
    assert_string_equal(buffer, DOCUMENT);
}

static void document_that_does_not_fit_is_none(void **state)
{
    (void)state;
    for (size_t size = 0; size <= strlen(DOCUMENT) + 1; size++) {
        char *exact = malloc(size + (size == 0));
        assert_non_null(exact);
        struct json_out out = json_out_new(exact, size);
        write_document(&out);
        assert_int_equal(json_out_done(&out), size > strlen(DOCUMENT) ? strlen(DOCUMENT) : 0);
        free(exact);
    }
}

static void every_octet_that_must_be_escaped_is(void **state)
{
    (void)state;
    char text[128];
    for (int i = 0; i < 127; i++)
        text[i] = (char)(i + 1);
    text[127] = '\0';
    struct json_out out = json_out_new(buffer, sizeof(buffer));
    json_out_array(&out, NULL);
    json_out_text(&out, NULL, text);
    json_out_end_array(&out);
    size_t n = json_out_done(&out);
    json_t *back = json_loadb(buffer, n, 0, NULL);
    assert_non_null(back);
    assert_string_equal(json_string_value(json_array_get(back, 0)), text);
    json_decref(back);
    assert_null(strchr(buffer, '\n'));
}

static void escapes_are_those_of_rfc_8259(void **state)
{
    (void)state;
    struct json_out out = json_out_new(buffer, sizeof(buffer));
    json_out_array(&out, NULL);
    json_out_text_n(&out, NULL, "\"\\/\0\x1f\x7f\xe4\xb8\xad", 9);
    json_out_end_array(&out);
    assert_true(json_out_done(&out) > 0);
    assert_string_equal(buffer, "[\"\\\"\\\\/\\u0000\\u001f\x7f\xe4\xb8\xad\"]");
}

static void numbers_at_the_ends_are_whole(void **state)
{
    (void)state;
    struct json_out out = json_out_new(buffer, sizeof(buffer));
    json_out_array(&out, NULL);
    json_out_number(&out, NULL, INT64_MIN);
    json_out_number(&out, NULL, INT64_MAX);
    json_out_end_array(&out);
    assert_true(json_out_done(&out) > 0);
    assert_string_equal(buffer, "[-9223372036854775808,9223372036854775807]");
}

/* A value that ends like an opening bracket must not swallow the comma behind it. */
static void text_that_ends_with_a_bracket_is_no_beginning(void **state)
{
    (void)state;
    struct json_out out = json_out_new(buffer, sizeof(buffer));
    json_out_array(&out, NULL);
    json_out_text(&out, NULL, "[");
    json_out_text(&out, NULL, "{:");
    json_out_text(&out, NULL, "");
    json_out_end_array(&out);
    assert_true(json_out_done(&out) > 0);
    assert_string_equal(buffer, "[\"[\",\"{:\",\"\"]");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_is_written_with_its_commas),
        cmocka_unit_test(document_that_does_not_fit_is_none),
        cmocka_unit_test(every_octet_that_must_be_escaped_is),
        cmocka_unit_test(escapes_are_those_of_rfc_8259),
        cmocka_unit_test(numbers_at_the_ends_are_whole),
        cmocka_unit_test(text_that_ends_with_a_bracket_is_no_beginning),
    };
    return cmocka_run_group_tests_name("base/json_out", tests, NULL, NULL);
}
