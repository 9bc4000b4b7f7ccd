/* How the server ends without anybody losing an answer, over real sockets. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <pthread.h>

#include <cmocka.h>

#include "base/clock.h"
#include "http/http.h"
#include "http/server.h"
#include "tests/http/over_tls.h"
#include "tests/wire.h"

/* A door before which slow handlers stand until a test opens it. */
struct app {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool open;
    int standing;
    struct http_fixed *fixed, *page;
};

static struct world {
    struct app app;
    struct http_server *server;
    int port;
} w;

static void tell(struct request *rq, struct response *rs, enum idp_err err)
{
    (void)rq, (void)err;
    (void)http_respond_bytes(rs, 500, "text/plain", "failed", 6);
}

static enum idp_err fixed(struct request *rq, struct response *rs)
{
    return http_respond_fixed(rq, rs, rq->app->fixed);
}

static enum idp_err page(struct request *rq, struct response *rs)
{
    return http_respond_fixed(rq, rs, rq->app->page);
}

static enum idp_err plain(struct request *rq, struct response *rs)
{
    (void)rq;
    return http_respond_bytes(rs, 200, "text/plain", "plain", 5);
}

static enum idp_err slow(struct request *rq, struct response *rs)
{
    struct app *app = rq->app;
    (void)pthread_mutex_lock(&app->lock);
    app->standing++;
    (void)pthread_cond_broadcast(&app->moved);
    while (!app->open)
        (void)pthread_cond_wait(&app->moved, &app->lock);
    (void)pthread_mutex_unlock(&app->lock);
    return http_respond_bytes(rs, 200, "text/plain", "slow", 4);
}

static const struct route fixed_route = {
    .methods = HTTP_GET, .path = "/fixed", .handle = fixed, .fail = tell};
static const struct route page_route = {
    .methods = HTTP_GET, .path = "/page", .handle = page, .fail = tell};
static const struct route plain_route = {.methods = HTTP_GET | HTTP_POST,
                                         .path = "/plain",
                                         .waits = HTTP_WAITS_ALWAYS,
                                         .handle = plain,
                                         .fail = tell};
static const struct route slow_route = {
    .methods = HTTP_GET, .path = "/slow", .waits = HTTP_WAITS_ALWAYS, .handle = slow, .fail = tell};
static const struct route *const routes[] = {&fixed_route, &page_route, &plain_route, &slow_route,
                                             NULL};

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

/* --- the world ------------------------------------------------------------------------------ */

static struct http_settings usual(void)
{
    return over_tls((struct http_settings){.address = "127.0.0.1",
                                           .threads = 2,
                                           .workers = 4,
                                           .deadline_ms = 30000,
                                           .per_address = 16384,
                                           .quiet = true});
}

static int set_up(void **state)
{
    (void)state;
    char *why = NULL;
    const struct http_settings settings = usual();
    w = (struct world){
        .app = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER}};
    w.app.fixed = http_fixed_new("text/plain", "fixed", 5, NULL);
    w.app.page = http_fixed_new("text/html; charset=utf-8", "<p>", 3, NULL);
    if (w.app.fixed == NULL || w.app.page == NULL ||
        http_server_start(&settings, routes, &w.app, &why, &w.server) != IDP_OK)
        return 1;
    w.port = http_server_port(w.server);
    return 0;
}

static void open_door(void)
{
    (void)pthread_mutex_lock(&w.app.lock);
    w.app.open = true;
    (void)pthread_cond_broadcast(&w.app.moved);
    (void)pthread_mutex_unlock(&w.app.lock);
}

static void wait_for_standing(int n)
{
    (void)pthread_mutex_lock(&w.app.lock);
    while (w.app.standing < n)
        (void)pthread_cond_wait(&w.app.moved, &w.app.lock);
    (void)pthread_mutex_unlock(&w.app.lock);
}

static int tear_down(void **state)
{
    (void)state;
    open_door();
    http_server_stop(w.server, 1000);
    http_fixed_free(w.app.fixed);
    http_fixed_free(w.app.page);
    return 0;
}

static int ask_later(const char *request)
{
    int fd = wire_connect(w.port);
    assert_true(wire_send(fd, request));
    return fd;
}

static struct {
    struct http_server *server;
    unsigned wait_ms;
    pthread_t thread;
} stopper;

static void *stop_server(void *arg)
{
    (void)arg;
    http_server_stop(stopper.server, stopper.wait_ms);
    return NULL;
}

/* The server stops in a thread; the test has it no longer. */
static void begin_to_stop(unsigned wait_ms)
{
    stopper.server = w.server;
    stopper.wait_ms = wait_ms;
    w.server = NULL;
    assert_int_equal(pthread_create(&stopper.thread, NULL, stop_server, NULL), 0);
}

static void wait_for_the_end(void)
{
    assert_int_equal(pthread_join(stopper.thread, NULL), 0);
}

/* Connects, unless the server does not let us in. Returns -1 then. */
static int knock(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)w.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    (void)connect(fd, (struct sockaddr *)&to, sizeof(to));
    /* A server that stops lets us wait instead of refusing: on loopback nothing else takes long. */
    if (poll(&ready, 1, 200) == 1 && (ready.revents & (POLLERR | POLLHUP)) == 0) {
        (void)fcntl(fd, F_SETFL, 0);
        return fd;
    }
    (void)close(fd);
    return -1;
}

static void wait_until_nobody_is_let_in(void)
{
    for (int fd = knock(); fd >= 0; fd = knock())
        (void)close(fd);
}

/* --- draining ------------------------------------------------------------------------------- */

static void expect_last_answer(int fd, int status, bool head)
{
    struct wire_answer answer = wire_read(fd, head);
    char *connection = wire_header(&answer, "Connection");
    assert_int_equal(answer.status, status);
    assert_string_equal(connection != NULL ? connection : "none", "close");
    assert_true(wire_closes(fd, 5000));
    free(connection);
    free(answer.head);
    (void)close(fd);
}

static void every_answer_of_a_draining_server_ends_its_connection(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        int status;
    } asked[] = {
        {GET("/fixed"), 200},
        {"GET /fixed HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n", 304},
        {"HEAD /fixed HTTP/1.1\r\nHost: a\r\n\r\n", 200},
        {GET("/page"), 200},
        {GET("/plain"), 200},
        {"POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 200},
        {GET("/nowhere"), 404},
        {"POST /fixed HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", 405},
    };
    int kept = ask_later(GET("/fixed"));
    struct wire_answer before = wire_read(kept, false);
    char *connection = wire_header(&before, "Connection");
    assert_true(connection == NULL || strcmp(connection, "close") != 0);
    free(connection);
    free(before.head);
    http_server_drain(w.server);
    assert_true(wire_send(kept, GET("/fixed")));
    expect_last_answer(kept, 200, false);
    for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
        expect_last_answer(ask_later(asked[i].request), asked[i].status,
                           strncmp(asked[i].request, "HEAD", 4) == 0);
}

static void request_on_a_kept_connection_is_answered_while_others_are_waited_for(void **state)
{
    (void)state;
    int kept = ask_later(GET("/fixed"));
    free(wire_read(kept, false).head);
    int standing = ask_later(GET("/slow"));
    wait_for_standing(1);
    begin_to_stop(20000);
    wait_until_nobody_is_let_in();
    assert_true(wire_send(kept, GET("/plain")));
    expect_last_answer(kept, 200, false);
    open_door();
    expect_last_answer(standing, 200, false);
    wait_for_the_end();
}

static void hurried_stop_waits_for_no_client(void **state)
{
    (void)state;
    int standing = ask_later(GET("/slow"));
    wait_for_standing(1);
    begin_to_stop(600000);
    wait_until_nobody_is_let_in();
    http_server_hurry(stopper.server); /* the handler keeps the server alive */
    assert_true(wire_closes(standing, 10000));
    open_door();
    wait_for_the_end();
    (void)close(standing);
}

/* A proxy that has connected is about to send, and does not send a POST again. */
static void connection_let_in_before_the_stop_may_still_ask(void **state)
{
    (void)state;
    int fd = wire_connect(w.port);
    begin_to_stop(20000);
    wait_until_nobody_is_let_in();
    assert_true(wire_send(fd, GET("/plain")));
    expect_last_answer(fd, 200, false);
    wait_for_the_end();
}

static void connection_without_a_request_does_not_hold_up_the_end(void **state)
{
    (void)state;
    int fd = wire_connect(w.port);
    int64_t begun = clock_ticks_ms();
    http_server_stop(w.server, 600000);
    w.server = NULL;
    assert_true(clock_ticks_ms() - begun < 20000);
    assert_true(wire_closes(fd, 5000));
    (void)close(fd);
}

/* --- nobody is lost ------------------------------------------------------------------------- */

enum { CLIENTS = 8, ROUNDS = 6 };

static struct tally {
    atomic_int answered, lost;
} tally;

/* Connects as long as it is let in, and counts what became of each connection. */
static void *ask_on_and_on(void *arg)
{
    (void)arg;
    for (int fd = knock(); fd >= 0; fd = knock()) {
        fd = wire_take(fd);
        (void)wire_send(fd, GET("/plain"));
        struct wire_answer answer = wire_read(fd, false);
        atomic_fetch_add(answer.status == 200 ? &tally.answered : &tally.lost, 1);
        free(answer.head);
        (void)close(fd);
    }
    return NULL;
}

/* Closing the listening socket reset the connections in its queue, and a proxy does not send their
 * POSTs again. */
static void whoever_was_let_in_gets_an_answer(void **state)
{
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[CLIENTS];
        atomic_store(&tally.answered, 0);
        atomic_store(&tally.lost, 0);
        for (int i = 0; i < CLIENTS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, ask_on_and_on, NULL), 0);
        while (atomic_load(&tally.answered) < 5 * CLIENTS && atomic_load(&tally.lost) == 0)
            ;
        http_server_stop(w.server, 5000);
        w.server = NULL;
        for (int i = 0; i < CLIENTS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(atomic_load(&tally.lost), 0);
        (void)tear_down(state);
        assert_int_equal(set_up(state), 0);
    }
}

/* --- before it begins ----------------------------------------------------------------------- */

static void opened_server_has_its_port_and_takes_nobody_in(void **state)
{
    (void)state;
    char *why = NULL;
    const struct http_settings settings = usual();
    http_server_stop(w.server, 0);
    w.server = NULL;
    assert_int_equal(http_server_open(&settings, routes, &why, &w.server), IDP_OK);
    w.port = http_server_port(w.server);
    assert_int_not_equal(w.port, 0);
    assert_int_equal(knock(), -1);
    assert_int_equal(http_server_begin(w.server, &w.app, &why), IDP_OK);
    int fd = ask_later(GET("/fixed"));
    struct wire_answer answer = wire_read(fd, false);
    assert_int_equal(answer.status, 200);
    free(answer.head);
    (void)close(fd);
}

static void port_that_another_took_in_between_is_told(void **state)
{
    (void)state;
    char *why = NULL;
    struct http_settings settings = usual();
    struct http_server *late = NULL;
    struct http_server *early = NULL;
    assert_int_equal(http_server_open(&settings, routes, &why, &late), IDP_OK);
    settings.port = http_server_port(late);
    assert_int_equal(http_server_start(&settings, routes, &w.app, &why, &early), IDP_OK);
    assert_int_equal(http_server_begin(late, &w.app, &why), IDP_UNAVAILABLE);
    assert_non_null(strstr(why, "another program listens there already"));
    free(why);
    http_server_stop(late, 0);
    http_server_stop(early, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(every_answer_of_a_draining_server_ends_its_connection),
        TEST(request_on_a_kept_connection_is_answered_while_others_are_waited_for),
        TEST(hurried_stop_waits_for_no_client),
        TEST(connection_let_in_before_the_stop_may_still_ask),
        TEST(connection_without_a_request_does_not_hold_up_the_end),
        TEST(whoever_was_let_in_gets_an_answer),
        TEST(opened_server_has_its_port_and_takes_nobody_in),
        TEST(port_that_another_took_in_between_is_told),
    };
    return cmocka_run_group_tests_name("http/drain", tests, NULL, NULL) +
           cmocka_run_group_tests_name("http/drain over TLS", tests, over_tls_begin, over_tls_end);
}
