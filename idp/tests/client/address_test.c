#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/address.h"

static const struct address_rules production = {.development = false};
static const struct address_rules development = {.development = true};

/* The text goes in an exact-size block, so that ASan sees a byte too many read. */
static const char *problem_of(const char *address, const struct address_rules *rules)
{
    size_t size = strlen(address) + 1;
    char *exact = malloc(size);
    assert_non_null(exact);
    memcpy(exact, address, size);
    const char *problem = address_redirect_problem(exact, rules);
    free(exact);
    return problem;
}

static void https_addresses_are_fine(void **state)
{
    (void)state;
    static const char *const good[] = {
        "https://platform.example",
        "https://platform.example/",
        "https://platform.example/cb",
        "https://platform.example/cb/",
        "https://platform.example:8443/cb?from=tamga&x=%E4%B8%AD",
        "https://platform.example?x=1",
        "https://platform.example/a/b.c/d..e/...",
        "https://platform.example/a%20b",
        "https://platform.example/cb?next=%2Fhome%2e",
        "https://platform.example/cb?decode=1&states=2",
        "https://xn--fiqs8s.example/cb",
        "https://Platform.example/cb",
        "https://10.0.0.1/cb",
        "https://[2001:db8::1]:8443/cb",
        "https://127.0.0.1/cb",
        "https://a/cb",
        "https://platform.example/~a;b=1/(c)!$&'+,=:@",
        "https://1a.example/cb",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (problem_of(good[i], &production) != NULL)
            fail_msg("refused: %s: %s", good[i], problem_of(good[i], &production));
}

static const char *const loopback[] = {
    "http://127.0.0.1/cb",     "http://127.0.0.1:9000/cb", "http://127.0.0.11:9000/cb",
    "http://127.255.255.254/", "http://[::1]:17681/cb",    "http://[::1]/",
};

static void http_on_loopback_is_fine_in_development(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(loopback) / sizeof(*loopback); i++)
        assert_null(problem_of(loopback[i], &development));
}

static void http_on_loopback_is_refused_in_production(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(loopback) / sizeof(*loopback); i++)
        assert_non_null(problem_of(loopback[i], &production));
}

/* docs/security.md row 1. */
static const char *const bad[] = {
    /* not absolute, or of another scheme */
    "",
    "/",
    "/cb",
    "cb",
    "//platform.example/cb",
    "platform.example/cb",
    "https",
    "https:",
    "https:/",
    "https:/platform.example/cb",
    "https:platform.example/cb",
    "https://",
    "https:///cb",
    "https://?x=1",
    "https://:443/cb",
    "HTTPS://platform.example/cb",
    "Https://platform.example/cb",
    "hTTps://platform.example/cb",
    "http://platform.example/cb",
    "HTTP://127.0.0.1/cb",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "javascript://platform.example/%0aalert(1)",
    "data:text/html,x",
    "data:text/html;base64,PHNjcmlwdD4",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://platform.example/cb",
    "ws://platform.example/cb",
    "blob:https://platform.example/1",
    "about:blank",
    "com.example.app:/cb",
    "com.example.app://cb",
    "urn:ietf:wg:oauth:2.0:oob",
    "mailto:a@platform.example",
    "view-source:https://platform.example/",
    "httpss://platform.example/",
    "https ://platform.example/",
    "https%3A//platform.example/cb",
    /* white space, control characters, not ASCII */
    " https://platform.example/cb",
    "https://platform.example/cb ",
    "\thttps://platform.example/cb",
    "https://platform.example/cb\n",
    "https://platform.example/c b",
    "https://platform\t.example/cb",
    "https://platform.example/\r\nSet-Cookie:a=b",
    "java\tscript:alert(1)",
    "https://platform.example/\x01",
    "https://platform.example/\x7f",
    "https://platform.example/中",
    "https://plаtform.example/cb", /* Cyrillic a */
    "https://platform。example/cb",
    "https://platform.example/\xC2\xA0",
    "https://platform.example/\xFF",
    "https://platform.example/%00",
    "https://platform.example/%0d%0aSet-Cookie:a=b",
    "https://platform.example/cb?x=%0A",
    "https://platform.example/%7f",
    /* wildcards */
    "*",
    "https://*",
    "https://*.example/cb",
    "https://platform.example/*",
    "https://platform.example/cb?*",
    "https://platform.example:*/cb",
    /* fragment, userinfo, backslash, characters that are not of an address */
    "https://platform.example/cb#",
    "https://platform.example/cb#x",
    "https://platform.example#/cb",
    "https://user@platform.example/cb",
    "https://user:password@platform.example/cb",
    "https://@platform.example/cb",
    "https://platform.example@evil.example/cb",
    "https://platform.example%40evil.example/cb",
    "https://platform.example\\@evil.example/cb",
    "https://platform.example\\cb",
    "https:\\\\platform.example\\cb",
    "https://platform.example/<script>",
    "https://platform.example/\"",
    "https://platform.example/{x}",
    "https://platform.example/a|b",
    "https://platform.example/a^b",
    "https://platform.example/a`b",
    "https://platform.example/%",
    "https://platform.example/%2",
    "https://platform.example/%zz",
    "https://platform.example/%2x",
    /* hosts that are none, or are written oddly */
    "https://platform..example/cb",
    "https://.platform.example/cb",
    "https://platform.example./cb",
    "https://-platform.example/cb",
    "https://platform-.example/cb",
    "https://plat_form.example/cb",
    "https://platform,example/cb",
    "https://platform.example%2eevil.example/cb",
    "https://%70latform.example/cb",
    "https://127.1/cb",
    "https://2130706433/cb",
    "https://0x7f.0.0.1/cb",
    "https://0177.0.0.01/cb",
    "https://127.0.0.1.5/cb",
    "https://256.0.0.1/cb",
    "https://platform.example.1/cb",
    "https://[::1/cb",
    "https://::1/cb",
    "https://[::1]evil.example/cb",
    "https://[::1%25lo]/cb",
    "https://[g::1]/cb",
    "https://[]/cb",
    "https://[127.0.0.1]/cb",
    "https://[v1.x]/cb",
    /* ports */
    "https://platform.example:/cb",
    "https://platform.example:0/cb",
    "https://platform.example:080/cb",
    "https://platform.example:65536/cb",
    "https://platform.example:-1/cb",
    "https://platform.example:80a/cb",
    "https://platform.example:443:443/cb",
    "https://platform.example:999999999999/cb",
    /* paths that two programs read in two ways */
    "https://platform.example/.",
    "https://platform.example/..",
    "https://platform.example/../cb",
    "https://platform.example/a/../cb",
    "https://platform.example/a/./cb",
    "https://platform.example/a/..;/cb",
    "https://platform.example/..;x=1/cb",
    "https://platform.example/.;/cb",
    "https://platform.example/%2e%2e/cb",
    "https://platform.example/%2E./cb",
    "https://platform.example/a%2fb",
    "https://platform.example/a%2Fb",
    "https://platform.example/a%5cb",
    "https://platform.example/a%5Cb",
    "https://platform.example/%252e%252e/cb",
    "https://platform.example/a%252fb",
    "https://platform.example/..%3b/cb",
    /* parameters of the answer */
    "https://platform.example/cb?code=x",
    "https://platform.example/cb?x=1&state=y",
    "https://platform.example/cb?x=1;state=y",
    "https://platform.example/cb?iss",
    "https://platform.example/cb?%63ode=x",
    "https://platform.example/cb?c%6Fde=x",
    "https://platform.example/cb?&&error=1",
    "https://platform.example/cb?response=1",
    /* http where it may not be, in development too */
    "http://localhost/cb",
    "http://localhost:9000/cb",
    "http://128.0.0.1/cb",
    "http://0.0.0.0/cb",
    "http://[::]/cb",
    "http://[::2]/cb",
    "http://[::ffff:127.0.0.1]/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://127.0.0.1@evil.example/cb",
    "http://evil.example:80#@127.0.0.1/cb",
    "http://127.1/cb",
    "http://2130706433/cb",
    "http://10.0.0.1/cb",
    "http://evil.example/127.0.0.1",
    "http://localhost.evil.example/",
};

static void all_else_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (problem_of(bad[i], &production) == NULL)
            fail_msg("accepted in production: %s", bad[i]);
        if (problem_of(bad[i], &development) == NULL)
            fail_msg("accepted in development: %s", bad[i]);
    }
}

static void address_is_bounded(void **state)
{
    (void)state;
    char address[ADDRESS_MAX + 2];
    memset(address, 'a', sizeof(address));
    memcpy(address, "https://platform.example/", 25);
    address[ADDRESS_MAX] = '\0';
    assert_null(address_problem(address, &production));
    address[ADDRESS_MAX] = 'a';
    address[ADDRESS_MAX + 1] = '\0';
    assert_non_null(address_problem(address, &production));
}

static void host_is_bounded(void **state)
{
    (void)state;
    char address[400], label[65] = "", host[261] = "";
    memset(label, 'a', sizeof(label) - 1);
    for (size_t i = 0; i < sizeof(host) - 1; i++)
        host[i] = i % 2 == 0 ? 'a' : '.';
    (void)snprintf(address, sizeof(address), "https://%sb/", host);
    assert_non_null(address_problem(address, &production));
    (void)snprintf(address, sizeof(address), "https://%s.b/", label);
    assert_non_null(address_problem(address, &production));
    (void)snprintf(address, sizeof(address), "https://%.63s.b/", label);
    assert_null(address_problem(address, &production));
}

static void other_addresses_may_hold_any_query(void **state)
{
    (void)state;
    assert_null(address_problem("https://platform.example/login?code=1&state=2", &production));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(https_addresses_are_fine),
        cmocka_unit_test(http_on_loopback_is_fine_in_development),
        cmocka_unit_test(http_on_loopback_is_refused_in_production),
        cmocka_unit_test(all_else_is_refused),
        cmocka_unit_test(address_is_bounded),
        cmocka_unit_test(host_is_bounded),
        cmocka_unit_test(other_addresses_may_hold_any_query),
    };
    return cmocka_run_group_tests_name("client/address", tests, NULL, NULL);
}
