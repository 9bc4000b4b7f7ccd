/* The server over real sockets: what it answers by itself, and what it makes of answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "base/arena.h"
#include "base/log.h"
#include "http/http.h"
#include "http/server.h"
#include "tests/help.h"
#include "tests/http/over_tls.h"
#include "tests/wire.h"

#define CSP "default-src 'none'; script-src 'self'"

struct app {
    struct http_fixed *fixed, *page, *large;
};

static struct world {
    struct app app;
    struct http_server *server;
    int port;
} w;

/* --- routes --------------------------------------------------------------------------------- */

static void tell(struct request *rq, struct response *rs, enum idp_err err)
{
    (void)rq;
    rs->error_code = "refused";
    (void)http_respond_bytes(rs, err == IDP_BAD_REQUEST ? 400 : 500, "text/plain", "failed", 6);
}

static enum idp_err fixed(struct request *rq, struct response *rs)
{
    return http_respond_fixed(rq, rs, rq->app->fixed);
}

static enum idp_err page(struct request *rq, struct response *rs)
{
    return http_respond_fixed(rq, rs, rq->app->page);
}

static enum idp_err large(struct request *rq, struct response *rs)
{
    return http_respond_fixed(rq, rs, rq->app->large);
}

static const char *or_none(const char *text)
{
    return text != NULL ? text : "none";
}

static enum idp_err answer_text(struct response *rs, const char *text)
{
    return text != NULL ? http_respond_bytes(rs, 200, "text/plain", text, strlen(text)) : IDP_FAULT;
}

static enum idp_err show(struct request *rq, struct response *rs)
{
    const char *text = arena_printf(
        rq->arena, "%s|%s|%s|%s|%s|%s %s|%zu", rq->path, or_none(rq->query), or_none(rq->cookie),
        or_none(rq->origin), or_none(rq->portal_token), rq->address, rq->network, strlen(rq->id));
    return answer_text(rs, text);
}

static const struct param form_params[] = {
    {.name = "a", .required = true, .max = 64}, {.name = "b", .max = 64}, {.name = NULL}};

static enum idp_err form(struct request *rq, struct response *rs)
{
    return answer_text(
        rs, arena_printf(rq->arena, "%s,%s", http_param(rq, "a"), or_none(http_param(rq, "b"))));
}

static enum idp_err count_bytes(struct request *rq, struct response *rs)
{
    return answer_text(rs,
                       arena_printf(rq->arena, "%zu %s", rq->body_len, or_none(rq->content_type)));
}

static enum idp_err wait_unannounced(struct request *rq, struct response *rs)
{
    (void)rq, (void)rs;
    return IDP_WAIT;
}

static enum idp_err say_nothing(struct request *rq, struct response *rs)
{
    (void)rq, (void)rs;
    return IDP_OK;
}

static enum idp_err live_page(struct request *rq, struct response *rs)
{
    (void)rq;
    (void)http_header_add(rs, "Cache-Control", "max-age=5");
    return http_respond_bytes(rs, 200, "text/html; charset=utf-8", "<p>", 3);
}

static enum idp_err preflight(struct request *rq, struct response *rs)
{
    (void)rq;
    return http_respond_bytes(rs, 204, NULL, NULL, 0);
}

#define ROUTE(name, which, where, what)                                                            \
    static const struct route name = {.methods = which, .path = where, .handle = what, .fail = tell}

ROUTE(fixed_route, HTTP_GET, "/fixed", fixed);
ROUTE(page_route, HTTP_GET, "/page", page);
ROUTE(large_route, HTTP_GET, "/large", large);
ROUTE(show_route, HTTP_GET | HTTP_POST, "/show", show);
ROUTE(below_route, HTTP_GET, "/below/*", show);
ROUTE(deeper_route, HTTP_GET, "/below/deeper/*", count_bytes);
ROUTE(exact_route, HTTP_GET, "/below/exact", count_bytes);
ROUTE(wait_route, HTTP_GET, "/wait", wait_unannounced);
ROUTE(nothing_route, HTTP_GET, "/nothing", say_nothing);
ROUTE(live_route, HTTP_GET, "/live", live_page);
ROUTE(preflight_route, HTTP_OPTIONS, "/show", preflight);
static const struct route form_route = {.methods = HTTP_GET | HTTP_POST,
                                        .path = "/form",
                                        .params = form_params,
                                        .handle = form,
                                        .fail = tell};
static const struct route raw_route = {.methods = HTTP_POST,
                                       .path = "/raw",
                                       .body = HTTP_BODY_RAW,
                                       .body_max = 1000,
                                       .handle = count_bytes,
                                       .fail = tell};

static const struct route *const routes[] = {
    &fixed_route,     &page_route, &show_route,  &below_route,   &deeper_route,
    &exact_route,     &wait_route, &form_route,  &nothing_route, &live_route,
    &preflight_route, &raw_route,  &large_route, NULL,
};

/* --- the world ------------------------------------------------------------------------------ */

static int set_up(void **state)
{
    (void)state;
    char *why = NULL;
    const struct http_settings settings =
        over_tls((struct http_settings){.address = "127.0.0.1", .csp = CSP, .quiet = true});
    const struct http_header headers[] = {{"Cache-Control", "public, max-age=900"}, {NULL, NULL}};
    w.app.fixed = http_fixed_new("application/json", "{\"a\":1}", 7, headers);
    w.app.page = http_fixed_new("text/html; charset=utf-8", "<p>hello", 8, NULL);
    if (w.app.fixed == NULL || w.app.page == NULL ||
        http_server_start(&settings, routes, &w.app, &why, &w.server) != IDP_OK)
        return 1;
    w.port = http_server_port(w.server);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_server_stop(w.server, 1000);
    http_fixed_free(w.app.fixed);
    http_fixed_free(w.app.page);
    return 0;
}

static void expect_status(const char *request, int status)
{
    struct wire_answer answer = wire_ask(w.port, request);
    free(answer.head);
    assert_int_equal(answer.status, status);
}

static void expect_body(const char *request, int status, const char *body)
{
    struct wire_answer answer = wire_ask(w.port, request);
    assert_int_equal(answer.status, status);
    assert_string_equal(answer.body, body);
    free(answer.head);
}

static void expect_header(const char *request, const char *name, const char *value)
{
    struct wire_answer answer = wire_ask(w.port, request);
    char *found = wire_header(&answer, name);
    if (value == NULL)
        assert_null(found);
    else
        assert_string_equal(or_none(found), value);
    free(found);
    free(answer.head);
}

#define HOST "Host: a\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

/* --- answers -------------------------------------------------------------------------------- */

static void fixed_answer_goes_out_whole(void **state)
{
    (void)state;
    expect_body(GET("/fixed"), 200, "{\"a\":1}");
    expect_header(GET("/fixed"), "Content-Type", "application/json");
    expect_header(GET("/fixed"), "Cache-Control", "public, max-age=900");
    expect_header(GET("/fixed"), "X-Content-Type-Options", "nosniff");
}

static void known_etag_gets_304(void **state)
{
    (void)state;
    struct wire_answer answer = wire_ask(w.port, GET("/fixed"));
    char *etag = wire_header(&answer, "ETag");
    char request[256];
    assert_non_null(etag);
    (void)snprintf(request, sizeof(request),
                   "GET /fixed HTTP/1.1\r\n" HOST "If-None-Match: \"x\", W/%s\r\n\r\n", etag);
    expect_status(request, 304);
    expect_header(request, "ETag", etag);
    expect_header(request, "Cache-Control", "public, max-age=900");
    free(etag);
    free(answer.head);
}

static void every_answer_carries_the_security_headers(void **state)
{
    (void)state;
    static const char *const requests[] = {GET("/show"), GET("/none"), GET("/wait"),
                                           "POST /fixed HTTP/1.1\r\n" HOST "\r\n"};
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        expect_header(requests[i], "X-Content-Type-Options", "nosniff");
        expect_header(requests[i], "Referrer-Policy", "no-referrer");
        expect_header(requests[i], "Cache-Control", "no-store");
        expect_header(requests[i], "Content-Security-Policy", NULL);
    }
}

static void pages_carry_the_browsers_policies(void **state)
{
    (void)state;
    static const char *const requests[] = {GET("/page"), GET("/live")};
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        expect_header(requests[i], "Content-Security-Policy", CSP);
        expect_header(requests[i], "X-Frame-Options", "DENY");
        expect_header(requests[i], "Cross-Origin-Opener-Policy", "same-origin");
        expect_header(requests[i], "Permissions-Policy",
                      "loopback-network=(self), local-network-access=(self)");
    }
    expect_body(GET("/page"), 200, "<p>hello");
    expect_header(GET("/live"), "Cache-Control", "max-age=5");
}

static void head_is_get_without_its_body(void **state)
{
    (void)state;
    expect_body("HEAD /fixed HTTP/1.1\r\n" HOST "\r\n", 200, "");
    expect_header("HEAD /fixed HTTP/1.1\r\n" HOST "\r\n", "Content-Length", "7");
}

static void connection_serves_one_request_after_the_other(void **state)
{
    (void)state;
    int fd = wire_connect(w.port);
    for (int i = 0; i < 50; i++) {
        assert_true(wire_send(fd, i % 2 == 0 ? GET("/fixed") : GET("/none")));
        struct wire_answer answer = wire_read(fd, false);
        assert_int_equal(answer.status, i % 2 == 0 ? 200 : 404);
        free(answer.head);
    }
    (void)close(fd);
}

/* Receives until n bytes have come that are c; others do not count. */
static size_t count_octets(int fd, char c, size_t n)
{
    char piece[16384];
    size_t counted = 0;
    for (ssize_t got = 1; got > 0 && counted < n;) {
        got = recv(fd, piece, sizeof(piece), 0);
        for (ssize_t i = 0; i < got; i++)
            counted += piece[i] == c;
    }
    return counted;
}

static void expect_survival(const char *type)
{
    static const size_t size = 32 << 20; /* more than both sockets hold */
    char *body = malloc(size);
    assert_non_null(body);
    memset(body, '~', size);
    w.app.large = http_fixed_new(type, body, size, NULL);
    free(body);
    assert_non_null(w.app.large);
    int fd = wire_connect(w.port);
    assert_true(wire_send(fd, GET("/large")));
    size_t begun = count_octets(fd, '~', 1);
    assert_true(begun > 0);
    http_fixed_free(w.app.large);
    assert_int_equal(count_octets(fd, '~', size - begun), size - begun);
    (void)close(fd);
}

/* A client that reads slowly was sent freed memory once the keys had changed twice. */
static void fixed_answer_may_be_freed_while_it_is_sent(void **state)
{
    (void)state;
    expect_survival("text/plain");
    expect_survival("text/html; charset=utf-8");
}

/* --- routes --------------------------------------------------------------------------------- */

static void unknown_path_is_404(void **state)
{
    (void)state;
    expect_body(GET("/fixed/"), 404, "{\"error\":\"not_found\"}");
    expect_status(GET("/"), 404);
    expect_status(GET("/below"), 404);
}

static void wrong_method_is_405_and_told_the_right_ones(void **state)
{
    (void)state;
    expect_status("POST /fixed HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab", 405);
    expect_header("DELETE /fixed HTTP/1.1\r\n" HOST "\r\n", "Allow", "GET, HEAD");
    expect_header("OPTIONS /form HTTP/1.1\r\n" HOST "\r\n", "Allow", "GET, HEAD, POST");
    expect_header("GET /raw HTTP/1.1\r\n" HOST "\r\n", "Allow", "POST");
}

static void options_goes_to_the_route_that_takes_it(void **state)
{
    (void)state;
    expect_status("OPTIONS /show HTTP/1.1\r\n" HOST "\r\n", 204);
    expect_status("DELETE /show HTTP/1.1\r\n" HOST "\r\n", 405); /* it was once taken for it */
}

static void longest_prefix_wins_and_exact_beats_it(void **state)
{
    (void)state;
    expect_body(GET("/below/x"), 200, "/below/x|none|none|none|none|127.0.0.1 127.0.0.1|16");
    expect_body(GET("/below/"), 200, "/below/|none|none|none|none|127.0.0.1 127.0.0.1|16");
    expect_body(GET("/below/deeper/x"), 200, "0 none");
    expect_body(GET("/below/exact"), 200, "0 none");
}

/* --- requests ------------------------------------------------------------------------------- */

static void handler_sees_the_request(void **state)
{
    (void)state;
    expect_body("GET /show?a=%41 HTTP/1.1\r\n" HOST "cookie: c=1\r\nOrigin: http://o\r\n"
                "X-Tamga-Token: t\r\n\r\n",
                200, "/show|a=%41|c=1|http://o|t|127.0.0.1 127.0.0.1|16");
}

static void cookie_lines_are_joined(void **state)
{
    (void)state;
    expect_body("GET /show HTTP/1.1\r\n" HOST "Cookie: a=1\r\nCookie: b=2\r\nCookie: c=3\r\n\r\n",
                200, "/show|none|a=1; b=2; c=3|none|none|127.0.0.1 127.0.0.1|16");
}

static void header_that_comes_twice_is_400(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Host",          "Authorization",  "Origin",        "Content-Type",  "Accept",
        "If-None-Match", "Sec-Fetch-Site", "X-Tamga-Token", "X-Tamga-Agent", "Content-Length",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char request[256];
        (void)snprintf(request, sizeof(request), "GET /show HTTP/1.1\r\n%s: 0\r\n%s%s: 0\r\n\r\n",
                       names[i], i == 0 ? "" : HOST, names[i]);
        expect_status(request, 400);
    }
}

static void request_without_host_is_400(void **state)
{
    (void)state;
    expect_status("GET /show HTTP/1.1\r\n\r\n", 400);
    expect_status("GET /show HTTP/1.0\r\n\r\n", 200);
}

static void two_lengths_of_one_body_are_400(void **state)
{
    (void)state;
    expect_status("POST /raw HTTP/1.1\r\n" HOST
                  "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                  400);
    expect_status("POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 400);
}

/* Says what came on a connection until it closed; NUL may be sent, as its own text. */
static char *everything(const char *request, size_t len)
{
    static char all[16384];
    size_t have = 0;
    int fd = wire_connect(w.port);
    assert_int_equal(send(fd, request, len, MSG_NOSIGNAL), len);
    for (ssize_t n = 1; n > 0 && have<sizeof(all) - 1; have += n> 0 ? (size_t)n : 0)
        n = recv(fd, all + have, sizeof(all) - 1 - have, 0);
    all[have] = '\0';
    (void)close(fd);
    return all;
}

#define INNER GET("/fixed")
#define SMUGGLER(lines)                                                                            \
    {                                                                                              \
        "POST /raw HTTP/1.1\r\n" HOST lines "\r\n" INNER,                                          \
            sizeof("POST /raw HTTP/1.1\r\n" HOST lines "\r\n" INNER) - 1                           \
    }

/*
 * What one side reads as a body and the other as the next request: the second request was answered,
 * on a connection that a proxy shares between its visitors.
 */
static void head_that_two_readers_read_differently_ends_the_connection(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
    } smugglers[] = {
        SMUGGLER("Content-Length : 33\r\n"),
        SMUGGLER("Content-Length\t: 33\r\n"),
        SMUGGLER("Transfer-Encoding : chunked\r\n"),
        SMUGGLER("Content-Length: 0\r\nTransfer-Encoding : chunked\r\n"),
        SMUGGLER("Content-Length: 0\r\nContent-Length: 33\r\n"),
        SMUGGLER("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
        SMUGGLER("X: a\rContent-Length: 33\r\n"),
        SMUGGLER("X: a\nContent-Length: 33\r\n"),
        SMUGGLER("X: a\0b\r\nContent-Length: 33\r\n"),
        SMUGGLER("X: a\0b\r\n"),
        SMUGGLER("X: a\r\n Content-Length: 33\r\n"),
        SMUGGLER("X: a\r"),
        SMUGGLER("Content Length: 33\r\n"),
        SMUGGLER("X(): a\r\n"),
        SMUGGLER(": a\r\n"),
        SMUGGLER("X\0Content-Length: 33\r\n"),
        {"GET /fixed\0x HTTP/1.1\r\n" HOST "\r\n" INNER,
         sizeof("GET /fixed\0x HTTP/1.1\r\n" HOST "\r\n" INNER) - 1},
    };
    for (size_t i = 0; i < sizeof(smugglers) / sizeof(*smugglers); i++) {
        const char *all = everything(smugglers[i].text, smugglers[i].len);
        if (strstr(all, "HTTP/1.1 200") != NULL || strncmp(all, "HTTP/1.1 400", 12) != 0)
            fail_msg("%s\n-> %s", smugglers[i].text, all);
    }
}

static void nap_us(long us)
{
    const struct timespec time = {.tv_nsec = us * 1000};
    (void)nanosleep(&time, NULL);
}

/* Where lines stand is compared: a head that comes in pieces, or fills its memory, must not move.
 */
static void good_head_is_taken_in_whatever_pieces(void **state)
{
    (void)state;
    static const char start[] = "POST /show?q=1 HTTP/1.1\r\n" HOST "Cookie: a=1\r\nOrigin: o\r\n";
    char request[16384];
    for (size_t filler = 1; filler < 12000; filler += 1500) {
        int len = snprintf(request, sizeof(request),
                           "%sX-Filler: %0*d \r\nX-Empty:\r\nX-Tab:\tx\r\n"
                           "X-Tamga-Token:t\r\nContent-Length: 1\r\n\r\nx",
                           start, (int)filler, 0);
        int fd = wire_connect(w.port);
        size_t piece = filler < 5000 ? 1 + filler / 40 : 700;
        for (size_t at = 0; at < (size_t)len; at += piece) {
            size_t n = (size_t)len - at < piece ? (size_t)len - at : piece;
            assert_int_equal(send(fd, request + at, n, MSG_NOSIGNAL), n);
            nap_us(200);
        }
        struct wire_answer answer = wire_read(fd, false);
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer.body, "/show|q=1|a=1|o|t|127.0.0.1 127.0.0.1|16");
        free(answer.head);
        (void)close(fd);
    }
}

static void odd_octets_in_the_target_are_400(void **state)
{
    (void)state;
    expect_status("GET /sh\xC3\xA4w HTTP/1.1\r\n" HOST "\r\n", 400);
    expect_status("GET /show?\x01 HTTP/1.1\r\n" HOST "\r\n", 400);
}

static void form_is_read_from_the_body_only(void **state)
{
    (void)state;
    expect_body("POST /form?c=query HTTP/1.1\r\n" HOST
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5\r\n\r\na=1+2",
                200, "1 2,none");
    static const char *const queries[] = {"b=query", "b", "x=1&b=", "%62=query", "a=1", "x%zz=1"};
    for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
        char request[256];
        (void)snprintf(
            request, sizeof(request),
            "POST /form?%s HTTP/1.1\r\n" HOST
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=1",
            queries[i]);
        expect_status(request, 400);
    }
    expect_body(GET("/form?a=x&b=y"), 200, "x,y");
    expect_status("POST /form HTTP/1.1\r\n" HOST
                  "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\na=1",
                  400);
}

static void body_in_chunks_and_pieces_is_put_together(void **state)
{
    (void)state;
    expect_body("POST /raw HTTP/1.1\r\n" HOST "Content-Type: x/y\r\nTransfer-Encoding: chunked"
                "\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
                200, "7 x/y");
}

/* A body of n bytes whose head says so, or that comes in one chunk. */
static char *big_post(size_t n, bool chunked)
{
    char *request = calloc(1, n + 256);
    assert_non_null(request);
    int len =
        chunked
            ? snprintf(request, 256,
                       "POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", n)
            : snprintf(request, 256, "POST /raw HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
                       n);
    memset(request + len, 'x', n);
    if (chunked)
        memcpy(request + (size_t)len + n, "\r\n0\r\n\r\n", 8);
    return request;
}

static void body_up_to_the_limit_is_taken(void **state)
{
    (void)state;
    for (int chunked = 0; chunked < 2; chunked++) {
        char *request = big_post(1000, chunked != 0);
        expect_body(request, 200, "1000 none");
        free(request);
    }
}

static void larger_body_is_413(void **state)
{
    (void)state;
    static const size_t sizes[] = {1001, 100000, 900000};
    for (size_t i = 0; i < 6; i++) {
        char *request = big_post(sizes[i / 2], i % 2 != 0);
        expect_body(request, 413, "{\"error\":\"too_large\"}");
        free(request);
    }
}

static void huge_body_is_not_even_read(void **state)
{
    (void)state;
    expect_status("POST /raw HTTP/1.1\r\n" HOST "Content-Length: 1000000000\r\n\r\n", 413);
    expect_status(
        "POST /raw HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n", 413);
}

static void too_large_head_is_refused(void **state)
{
    (void)state;
    char *request = calloc(1, 70000);
    assert_non_null(request);
    int len = snprintf(request, 100, "GET /show HTTP/1.1\r\n" HOST "Accept: ");
    memset(request + len, 'x', 60000);
    memcpy(request + len + 60000, "\r\n\r\n", 5);
    struct wire_answer answer = wire_ask(w.port, request);
    assert_true(answer.status == 431 || answer.status == 413 || answer.status == 0);
    free(answer.head);
    free(request);
    expect_status(GET("/show"), 200);
}

/* --- faults --------------------------------------------------------------------------------- */

static void route_that_waits_unannounced_is_500(void **state)
{
    (void)state;
    expect_body(GET("/wait"), 500, "{\"error\":\"fault\"}");
}

static void answer_without_status_is_500(void **state)
{
    (void)state;
    expect_body(GET("/nothing"), 500, "{\"error\":\"fault\"}");
}

static void port_in_use_is_told_in_words(void **state)
{
    (void)state;
    char *why = NULL;
    struct http_server *second = NULL;
    const struct http_settings settings =
        over_tls((struct http_settings){.address = "127.0.0.1", .port = (uint16_t)w.port});
    assert_int_equal(http_server_start(&settings, routes, &w.app, &why, &second), IDP_UNAVAILABLE);
    assert_non_null(strstr(why, "another program listens there already"));
    free(why);
}

static void address_that_is_none_is_told_in_words(void **state)
{
    (void)state;
    char *why = NULL;
    struct http_server *second = NULL;
    const struct http_settings settings = over_tls((struct http_settings){.address = "localhost"});
    assert_int_equal(http_server_start(&settings, routes, &w.app, &why, &second), IDP_UNAVAILABLE);
    assert_non_null(strstr(why, "not an IP address"));
    free(why);
}

static void contradicting_routes_are_refused(void **state)
{
    (void)state;
    char *why = NULL;
    struct http_server *second = NULL;
    const struct route *const twice[] = {&fixed_route, &show_route, &fixed_route, NULL};
    const struct http_settings settings = over_tls((struct http_settings){.address = "127.0.0.1"});
    assert_int_equal(http_server_start(&settings, twice, &w.app, &why, &second), IDP_FAULT);
    assert_string_equal(why, "route /fixed: another route has the same method and path");
    free(why);
}

/* Codes and tokens stand in queries: the log must not become a place to find them. */
static void access_log_names_the_path_without_its_query(void **state)
{
    (void)state;
    int ends[2];
    char line[2048] = "";
    char *why = NULL;
    struct http_server *second = NULL;
    const struct http_settings settings =
        over_tls((struct http_settings){.address = "127.0.0.1", .threads = 1});
    assert_int_equal(pipe(ends), 0);
    log_set_fd(ends[1]);
    assert_int_equal(http_server_start(&settings, routes, &w.app, &why, &second), IDP_OK);
    struct wire_answer answer =
        wire_ask(http_server_port(second), GET("/form?b=secret&state=secret"));
    free(answer.head);
    http_server_stop(second, 1000);
    log_set_fd(STDERR_FILENO);
    assert_true(read(ends[0], line, sizeof(line) - 1) > 0);
    assert_non_null(strstr(line, "\"event\":\"request\",\"method\":\"GET\",\"path\":\"/form\","
                                 "\"status\":400,\"us\":"));
    assert_non_null(strstr(line, "\"lane\":\"network\",\"error\":\"refused\","));
    assert_null(strstr(line, "secret"));
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* 127.0.0.x asks for something; every such address is this machine's. */
static int ask_from(int x, int port)
{
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (uint32_t)x)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    fd = wire_take(fd);
    (void)wire_send(fd, GET("/fixed"));
    return fd;
}

static void expect_answer(int fd, int status)
{
    struct wire_answer answer = wire_read(fd, false);
    assert_int_equal(answer.status, status);
    free(answer.head);
}

/* One address that opened connections until none was left kept everybody else out. */
static void one_address_takes_no_more_than_its_share_of_connections(void **state)
{
    (void)state;
    enum { SHARE = 3 };
    char *why = NULL;
    int fds[SHARE];
    struct http_server *second = NULL;
    const struct http_settings settings = over_tls((struct http_settings){
        .address = "127.0.0.1", .threads = 2, .per_address = SHARE, .quiet = true});
    assert_int_equal(http_server_start(&settings, routes, &w.app, &why, &second), IDP_OK);
    int port = http_server_port(second);
    for (int i = 0; i < SHARE; i++) {
        fds[i] = ask_from(1, port);
        expect_answer(fds[i], 200);
    }
    int more = ask_from(1, port);
    int another = ask_from(2, port);
    expect_answer(more, 0);
    expect_answer(another, 200);
    (void)close(more);
    (void)close(another);
    for (int i = 0; i < SHARE; i++)
        (void)close(fds[i]);
    http_server_stop(second, 0);
}

static void several_servers_live_in_one_process(void **state)
{
    (void)state;
    char *why = NULL;
    struct http_server *second = NULL;
    const struct route *const one[] = {&live_route, NULL};
    const struct http_settings settings =
        over_tls((struct http_settings){.address = "::1", .threads = 1, .quiet = true});
    if (http_server_start(&settings, one, NULL, &why, &second) != IDP_OK) {
        free(why); /* a machine without IPv6 */
        return;
    }
    assert_int_not_equal(http_server_port(second), w.port);
    expect_status(GET("/fixed"), 200);
    http_server_stop(second, 0);
    expect_status(GET("/fixed"), 200);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(fixed_answer_goes_out_whole),
        TEST(known_etag_gets_304),
        TEST(every_answer_carries_the_security_headers),
        TEST(pages_carry_the_browsers_policies),
        TEST(head_is_get_without_its_body),
        TEST(connection_serves_one_request_after_the_other),
        TEST(fixed_answer_may_be_freed_while_it_is_sent),
        TEST(unknown_path_is_404),
        TEST(wrong_method_is_405_and_told_the_right_ones),
        TEST(options_goes_to_the_route_that_takes_it),
        TEST(longest_prefix_wins_and_exact_beats_it),
        TEST(handler_sees_the_request),
        TEST(cookie_lines_are_joined),
        TEST(header_that_comes_twice_is_400),
        TEST(request_without_host_is_400),
        TEST(two_lengths_of_one_body_are_400),
        TEST(head_that_two_readers_read_differently_ends_the_connection),
        TEST(good_head_is_taken_in_whatever_pieces),
        TEST(odd_octets_in_the_target_are_400),
        TEST(form_is_read_from_the_body_only),
        TEST(body_in_chunks_and_pieces_is_put_together),
        TEST(body_up_to_the_limit_is_taken),
        TEST(larger_body_is_413),
        TEST(huge_body_is_not_even_read),
        TEST(too_large_head_is_refused),
        TEST(route_that_waits_unannounced_is_500),
        TEST(answer_without_status_is_500),
        TEST(port_in_use_is_told_in_words),
        TEST(address_that_is_none_is_told_in_words),
        TEST(contradicting_routes_are_refused),
        TEST(access_log_names_the_path_without_its_query),
        TEST(one_address_takes_no_more_than_its_share_of_connections),
        TEST(several_servers_live_in_one_process),
    };
    return cmocka_run_group_tests_name("http/server", tests, NULL, NULL) +
           cmocka_run_group_tests_name("http/server over TLS", tests, over_tls_begin, over_tls_end);
}
