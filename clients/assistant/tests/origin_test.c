#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "assistant/origin.h"

static void origins_as_browsers_send_them_are_well_formed(void **state)
{
    (void)state;
    static const char *const good[] = {"https://idp.example",        "https://idp.example:8443",
                                       "http://127.0.0.1:8080",      "http://localhost:1",
                                       "https://[2001:db8::1]",      "http://[::1]:8080",
                                       "https://xn--fiqs8s.example", "https://a-b.c:65535"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (!origin_is_well_formed(good[i]))
            fail_msg("%s was refused", good[i]);
}

static void anything_else_is_not(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "null",
        "*",
        "idp.example",
        "//idp.example",
        "https://",
        "https:///",
        "https://idp.example/",
        "https://idp.example/x",
        "https://idp.example?x",
        "https://idp.example#x",
        "https://user@idp.example",
        "https://idp.example:",
        "https://idp.example:0",
        "https://idp.example:08443",
        "https://idp.example:65536",
        "https://idp.example:443", /* a browser leaves it out */
        "http://127.0.0.1:80",
        "https://idp.example:84 43",
        "https://IDP.example",
        "HTTPS://idp.example",
        "ftp://idp.example",
        "wss://idp.example",
        "javascript:alert(1)",
        " https://idp.example",
        "https://idp.example ",
        "https://*.example",
        "https://-idp.example",
        "https://.example",
        "https://[::1",
        "https://[]",
        "https://[::1]x",
        "https://idp\x01.example",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (origin_is_well_formed(bad[i]))
            fail_msg("\"%s\" passed", bad[i]);
}

static void loopback_is_an_address_and_not_a_name_that_looks_like_one(void **state)
{
    (void)state;
    static const char *const is[] = {"http://127.0.0.1:8080", "http://127.0.0.11:9000",
                                     "http://localhost", "https://[::1]:8443"};
    static const char *const is_not[] = {
        "http://127.0.0.1.example", "http://127.example.1.2", "http://localhost.example",
        "http://192.168.0.1",       "http://[::2]",           "http://1127.0.0.1",
        "http://127.0.0.1evil",     "https://idp.example",    "http://127.1"};
    for (size_t i = 0; i < sizeof(is) / sizeof(*is); i++)
        assert_true(origin_is_loopback(is[i]));
    for (size_t i = 0; i < sizeof(is_not) / sizeof(*is_not); i++)
        if (origin_is_loopback(is_not[i]))
            fail_msg("%s passed", is_not[i]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(origins_as_browsers_send_them_are_well_formed),
        cmocka_unit_test(anything_else_is_not),
        cmocka_unit_test(loopback_is_an_address_and_not_a_name_that_looks_like_one),
    };
    return cmocka_run_group_tests_name("assistant/origin", tests, NULL, NULL);
}
