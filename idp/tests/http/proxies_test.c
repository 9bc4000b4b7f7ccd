/* Whose word about who asks is believed, and how it is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/log.h"
#include "http/http.h"
#include "http/peer.h"
#include "http/proxies.h"
#include "http/server.h"
#include "tests/wire.h"

static struct world {
    struct http_proxies *proxies;
    struct http_server *server;
    int port;
} w;

/* --- the list ------------------------------------------------------------------------------- */

static enum idp_err make(const char *entry)
{
    size_t bad = 99;
    const char *const list[] = {"10.0.0.0/8", entry, NULL};
    enum idp_err err = http_proxies_new(list, &bad, &w.proxies);
    if (err == IDP_BAD_REQUEST)
        assert_int_equal(bad, 1);
    else
        http_proxies_free(w.proxies);
    return err;
}

static void addresses_and_networks_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = {
        "127.0.0.1", "192.168.4.0/22",   "0.0.0.0/0",  "::1",  "2001:db8::/32",  "2001:db8::8/125",
        "fe80::/10", "::ffff:192.0.2.1", "1.2.3.4/32", "::/0", "2001:db8::1/128"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_int_equal(make(good[i]), IDP_OK);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "proxy.example",
                                      "10.0.0.1/8",
                                      "10.0.0.0/33",
                                      "10.0.0.0/",
                                      "10.0.0/8",
                                      "010.0.0.1",
                                      "1.2.3.4/-1",
                                      "2001:db8::/129",
                                      "[::1]",
                                      "2001:db8::1/64",
                                      "1.2.3.4:80",
                                      " 1.2.3.4",
                                      "1.2.3.4/08x",
                                      "/8",
                                      "*"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (make(bad[i]) != IDP_BAD_REQUEST)
            fail_msg("%s was taken", bad[i]);
}

static bool has(const char *entry, const char *address)
{
    size_t bad = 0;
    const char *const list[] = {entry, NULL};
    struct in6_addr v6;
    char mapped[64];
    (void)snprintf(mapped, sizeof(mapped), "::ffff:%s", address);
    assert_int_equal(inet_pton(AF_INET6, strchr(address, ':') ? address : mapped, &v6), 1);
    assert_int_equal(http_proxies_new(list, &bad, &w.proxies), IDP_OK);
    bool found = http_proxies_have(w.proxies, &v6);
    http_proxies_free(w.proxies);
    return found;
}

static void networks_end_at_their_last_bit(void **state)
{
    (void)state;
    assert_true(has("192.168.4.0/22", "192.168.7.255"));
    assert_false(has("192.168.4.0/22", "192.168.8.0"));
    assert_false(has("192.168.4.0/22", "192.168.3.255"));
    assert_true(has("127.0.0.1", "127.0.0.1"));
    assert_false(has("127.0.0.1", "127.0.0.2"));
    assert_true(has("2001:db8::8/125", "2001:db8::f"));
    assert_false(has("2001:db8::8/125", "2001:db8::10"));
    assert_true(has("0.0.0.0/0", "203.0.113.9"));
    assert_false(has("0.0.0.0/0", "2001:db8::1")); /* all of IPv4, not more */
    assert_true(has("::/0", "2001:db8::1"));
}

/* --- the header ----------------------------------------------------------------------------- */

enum { MANY = 6 };

static const char *client_of(const char *const lines[], size_t count, enum idp_err expected)
{
    static struct http_peer peer;
    size_t bad = 0;
    struct in6_addr client;
    const char *const list[] = {"10.0.0.0/8", "fd00::/8", NULL};
    assert_int_equal(http_proxies_new(list, &bad, &w.proxies), IDP_OK);
    assert_int_equal(http_proxies_client(w.proxies, lines, count, &client), expected);
    http_proxies_free(w.proxies);
    if (expected != IDP_OK)
        return "none";
    http_peer_describe_bytes(&client, &peer);
    return peer.address;
}

static void last_hop_that_is_no_proxy_is_who_asks(void **state)
{
    (void)state;
    static const struct {
        const char *lines[MANY], *client;
    } told[] = {
        {{"203.0.113.7"}, "203.0.113.7"},
        {{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"}, /* the first was written by a stranger */
        {{"127.0.0.1, 203.0.113.7, 10.0.0.3,10.0.0.2"}, "203.0.113.7"},
        {{"\t2001:db8::7 "}, "2001:db8::7"},
        {{"::ffff:203.0.113.7"}, "203.0.113.7"},
        {{"<script>, , 203.0.113.7"}, "203.0.113.7"}, /* a stranger may write what he likes */
        {{"10.0.0.9, 10.0.0.3"}, "10.0.0.9"},         /* one of the proxies asks for itself */
        {{"1.1.1.1", "203.0.113.7"}, "203.0.113.7"},  /* lines are one list */
        {{"203.0.113.7", "10.0.0.3", "fd00::1"}, "203.0.113.7"},
        {{"?", "203.0.113.7, 10.0.0.3"}, "203.0.113.7"},
    };
    for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
        size_t count = 0;
        while (told[i].lines[count] != NULL)
            count++;
        assert_string_equal(client_of(told[i].lines, count, IDP_OK), told[i].client);
    }
    assert_string_equal(client_of(NULL, 0, IDP_NOT_FOUND), "none");
}

static void what_a_proxy_wrote_has_to_be_an_address(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "unknown",
        "203.0.113.7, ",
        ",",
        "203.0.113.7:8080",
        "[::1]",
        "203.0.113.7 x",
        "203.0.113",
        "0x7f.0.0.1",
        "203.0.113.07",
        "_hidden",
        "1.1.1.1;2.2.2.2",
        "x, 10.0.0.3",
        "fe80::1%eth0",
        "1.1.1.1, 10.0.0.3,, 10.0.0.2",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        (void)client_of(&bad[i], 1, IDP_BAD_REQUEST);
}

static void more_hops_than_anybody_has_are_refused(void **state)
{
    (void)state;
    char line[512] = "10.0.0.1";
    for (int i = 1; i < HTTP_FORWARDED_HOPS_MAX; i++)
        (void)strncat(line, ",10.0.0.1", sizeof(line) - strlen(line) - 1);
    const char *const lines[] = {line};
    assert_string_equal(client_of(lines, 1, IDP_OK), "10.0.0.1");
    (void)strncat(line, ",10.0.0.1", sizeof(line) - strlen(line) - 1);
    (void)client_of(lines, 1, IDP_BAD_REQUEST);
}

/* --- in the server -------------------------------------------------------------------------- */

struct app {
    int nothing;
};

static enum idp_err show(struct request *rq, struct response *rs)
{
    const char *text =
        arena_printf(rq->arena, "%s %s %s %s", rq->address, rq->network,
                     rq->host != NULL ? rq->host : "none", rq->trace != NULL ? rq->trace : "none");
    return text != NULL ? http_respond_bytes(rs, 200, "text/plain", text, strlen(text)) : IDP_FAULT;
}

static void tell(struct request *rq, struct response *rs, enum idp_err err)
{
    (void)rq, (void)err;
    (void)http_respond_bytes(rs, 500, "text/plain", "failed", 6);
}

static const struct route show_route = {
    .methods = HTTP_GET, .path = "/show", .handle = show, .fail = tell};
static const struct route *const routes[] = {&show_route, NULL};

static int start(const char *const proxies[])
{
    char *why = NULL;
    const struct http_settings settings = {
        .address = "127.0.0.1", .threads = 1, .proxies = proxies};
    if (http_server_start(&settings, routes, NULL, &why, &w.server) != IDP_OK)
        return 1;
    w.port = http_server_port(w.server);
    return 0;
}

static int behind_a_proxy(void **state)
{
    (void)state;
    static const char *const proxies[] = {"127.0.0.0/8", NULL};
    log_set_level(LOG_WARN);
    return start(proxies);
}

static int with_another_proxy(void **state)
{
    (void)state;
    static const char *const proxies[] = {"10.0.0.0/8", NULL};
    log_set_level(LOG_WARN);
    return start(proxies);
}

static int tear_down(void **state)
{
    (void)state;
    http_server_stop(w.server, 1000);
    log_set_level(LOG_INFO);
    return 0;
}

static void expect(const char *headers, int status, const char *body)
{
    char request[2048];
    (void)snprintf(request, sizeof(request), "GET /show HTTP/1.1\r\nHost: a\r\n%s\r\n", headers);
    struct wire_answer answer = wire_ask(w.port, request);
    assert_int_equal(answer.status, status);
    if (body != NULL)
        assert_string_equal(answer.body, body);
    free(answer.head);
}

static void proxy_says_who_asks(void **state)
{
    (void)state;
    expect("X-Forwarded-For: 203.0.113.7\r\n", 200, "203.0.113.7 203.0.113.7 a none");
    expect("X-Forwarded-For: 2001:db8:1:2:3::7\r\n", 200,
           "2001:db8:1:2:3::7 2001:db8:1:2::/64 a none");
    expect("X-Forwarded-For: 1.1.1.1\r\nx-forwarded-for: 203.0.113.7\r\n", 200,
           "203.0.113.7 203.0.113.7 a none");
    expect("", 200, "127.0.0.1 127.0.0.1 a none");
    expect("X-Forwarded-For: unknown\r\n", 400, NULL);
    expect("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 1.1.1.1\r\n"
           "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 1.1.1.1\r\n",
           400, NULL);
}

static void other_headers_of_a_proxy_say_nothing(void **state)
{
    (void)state;
    expect("X-Forwarded-For: 203.0.113.7\r\nForwarded: for=9.9.9.9;host=evil;proto=http\r\n"
           "X-Forwarded-Host: evil\r\nX-Forwarded-Proto: http\r\nX-Real-IP: 9.9.9.9\r\n",
           200, "203.0.113.7 203.0.113.7 a none");
}

static void stranger_says_nothing_about_who_asks(void **state)
{
    (void)state;
    expect("X-Forwarded-For: 203.0.113.7\r\n", 200, "127.0.0.1 127.0.0.1 a none");
    expect("X-Forwarded-For: unknown\r\n", 200, "127.0.0.1 127.0.0.1 a none");
    expect("X-Forwarded-For: 1\r\nX-Forwarded-For: 2\r\nX-Forwarded-For: 3\r\n"
           "X-Forwarded-For: 4\r\nX-Forwarded-For: 5\r\nX-Forwarded-For: 6\r\n",
           200, "127.0.0.1 127.0.0.1 a none");
}

static void trace_is_taken_over(void **state)
{
    (void)state;
    expect("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n", 200,
           "127.0.0.1 127.0.0.1 a 0af7651916cd43dd8448eb211c80319c");
    expect("traceparent: 00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01\r\n", 200,
           "127.0.0.1 127.0.0.1 a none");
    expect("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
           "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
           200, "127.0.0.1 127.0.0.1 a none");
}

static void log_names_who_asks_the_proxy_and_the_trace(void **state)
{
    (void)state;
    int ends[2];
    char line[2048] = "";
    assert_int_equal(pipe(ends), 0);
    log_set_level(LOG_INFO);
    log_set_fd(ends[1]);
    expect("X-Forwarded-For: 203.0.113.7\r\n"
           "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
           200, NULL);
    assert_true(read(ends[0], line, sizeof(line) - 1) > 0);
    log_set_fd(STDERR_FILENO);
    assert_non_null(strstr(line, "\"address\":\"203.0.113.7\",\"proxy\":\"127.0.0.1\",\"id\":\""));
    assert_non_null(strstr(line, "\"trace\":\"0af7651916cd43dd8448eb211c80319c\"}"));
    (void)close(ends[0]);
    (void)close(ends[1]);
}

#define BEHIND(f) cmocka_unit_test_setup_teardown(f, behind_a_proxy, tear_down)
#define BESIDE(f) cmocka_unit_test_setup_teardown(f, with_another_proxy, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_and_networks_are_taken),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(networks_end_at_their_last_bit),
        cmocka_unit_test(last_hop_that_is_no_proxy_is_who_asks),
        cmocka_unit_test(what_a_proxy_wrote_has_to_be_an_address),
        cmocka_unit_test(more_hops_than_anybody_has_are_refused),
        BEHIND(proxy_says_who_asks),
        BEHIND(other_headers_of_a_proxy_say_nothing),
        BESIDE(stranger_says_nothing_about_who_asks),
        BESIDE(trace_is_taken_over),
        BEHIND(log_names_who_asks_the_proxy_and_the_trace),
    };
    return cmocka_run_group_tests_name("http/proxies", tests, NULL, NULL);
}
