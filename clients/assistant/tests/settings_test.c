#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "assistant/settings.h"

static struct settings settings;
static char why[SETTINGS_WHY_MAX];

static bool parse(const char *text)
{
    return settings_parse("a.json", text, strlen(text), &settings, why);
}

#define PORTAL "\"portal\":\"https://idp.example/\""
#define ORIGINS "\"origins\":[\"https://idp.example\"]"
#define DRIVERS "\"drivers\":[{\"kind\":\"pkcs11\",\"library\":\"/lib/a.so\"}]"

static void whole_file_is_read(void **state)
{
    (void)state;
    assert_true(
        parse("{\"listen\":17699,\"origins\":[\"http://127.0.0.1:8080\",\"https://a.example\"],"
              "\"portal\":\"http://127.0.0.1:8080/\",\"development\":true,\"pin\":\"page\","
              "\"pinentry\":\"/usr/bin/pinentry-qt\",\"log\":\"/tmp/a.log\",\"drivers\":["
              "{\"kind\":\"pkcs11\",\"library\":\"/lib/a.so\",\"rsa\":\"pss\"},"
              "{\"kind\":\"skf\",\"library\":\"/lib/b.so\"}]}"));
    assert_int_equal(settings.port, 17699);
    assert_int_equal(settings.origin_count, 2);
    assert_string_equal(settings.origins[1], "https://a.example");
    assert_string_equal(settings.portal, "http://127.0.0.1:8080/");
    assert_int_equal(settings.pin, PIN_BY_PAGE);
    assert_string_equal(settings.pinentry, "/usr/bin/pinentry-qt");
    assert_string_equal(settings.log, "/tmp/a.log");
    assert_int_equal(settings.driver_count, 2);
    assert_true(settings.drivers[0].pss);
    assert_string_equal(settings.drivers[1].kind, "skf");
    assert_false(settings.drivers[1].pss);
}

static void what_may_be_missing_is_safe(void **state)
{
    (void)state;
    assert_true(parse("{" ORIGINS "," PORTAL "," DRIVERS "}"));
    assert_int_equal(settings.port, 17681);
    assert_int_equal(settings.pin, PIN_BY_PROMPT);
    assert_false(settings.development);
    assert_string_equal(settings.pinentry, "pinentry");
    assert_string_equal(settings.log, "");
}

static void refusal_names_file_key_and_expectation(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key;
    } bad[] = {
        {"[]", "the file"},
        {"{\"orgins\":[]}", "orgins"},
        {"{\"listen\":0," ORIGINS "," PORTAL "," DRIVERS "}", "listen"},
        {"{\"listen\":65536," ORIGINS "," PORTAL "," DRIVERS "}", "listen"},
        {"{\"listen\":\"17681\"," ORIGINS "," PORTAL "," DRIVERS "}", "listen"},
        {"{\"development\":1," ORIGINS "," PORTAL "," DRIVERS "}", "development"},
        {"{" PORTAL "," DRIVERS "}", "origins"},
        {"{\"origins\":[]," PORTAL "," DRIVERS "}", "origins"},
        {"{\"origins\":\"https://idp.example\"," PORTAL "," DRIVERS "}", "origins"},
        {"{\"origins\":[\"*\"]," PORTAL "," DRIVERS "}", "origins[0]"},
        {"{\"origins\":[\"null\"]," PORTAL "," DRIVERS "}", "origins[0]"},
        {"{\"origins\":[\"https://a.example\",7]," PORTAL "," DRIVERS "}", "origins[1]"},
        {"{" ORIGINS "," DRIVERS "}", "portal"},
        {"{" ORIGINS "," DRIVERS ",\"portal\":\"javascript:x\"}", "portal"},
        {"{\"pin\":\"cache\"," ORIGINS "," PORTAL "," DRIVERS "}", "pin"},
        {"{\"pin\":null," ORIGINS "," PORTAL "," DRIVERS "}", "pin"},
        {"{\"pinentry\":\"\"," ORIGINS "," PORTAL "," DRIVERS "}", "pinentry"},
        {"{\"log\":7," ORIGINS "," PORTAL "," DRIVERS "}", "log"},
        {"{" ORIGINS "," PORTAL "}", "drivers"},
        {"{" ORIGINS "," PORTAL ",\"drivers\":[]}", "drivers"},
        {"{" ORIGINS "," PORTAL ",\"drivers\":[7]}", "drivers[0]"},
        {"{" ORIGINS "," PORTAL ",\"drivers\":[{\"kind\":\"csp\",\"library\":\"/a\"}]}",
         "drivers[0]"},
        {"{" ORIGINS "," PORTAL ",\"drivers\":[{\"kind\":\"skf\",\"library\":\"a.so\"}]}",
         "drivers[0]"},
        {"{" ORIGINS "," PORTAL ",\"drivers\":[{\"kind\":\"skf\"}]}", "drivers[0]"},
        {"{" ORIGINS "," PORTAL
         ",\"drivers\":[{\"kind\":\"skf\",\"library\":\"/a\",\"rsa\":\"oaep\"}]}",
         "drivers[0]"},
        {"{" ORIGINS "," PORTAL ",\"drivers\":[{\"kind\":\"skf\",\"library\":\"/a\",\"x\":1}]}",
         "drivers[0]"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char start[64];
        if (parse(bad[i].text))
            fail_msg("%s passed", bad[i].text);
        (void)snprintf(start, sizeof(start), "a.json: %s: expected ", bad[i].key);
        if (strncmp(why, start, strlen(start)) != 0)
            fail_msg("\"%s\" should begin with \"%s\"", why, start);
        assert_null(strchr(why, '\n'));
    }
}

static void http_origins_are_for_development_on_loopback(void **state)
{
    (void)state;
#define TRY(development, origin)                                                                   \
    parse("{\"development\":" development ",\"origins\":[\"" origin "\"]," PORTAL "," DRIVERS "}")
    assert_true(TRY("true", "http://127.0.0.1:8080"));
    assert_false(TRY("false", "http://127.0.0.1:8080"));
    assert_false(TRY("true", "http://idp.example"));
    assert_true(TRY("false", "https://idp.example"));
}

static void broken_json_is_told_with_its_line(void **state)
{
    (void)state;
    assert_false(parse("{\n\"listen\":\n}"));
    assert_true(strncmp(why, "a.json: line 3: expected JSON: ", 31) == 0);
    assert_false(parse("{\"listen\":1,\"listen\":2}"));
}

static void missing_file_is_told(void **state)
{
    (void)state;
    assert_false(settings_read("/nonexistent/a.json", &settings, why));
    assert_string_equal(why, "/nonexistent/a.json: expected a settings file that can be read");
    assert_false(settings_read("/", &settings, why));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_file_is_read),
        cmocka_unit_test(what_may_be_missing_is_safe),
        cmocka_unit_test(refusal_names_file_key_and_expectation),
        cmocka_unit_test(http_origins_are_for_development_on_loopback),
        cmocka_unit_test(broken_json_is_told_with_its_line),
        cmocka_unit_test(missing_file_is_told),
    };
    return cmocka_run_group_tests_name("assistant/settings", tests, NULL, NULL);
}
