#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/lane.h"
#include "net/fetch.h"
#include "net/resolve.h"
#include "tests/help.h"
#include "tests/net/http_peer.h"

/* Answers each request by its path. */
static bool answer(int fd, const char *request, int nth);
static struct http_peer server = {.answer = answer};

/* One byte each 20 ms, without end. */
static void dribble(int fd)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    http_peer_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    for (int i = 0; i < 500 && send(fd, "x", 1, MSG_NOSIGNAL) == 1; i++)
        (void)nanosleep(&pause, NULL);
}

/* A short body, and a hundred kibibytes of headers before or behind it. */
static void flood(int fd, bool behind)
{
    char line[1024];
    memset(line, 'a', sizeof(line));
    memcpy(line, "X-Flood: ", 9);
    memcpy(line + sizeof(line) - 3, "\r\n", 3);
    http_peer_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n");
    if (behind)
        http_peer_say(fd, "\r\n1\r\nx\r\n0\r\n");
    for (int i = 0; i < 100; i++)
        http_peer_say(fd, line);
    http_peer_say(fd, behind ? "\r\n" : "\r\n1\r\nx\r\n0\r\n\r\n");
}

static bool answer(int fd, const char *request, int nth)
{
    (void)nth;
    const char *path = strchr(request, ' ') + 1;
    if (strncmp(path, "/slow", 5) == 0)
        dribble(fd);
    else if (strncmp(path, "/headers", 8) == 0)
        flood(fd, false);
    else if (strncmp(path, "/trailers", 9) == 0)
        flood(fd, true);
    else if (strncmp(path, "/large", 6) == 0)
        http_peer_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world");
    else if (strncmp(path, "/endless", 8) == 0)
        http_peer_say(fd, "HTTP/1.1 200 OK\r\n\r\nhello world");
    else if (strncmp(path, "/away", 5) == 0)
        http_peer_say(
            fd, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    else if (strncmp(path, "/rubbish", 8) == 0)
        http_peer_say(fd, "\x01\x02\x03\r\n\r\n");
    else if (strncmp(path, "/list", 5) == 0 && strstr(request, "If-None-Match: \"v1\"") != NULL)
        http_peer_say(fd, "HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n");
    else if (strncmp(path, "/list", 5) == 0)
        http_peer_say(fd, "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nLast-Modified: Sun, 22 Nov 2026 "
                          "13:20:00 GMT\r\nContent-Length: 9\r\n\r\nthe lists");
    else if (strncmp(path, "/empty", 6) == 0)
        http_peer_say(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    else {
        http_peer_say(
            fd, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
        return true;
    }
    return false;
}

static int start_server(void **state)
{
    (void)state;
    http_peer_start(&server);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    http_peer_stop(&server);
    return 0;
}

/* --- the world ------------------------------------------------------------------------------ */

static struct world {
    struct net *net;
    struct arena *arena;
    struct net_answer answer;
    char url[256];
    const char *addresses[NET_ADDRESSES_MAX]; /* what the name server says */
    int asked;
} w;

static enum idp_err lie(void *context, const char *host, unsigned deadline_ms,
                        struct net_addresses *out)
{
    (void)context, (void)host, (void)deadline_ms;
    w.asked++;
    memset(out, 0, sizeof(*out));
    for (; w.addresses[out->count] != NULL; out->count++) {
        struct sockaddr_in *in = (struct sockaddr_in *)&out->list[out->count];
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->list[out->count];
        if (inet_pton(AF_INET, w.addresses[out->count], &in->sin_addr) == 1)
            in->sin_family = AF_INET;
        else if (inet_pton(AF_INET6, w.addresses[out->count], &in6->sin6_addr) == 1)
            in6->sin6_family = AF_INET6;
    }
    return out->count > 0 ? IDP_OK : IDP_UNAVAILABLE;
}

static int set_up(void **state)
{
    char numeric[32];
    char named[64];
    const char *allow[] = {numeric, named, NULL};
    (void)state;
    w = (struct world){.arena = arena_new()};
    (void)snprintf(numeric, sizeof(numeric), "127.0.0.1:%d", server.port);
    (void)snprintf(named, sizeof(named), "Service.invalid:%d", server.port);
    server.connections = 0;
    return w.arena == NULL || net_new(allow, &w.net) != IDP_OK;
}

static int tear_down(void **state)
{
    (void)state;
    lane_set_may_wait(true);
    arena_free(w.arena);
    net_free(w.net);
    return 0;
}

static void say_addresses(const char *first, const char *second)
{
    w.addresses[0] = first;
    w.addresses[1] = second;
    net_set_resolver(w.net, (struct net_resolver){.resolve = lie});
}

static const char *url_of(const char *host, const char *path)
{
    (void)snprintf(w.url, sizeof(w.url), "http://%s:%d%s", host, server.port, path);
    return w.url;
}

static enum idp_err get(const char *url)
{
    const struct net_request request = {.url = url, .answer_max = 10, .deadline_ms = 500};
    return net_fetch(w.net, w.arena, &request, &w.answer);
}

/* --- answers -------------------------------------------------------------------------------- */

static void allowed_host_answers(void **state)
{
    (void)state;
    assert_int_equal(get(url_of("127.0.0.1", "/")), IDP_OK);
    assert_int_equal(w.answer.status, 200);
    assert_string_equal(w.answer.content_type, "text/plain");
    assert_int_equal(w.answer.body_len, 5);
    assert_memory_equal(w.answer.body, "hello", 5);
}

static void body_and_headers_are_sent(void **state)
{
    (void)state;
    const struct net_request request = {.url = url_of("127.0.0.1", "/ocsp"),
                                        .content_type = "application/ocsp-request",
                                        .body = "0\0question",
                                        .body_len = 10,
                                        .accept = "application/ocsp-response",
                                        .answer_max = 10,
                                        .deadline_ms = 500};
    assert_int_equal(net_fetch(w.net, w.arena, &request, &w.answer), IDP_OK);
    assert_int_equal(strncmp(server.seen, "POST /ocsp HTTP/1.1\r\n", 21), 0);
    assert_non_null(strstr(server.seen, "Content-Type: application/ocsp-request\r\n"));
    assert_non_null(strstr(server.seen, "Accept: application/ocsp-response\r\n"));
    assert_null(strstr(server.seen, "Expect:"));
    assert_memory_equal(strstr(server.seen, "\r\n\r\n") + 4, "0\0question", 10);
}

static void empty_answer_is_an_answer(void **state)
{
    (void)state;
    assert_int_equal(get(url_of("127.0.0.1", "/empty")), IDP_OK);
    assert_int_equal(w.answer.status, 204);
    assert_int_equal(w.answer.body_len, 0);
    assert_null(w.answer.content_type);
}

static void connection_is_used_again(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(get(url_of("127.0.0.1", "/")), IDP_OK);
    assert_true(server.connections <= 1);
}

static void redirect_is_not_followed(void **state)
{
    (void)state;
    assert_int_equal(get(url_of("127.0.0.1", "/away")), IDP_OK);
    assert_int_equal(w.answer.status, 302);
}

/* --- into a file ---------------------------------------------------------------------------- */

static enum idp_err get_into(int fd, const char *path, const char *etag, size_t max)
{
    const struct net_request request = {.url = url_of("127.0.0.1", path),
                                        .if_none_match = etag,
                                        .file = &fd,
                                        .answer_max = max,
                                        .deadline_ms = 500};
    return net_fetch(w.net, w.arena, &request, &w.answer);
}

static void body_goes_to_a_file_where_one_is_named(void **state)
{
    char found[16] = "";
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(get_into(fileno(file), "/", NULL, 5), IDP_OK);
    assert_null(w.answer.body);
    assert_int_equal(w.answer.body_len, 5);
    assert_int_equal(pread(fileno(file), found, sizeof(found), 0), 5);
    assert_string_equal(found, "hello");
    (void)fclose(file);
}

static void too_large_a_file_is_cut_off(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_int_equal(get_into(fileno(file), "/large", NULL, 10), IDP_FULL);
    assert_int_equal(get_into(fileno(file), "/endless", NULL, 10), IDP_FULL);
    assert_true(lseek(fileno(file), 0, SEEK_END) <= 10);
    (void)fclose(file);
}

static void file_that_cannot_be_written_is_our_fault(void **state)
{
    (void)state;
    int fd = open("/dev/full", O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(get_into(fd, "/", NULL, 10), IDP_FAULT);
    (void)close(fd);
}

static void what_has_not_changed_is_not_sent_again(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_int_equal(get_into(fileno(file), "/list", NULL, 10), IDP_OK);
    assert_int_equal(w.answer.status, 200);
    assert_string_equal(w.answer.etag, "\"v1\"");
    assert_string_equal(w.answer.last_modified, "Sun, 22 Nov 2026 13:20:00 GMT");
    assert_int_equal(get_into(fileno(file), "/list", w.answer.etag, 10), IDP_OK);
    assert_int_equal(w.answer.status, 304);
    assert_null(w.answer.last_modified);
    (void)fclose(file);
}

static void too_large_an_answer_is_cut_off(void **state)
{
    (void)state;
    assert_int_equal(get(url_of("127.0.0.1", "/large")), IDP_FULL);
    assert_int_equal(get(url_of("127.0.0.1", "/endless")), IDP_FULL);
}

/* libcurl 7.88 keeps all that comes behind the body: a quarter of a gigabyte in three seconds. */
static void flood_of_headers_is_cut_off_before_and_behind_the_body(void **state)
{
    (void)state;
    assert_int_equal(get(url_of("127.0.0.1", "/headers")), IDP_FULL);
    assert_int_equal(get(url_of("127.0.0.1", "/trailers")), IDP_FULL);
}

static void deadline_is_total(void **state)
{
    (void)state;
    const struct net_request request = {
        .url = url_of("127.0.0.1", "/slow"), .answer_max = 200000, .deadline_ms = 300};
    int64_t before = clock_ticks_ms();
    assert_int_equal(net_fetch(w.net, w.arena, &request, &w.answer), IDP_UNAVAILABLE);
    assert_in_range(clock_ticks_ms() - before, 250, 1500);
}

static void silence_and_rubbish_are_no_answer(void **state)
{
    char url[64];
    (void)state;
    assert_int_equal(get(url_of("127.0.0.1", "/rubbish")), IDP_UNAVAILABLE);
    int port = help_free_port();
    char allowed[32];
    (void)snprintf(allowed, sizeof(allowed), "127.0.0.1:%d", port);
    const char *allow[] = {allowed, NULL};
    net_free(w.net);
    assert_int_equal(net_new(allow, &w.net), IDP_OK);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
    assert_int_equal(get(url), IDP_UNAVAILABLE);
}

static void thread_that_may_not_wait_is_told(void **state)
{
    (void)state;
    lane_set_may_wait(false);
    assert_int_equal(get(url_of("127.0.0.1", "/")), IDP_WAIT);
    assert_int_equal(server.connections, 0);
}

static void proxies_of_the_environment_are_ignored(void **state)
{
    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(get(url_of("127.0.0.1", "/")), IDP_OK);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(unsetenv("ALL_PROXY"), 0);
}

/* --- where it may go ------------------------------------------------------------------------ */

static void plain_http_goes_to_allowed_hosts_only(void **state)
{
    (void)state;
    assert_int_equal(get("http://127.0.0.1:1/"), IDP_DENIED);
    assert_int_equal(get("http://example.com/"), IDP_DENIED);
    assert_int_equal(get(url_of("127.0.0.2", "/")), IDP_DENIED);
    assert_int_equal(get(url_of("localhost", "/")), IDP_DENIED);
    assert_int_equal(server.connections, 0);
}

static void plain_http_leads_to_the_public_internet_at_most(void **state)
{
    (void)state;
    const char *const urls[] = {url_of("127.0.0.2", "/"), "http://10.0.0.1/",
                                "http://169.254.169.254/", "http://[::1]:1/"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
        const struct net_request request = {
            .url = urls[i], .plain = true, .answer_max = 10, .deadline_ms = 500};
        assert_int_equal(net_fetch(w.net, w.arena, &request, &w.answer), IDP_DENIED);
    }
    assert_int_equal(server.connections, 0);
}

static void request_may_bring_hosts_of_its_own(void **state)
{
    (void)state;
    char other[32];
    (void)snprintf(other, sizeof(other), "127.0.0.2:%d", server.port);
    const char *const allow[] = {"elsewhere.example:80", other, NULL};
    const struct net_request request = {
        .url = url_of("127.0.0.2", "/"), .allow = allow, .answer_max = 10, .deadline_ms = 500};
    /* Nobody listens there, but it is tried. */
    assert_int_equal(net_fetch(w.net, w.arena, &request, &w.answer), IDP_UNAVAILABLE);
    assert_int_equal(get(request.url), IDP_DENIED); /* the next one does not inherit them */
}

static void other_schemes_and_user_names_are_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {"file:///etc/passwd",
                                       "ftp://127.0.0.1/",
                                       "gopher://127.0.0.1/",
                                       "ldap://127.0.0.1/",
                                       "dict://127.0.0.1/",
                                       "127.0.0.1",
                                       "",
                                       "https://",
                                       "https://a:b@example.com/"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++)
        assert_int_equal(get(urls[i]), IDP_DENIED);
    assert_int_equal(get(url_of("x@127.0.0.1", "/")), IDP_DENIED);
}

static void numeric_addresses_of_our_own_networks_are_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "https://127.0.0.1/",          "https://10.0.0.1/",
        "https://169.254.169.254/",    "https://[::1]/",
        "https://[::ffff:127.0.0.1]/", "https://[fe80::1]/",
        "https://2130706433/",         "https://0x7f.1/",
        "https://0177.0.0.1/",         "https://127.1/",
        "https://[64:ff9b::7f00:1]/",  "https://0/",
        "https://localhost/",          "https://[fd00::1]/",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++)
        assert_int_equal(get(urls[i]), IDP_DENIED);
}

static void one_bad_address_refuses_the_name(void **state)
{
    (void)state;
    say_addresses("8.8.8.8", "127.0.0.1");
    assert_int_equal(get("https://rebind.invalid/"), IDP_DENIED);
    say_addresses("2606:4700::1111", "::ffff:10.0.0.1");
    assert_int_equal(get("https://rebind.invalid/"), IDP_DENIED);
    assert_int_equal(w.asked, 2);
}

/* The name server says the address once; curl has no other source, and asks none itself. */
static void name_is_resolved_once_and_pinned(void **state)
{
    (void)state;
    say_addresses("127.0.0.1", NULL);
    assert_int_equal(get(url_of("service.invalid", "/")), IDP_OK);
    assert_int_equal(w.asked, 1);
    assert_non_null(strstr(server.seen, "Host: service.invalid:"));
}

/* A name that was good a moment ago, and now leads home: the old connection does not help it. */
static void rebound_name_is_refused(void **state)
{
    (void)state;
    const char *allow[] = {NULL};
    net_free(w.net);
    assert_int_equal(net_new(allow, &w.net), IDP_OK);
    (void)snprintf(w.url, sizeof(w.url), "https://service.invalid:%d/", server.port);
    say_addresses("127.0.0.1", NULL);
    assert_int_equal(get(w.url), IDP_DENIED);
    assert_int_equal(server.connections, 0);
}

static void name_without_an_address_is_unavailable(void **state)
{
    (void)state;
    say_addresses(NULL, NULL);
    assert_int_equal(get(url_of("service.invalid", "/")), IDP_UNAVAILABLE);
}

static void system_resolver_knows_this_machine(void **state)
{
    (void)state;
    struct net_addresses addresses;
    assert_int_equal(net_system_resolver.resolve(NULL, "localhost", 2000, &addresses), IDP_OK);
    assert_true(addresses.count >= 1);
    assert_int_equal(net_system_resolver.resolve(NULL, "::1", 2000, &addresses), IDP_OK);
    assert_int_equal(addresses.list[0].ss_family, AF_INET6);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(allowed_host_answers),
        TEST(body_and_headers_are_sent),
        TEST(empty_answer_is_an_answer),
        TEST(connection_is_used_again),
        TEST(redirect_is_not_followed),
        TEST(body_goes_to_a_file_where_one_is_named),
        TEST(too_large_a_file_is_cut_off),
        TEST(file_that_cannot_be_written_is_our_fault),
        TEST(what_has_not_changed_is_not_sent_again),
        TEST(too_large_an_answer_is_cut_off),
        TEST(flood_of_headers_is_cut_off_before_and_behind_the_body),
        TEST(deadline_is_total),
        TEST(silence_and_rubbish_are_no_answer),
        TEST(thread_that_may_not_wait_is_told),
        TEST(proxies_of_the_environment_are_ignored),
        TEST(plain_http_goes_to_allowed_hosts_only),
        TEST(plain_http_leads_to_the_public_internet_at_most),
        TEST(request_may_bring_hosts_of_its_own),
        TEST(other_schemes_and_user_names_are_refused),
        TEST(numeric_addresses_of_our_own_networks_are_refused),
        TEST(one_bad_address_refuses_the_name),
        TEST(name_is_resolved_once_and_pinned),
        TEST(rebound_name_is_refused),
        TEST(name_without_an_address_is_unavailable),
        TEST(system_resolver_knows_this_machine),
    };
    return cmocka_run_group_tests_name("net/fetch", tests, start_server, stop_server);
}
