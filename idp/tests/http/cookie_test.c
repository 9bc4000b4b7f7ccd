#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "http/http.h"

static struct world {
    struct request rq;
    struct response rs;
} w;

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.rq = {.arena = arena_new()}};
    return w.rq.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(w.rq.arena);
    return 0;
}

static const char *find(const char *header)
{
    w.rq.cookie = header;
    const char *found = http_cookie_find(&w.rq, "__Host-tamga");
    return found != NULL ? found : "nothing";
}

static void cookie_is_found_wherever_it_stands(void **state)
{
    (void)state;
    assert_string_equal(find("__Host-tamga=abc"), "abc");
    assert_string_equal(find("a=b; __Host-tamga=abc"), "abc");
    assert_string_equal(find("a=b;__Host-tamga=a=b;c=d"), "a=b");
    assert_string_equal(find("; ;__Host-tamga=abc;"), "abc");
    assert_string_equal(find("__Host-tamga="), "");
}

static void only_the_exact_name_is_believed(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "a=b",
        "__host-tamga=x",
        "__Host-tamga2=x",
        "x__Host-tamga=x",
        "__Host-tamga",
        "__Host-tamga =x",
        "a=__Host-tamga=x",
        "a=\"; __Host-tamgas=x",
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_string_equal(find(others[i]), "nothing");
    assert_string_equal(find(NULL), "nothing");
}

static void cookie_that_comes_twice_is_none(void **state)
{
    (void)state;
    assert_string_equal(find("__Host-tamga=a; __Host-tamga=a"), "nothing");
    assert_string_equal(find("__Host-tamga=a; b=c; __Host-tamga="), "nothing");
}

static void value_with_forbidden_octets_is_none(void **state)
{
    (void)state;
    assert_string_equal(find("__Host-tamga=a b"), "nothing");
    assert_string_equal(find("__Host-tamga=\"a\""), "nothing");
    assert_string_equal(find("__Host-tamga=a\\b"), "nothing");
    assert_string_equal(find("__Host-tamga=a,b"), "nothing");
    assert_string_equal(find("__Host-tamga=\xe4"), "nothing");
    assert_string_equal(find("__Host-tamga=a\x7f"), "nothing");
}

static void value_may_be_512_bytes_long(void **state)
{
    (void)state;
    char header[600];
    (void)snprintf(header, sizeof(header), "__Host-tamga=%0512d", 0);
    assert_int_equal(strlen(find(header)), 512);
    (void)snprintf(header, sizeof(header), "__Host-tamga=%0513d", 0);
    assert_string_equal(find(header), "nothing");
}

static void cookie_is_set_for_this_host_and_no_script(void **state)
{
    (void)state;
    assert_int_equal(http_cookie_set(&w.rq, &w.rs, "__Host-tamga", "abc-_"), IDP_OK);
    assert_string_equal(w.rs.headers[0].name, "Set-Cookie");
    assert_string_equal(w.rs.headers[0].value,
                        "__Host-tamga=abc-_; Path=/; Secure; HttpOnly; SameSite=Lax");
}

static void empty_value_deletes(void **state)
{
    (void)state;
    assert_int_equal(http_cookie_set(&w.rq, &w.rs, "__Host-tamga", ""), IDP_OK);
    assert_string_equal(w.rs.headers[0].value,
                        "__Host-tamga=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
}

static void value_cannot_add_attributes(void **state)
{
    (void)state;
    static const char *const bad[] = {"a;Domain=b", "a b", "a\r\nX: y", "a,b", "\"a\""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(http_cookie_set(&w.rq, &w.rs, "__Host-tamga", bad[i]), IDP_FAULT);
    assert_int_equal(http_cookie_set(&w.rq, &w.rs, "a=b", "c"), IDP_FAULT);
    assert_int_equal(http_cookie_set(&w.rq, &w.rs, "", "c"), IDP_FAULT);
    assert_int_equal(w.rs.header_count, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(cookie_is_found_wherever_it_stands),
        TEST(only_the_exact_name_is_believed),
        TEST(cookie_that_comes_twice_is_none),
        TEST(value_with_forbidden_octets_is_none),
        TEST(value_may_be_512_bytes_long),
        TEST(cookie_is_set_for_this_host_and_no_script),
        TEST(empty_value_deletes),
        TEST(value_cannot_add_attributes),
    };
    return cmocka_run_group_tests_name("http/cookie", tests, NULL, NULL);
}
