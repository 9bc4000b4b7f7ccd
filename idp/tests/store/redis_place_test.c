/* What may stand in store.kv for a Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/redis_place.h"

static struct redis_place place;
static const char *problem;

static enum idp_err read_place(const char *text)
{
    place = (struct redis_place){.database = -1};
    problem = NULL;
    return redis_place_read(text, &problem, &place);
}

static void a_host_alone_has_the_usual_port_and_database(void **state)
{
    (void)state;
    assert_int_equal(read_place("redis://cache.example"), IDP_OK);
    assert_string_equal(place.host, "cache.example");
    assert_string_equal(place.port, "6379");
    assert_string_equal(place.user, "");
    assert_string_equal(place.path, "");
    assert_int_equal(place.database, 0);
    assert_false(place.tls);
    assert_int_equal(read_place("redis://cache.example/"), IDP_OK);
}

static void everything_may_be_said(void **state)
{
    (void)state;
    assert_int_equal(read_place("rediss://tamga@10.0.0.7:6380/15"), IDP_OK);
    assert_string_equal(place.user, "tamga");
    assert_string_equal(place.host, "10.0.0.7");
    assert_string_equal(place.port, "6380");
    assert_int_equal(place.database, 15);
    assert_true(place.tls);
}

static void an_ipv6_address_stands_in_brackets(void **state)
{
    (void)state;
    assert_int_equal(read_place("redis://[::1]:6380/3"), IDP_OK);
    assert_string_equal(place.host, "::1");
    assert_string_equal(place.port, "6380");
    assert_int_equal(read_place("redis://[fe80::2]"), IDP_OK);
    assert_string_equal(place.host, "fe80::2");
    assert_string_equal(place.port, "6379");
    assert_int_equal(read_place("redis://::1"), IDP_BAD_REQUEST);
}

static void a_unix_socket_has_a_whole_path_and_may_have_a_user(void **state)
{
    (void)state;
    assert_int_equal(read_place("redis+unix:/run/redis/a@b.sock"), IDP_OK);
    assert_string_equal(place.path, "/run/redis/a@b.sock");
    assert_string_equal(place.host, "");
    assert_string_equal(place.user, "");
    assert_int_equal(read_place("redis+unix:tamga@/run/redis.sock"), IDP_OK);
    assert_string_equal(place.user, "tamga");
    assert_string_equal(place.path, "/run/redis.sock");
}

static void everything_else_is_refused_with_what_was_expected(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "redis:",
        "redis://",
        "redis:///0",
        "redis://@host",
        "redis://host:",
        "redis://host:0",
        "redis://host:65536",
        "redis://host:12345678",
        "redis://host:6379x",
        "redis://host/16",
        "redis://host/-1",
        "redis://host/0/1",
        "redis://host name",
        "redis://host?db=1",
        "redis://a,b",
        "redis://[::1",
        "redis://[]",
        "redis://user@other@host",
        "REDIS://host",
        "redis+unix:",
        "redis+unix:relative.sock",
        "redis+unix:user@relative.sock",
        "memory:x",
        "paper:",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (read_place(wrong[i]) != IDP_BAD_REQUEST)
            fail_msg("%s was taken for a place", wrong[i]);
        assert_int_equal(place.database, -1); /* nothing was set */
        assert_non_null(strstr(problem, "redis://[USER@]HOST[:PORT][/DATABASE]"));
    }
}

static void a_password_has_another_place(void **state)
{
    (void)state;
    assert_int_equal(read_place("redis://user:secret@host"), IDP_BAD_REQUEST);
    assert_non_null(strstr(problem, "store.kv_password_file"));
    assert_null(strstr(problem, "secret"));
    assert_int_equal(read_place("rediss://:secret@host"), IDP_BAD_REQUEST);
    assert_non_null(strstr(problem, "store.kv_password_file"));
    assert_int_equal(read_place("redis+unix:user:secret@/run/redis.sock"), IDP_BAD_REQUEST);
    assert_non_null(strstr(problem, "store.kv_password_file"));
}

static void names_are_bounded(void **state)
{
    (void)state;
    char text[512];
    memset(text, 'a', sizeof(text));
    memcpy(text, "redis://", 8);
    text[8 + REDIS_HOST_MAX] = '\0';
    assert_int_equal(read_place(text), IDP_OK);
    text[8 + REDIS_HOST_MAX] = 'a';
    text[8 + REDIS_HOST_MAX + 1] = '\0';
    assert_int_equal(read_place(text), IDP_BAD_REQUEST);
    memset(text, 'a', sizeof(text));
    memcpy(text, "redis+unix:/", 12);
    text[11 + REDIS_PATH_MAX] = '\0';
    assert_int_equal(read_place(text), IDP_OK);
    text[11 + REDIS_PATH_MAX] = 'a';
    text[11 + REDIS_PATH_MAX + 1] = '\0';
    assert_int_equal(read_place(text), IDP_BAD_REQUEST);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_alone_has_the_usual_port_and_database),
        cmocka_unit_test(everything_may_be_said),
        cmocka_unit_test(an_ipv6_address_stands_in_brackets),
        cmocka_unit_test(a_unix_socket_has_a_whole_path_and_may_have_a_user),
        cmocka_unit_test(everything_else_is_refused_with_what_was_expected),
        cmocka_unit_test(a_password_has_another_place),
        cmocka_unit_test(names_are_bounded),
    };
    return cmocka_run_group_tests_name("store/redis_place", tests, NULL, NULL);
}
