/* The two lanes, time limits and the end of the server, over real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pthread.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/lane.h"
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
    int runs; /* of the handler that waits on a miss */
    struct http_fixed *fixed;
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

static enum idp_err slow(struct request *rq, struct response *rs)
{
    struct app *app = rq->app;
    if (!lane_may_wait())
        return IDP_FAULT;
    (void)pthread_mutex_lock(&app->lock);
    app->standing++;
    (void)pthread_cond_broadcast(&app->moved);
    while (!app->open)
        (void)pthread_cond_wait(&app->moved, &app->lock);
    app->standing--;
    (void)pthread_mutex_unlock(&app->lock);
    return http_respond_bytes(rs, 200, "text/plain", "slow", 4);
}

static const struct param params[] = {{.name = "a", .max = 8}, {.name = NULL}};

/* Spoils what it can before it finds out that it has to wait. */
static enum idp_err miss(struct request *rq, struct response *rs)
{
    (void)pthread_mutex_lock(&rq->app->lock);
    int run = ++rq->app->runs;
    (void)pthread_mutex_unlock(&rq->app->lock);
    if (!lane_may_wait()) {
        refusal_fact(&rq->refusal, "left", "over");
        (void)http_header_add(rs, "X-Left", "over");
        (void)arena_alloc(rq->arena, 100000);
        return IDP_WAIT;
    }
    const char *a = http_param(rq, "a");
    const char *text = arena_printf(rq->arena, "%s %d %zu %zu", a != NULL ? a : "none", run,
                                    rq->refusal.count, rs->header_count);
    return text != NULL ? http_respond_bytes(rs, 200, "text/plain", text, strlen(text)) : IDP_FAULT;
}

static enum idp_err always_waits(struct request *rq, struct response *rs)
{
    (void)rq, (void)rs;
    return IDP_WAIT;
}

static enum idp_err large(struct request *rq, struct response *rs)
{
    size_t size = 16u << 20;
    char *body = arena_alloc(rq->arena, size);
    return body != NULL ? http_respond_bytes(rs, 200, "text/plain", body, size) : IDP_FAULT;
}

static const struct route fixed_route = {
    .methods = HTTP_GET, .path = "/fixed", .handle = fixed, .fail = tell};
static const struct route slow_route = {
    .methods = HTTP_GET, .path = "/slow", .waits = HTTP_WAITS_ALWAYS, .handle = slow, .fail = tell};
static const struct route miss_route = {.methods = HTTP_GET | HTTP_POST,
                                        .path = "/miss",
                                        .waits = HTTP_WAITS_ON_MISS,
                                        .params = params,
                                        .handle = miss,
                                        .fail = tell};
static const struct route never_ready_route = {.methods = HTTP_GET,
                                               .path = "/never-ready",
                                               .waits = HTTP_WAITS_ALWAYS,
                                               .handle = always_waits,
                                               .fail = tell};
static const struct route large_route = {
    .methods = HTTP_GET, .path = "/large", .handle = large, .fail = tell};
static const struct route *const routes[] = {&fixed_route, &slow_route,        &miss_route,
                                             &large_route, &never_ready_route, NULL};

static int start(const struct http_settings *settings)
{
    char *why = NULL;
    w = (struct world){
        .app = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER}};
    const struct http_settings given = over_tls(*settings);
    w.app.fixed = http_fixed_new("text/plain", "fixed", 5, NULL);
    if (w.app.fixed == NULL || http_server_start(&given, routes, &w.app, &why, &w.server) != IDP_OK)
        return 1;
    w.port = http_server_port(w.server);
    return 0;
}

/* Two workers and room for two more requests, so that a test can fill it all. */
static int set_up(void **state)
{
    (void)state;
    return start(&(struct http_settings){.address = "127.0.0.1",
                                         .workers = 2,
                                         .queue = 2,
                                         .deadline_ms = 20000,
                                         .quiet = true,
                                         .per_address = 16384});
}

static int set_up_hasty(void **state)
{
    (void)state;
    return start(
        &(struct http_settings){.address = "127.0.0.1", .deadline_ms = 300, .quiet = true});
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
    http_server_stop(w.server, 2000);
    http_fixed_free(w.app.fixed);
    return 0;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static int ask_later(const char *request)
{
    int fd = wire_connect(w.port);
    assert_true(wire_send(fd, request));
    return fd;
}

static void expect(int fd, int status, const char *body)
{
    struct wire_answer answer = wire_read(fd, false);
    assert_int_equal(answer.status, status);
    assert_string_equal(answer.body, body);
    free(answer.head);
}

static void pause_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* --- lanes ---------------------------------------------------------------------------------- */

static void miss_is_run_again_as_if_it_were_the_first_time(void **state)
{
    (void)state;
    int fd = ask_later("POST /miss HTTP/1.1\r\nHost: a\r\nContent-Type: "
                       "application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=x");
    expect(fd, 200, "x 2 0 0");
    assert_true(wire_send(fd, GET("/miss?a=y")));
    expect(fd, 200, "y 4 0 0");
    assert_true(wire_send(fd, GET("/fixed")));
    expect(fd, 200, "fixed");
    (void)close(fd);
    assert_int_equal(http_server_figures(w.server).handed_over, 2);
}

static void slow_handlers_do_not_stop_a_static_page(void **state)
{
    (void)state;
    int first = ask_later(GET("/slow"));
    int second = ask_later(GET("/slow"));
    wait_for_standing(2);
    for (int i = 0; i < 20; i++) {
        int fd = ask_later(GET("/fixed"));
        expect(fd, 200, "fixed");
        (void)close(fd);
    }
    open_door();
    expect(first, 200, "slow");
    expect(second, 200, "slow");
    (void)close(first);
    (void)close(second);
}

/* Asks until both places of the queue are taken; nothing tells when a queued request has come. */
static void fill_queue(int fds[2])
{
    for (int i = 0; i < 2; i++) {
        uint64_t before = http_server_figures(w.server).handed_over;
        fds[i] = ask_later(GET("/slow"));
        while (http_server_figures(w.server).handed_over == before)
            pause_ms(1);
    }
}

static void full_queue_is_503_at_once(void **state)
{
    (void)state;
    int standing[2] = {ask_later(GET("/slow")), ask_later(GET("/slow"))};
    int queued[2];
    wait_for_standing(2);
    fill_queue(queued);
    for (int i = 0; i < 3; i++) {
        int fd = ask_later(i == 0 ? GET("/miss") : GET("/slow"));
        struct wire_answer answer = wire_read(fd, false);
        char *after = wire_header(&answer, "Retry-After");
        assert_int_equal(answer.status, 503);
        assert_string_equal(answer.body, "{\"error\":\"overloaded\"}");
        assert_string_equal(after != NULL ? after : "", "1");
        free(after);
        free(answer.head);
        (void)close(fd);
    }
    assert_int_equal(http_server_figures(w.server).refused_full, 3);
    open_door();
    for (int i = 0; i < 2; i++) {
        expect(standing[i], 200, "slow");
        expect(queued[i], 200, "slow");
        (void)close(standing[i]);
        (void)close(queued[i]);
    }
}

static void worker_that_asks_to_wait_is_500(void **state)
{
    (void)state;
    int fd = ask_later(GET("/never-ready"));
    expect(fd, 500, "{\"error\":\"fault\"}");
    (void)close(fd);
}

static void client_that_leaves_while_a_worker_runs_harms_nobody(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        (void)close(ask_later(GET("/slow")));
    wait_for_standing(2);
    open_door();
    int fd = ask_later(GET("/slow"));
    expect(fd, 200, "slow");
    (void)close(fd);
}

enum { CLIENTS = 8, ROUNDS = 100 };

static void *ask_many(void *arg)
{
    static const char *const requests[] = {GET("/fixed"), GET("/miss?a=b"), GET("/slow"),
                                           GET("/nowhere")};
    static const int statuses[] = {200, 200, 200, 404};
    int *wrong = arg;
    int fd = wire_connect(w.port);
    for (int i = 0; i < ROUNDS; i++) {
        if (!wire_send(fd, requests[i % 4]))
            ++*wrong;
        struct wire_answer answer = wire_read(fd, false);
        if (answer.status != statuses[i % 4] && answer.status != 503)
            ++*wrong;
        free(answer.head);
    }
    (void)close(fd);
    return NULL;
}

static void many_clients_at_once_all_get_their_answers(void **state)
{
    (void)state;
    pthread_t threads[CLIENTS];
    int wrong[CLIENTS] = {0};
    open_door();
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_many, &wrong[i]), 0);
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(wrong[i], 0);
    }
    assert_int_equal(http_server_figures(w.server).requests, CLIENTS * ROUNDS);
}

/* --- time limits ---------------------------------------------------------------------------- */

/* Sends text byte by byte, every ms milliseconds, until it is cut. Returns after how long. */
static int64_t trickle(int fd, const char *text, long ms)
{
    int64_t begun = clock_ticks_ms();
    for (; *text != '\0'; text++) {
        const char one[2] = {*text, '\0'};
        if (!wire_send(fd, one) || wire_closes(fd, (int)ms))
            break;
    }
    return clock_ticks_ms() - begun;
}

#define A_HUNDRED                                                                                  \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                                           \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void client_that_trickles_its_head_is_cut(void **state)
{
    (void)state;
    int fd = wire_connect(w.port);
    int64_t took = trickle(fd, "GET /fixed?" A_HUNDRED A_HUNDRED, 30);
    assert_true(took >= 250 && took < 3000);
    assert_int_equal(http_server_figures(w.server).timed_out, 1);
    (void)close(fd);
}

static void client_that_trickles_its_body_is_cut(void **state)
{
    (void)state;
    int fd = ask_later("POST /miss HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    int64_t took = trickle(fd, A_HUNDRED A_HUNDRED, 30);
    assert_true(took >= 250 && took < 3000);
    (void)close(fd);
}

static void client_that_does_not_fetch_its_answer_is_cut(void **state)
{
    (void)state;
    int fd = ask_later(GET("/large"));
    int64_t until = clock_ticks_ms() + 5000;
    while (http_server_figures(w.server).timed_out == 0 && clock_ticks_ms() < until)
        pause_ms(10);
    assert_int_equal(http_server_figures(w.server).timed_out, 1);
    (void)close(fd);
}

static void idle_connection_outlives_the_limit_of_a_request(void **state)
{
    (void)state;
    int fd = ask_later(GET("/fixed"));
    expect(fd, 200, "fixed");
    pause_ms(700);
    assert_true(wire_send(fd, GET("/fixed")));
    expect(fd, 200, "fixed");
    (void)close(fd);
}

static void handler_that_takes_too_long_loses_its_client_only(void **state)
{
    (void)state;
    int fd = ask_later(GET("/slow"));
    wait_for_standing(1);
    int64_t until = clock_ticks_ms() + 5000;
    while (http_server_figures(w.server).timed_out == 0 && clock_ticks_ms() < until)
        pause_ms(10);
    assert_true(wire_closes(fd, 5000));
    open_door();
    (void)close(fd);
    fd = ask_later(GET("/fixed"));
    expect(fd, 200, "fixed");
    (void)close(fd);
}

/* --- many ----------------------------------------------------------------------------------- */

enum { IDLE = 2000, IDLE_OVER_TLS = 200 };

static void idle_connections_do_not_stop_others(void **state)
{
    (void)state;
    static int fds[IDLE];
    struct rlimit files = {0};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    int n = files.rlim_cur < 2 * IDLE + 100 ? (int)files.rlim_cur / 2 - 50 : IDLE;
    if (over_tls((struct http_settings){0}).certificate != NULL) /* a thread of ours carries each */
        n = IDLE_OVER_TLS;
    for (int i = 0; i < n; i++)
        fds[i] = wire_connect(w.port);
    for (int i = 0; i < n; i += 10) { /* some have asked before they fell silent */
        assert_true(wire_send(fds[i], GET("/fixed")));
        expect(fds[i], 200, "fixed");
    }
    int64_t begun = clock_ticks_ms();
    int fd = ask_later(GET("/fixed"));
    expect(fd, 200, "fixed");
    (void)close(fd);
    fd = ask_later(GET("/miss"));
    struct wire_answer answer = wire_read(fd, false);
    assert_int_equal(answer.status, 200);
    free(answer.head);
    (void)close(fd);
    assert_true(clock_ticks_ms() - begun < 1000);
    for (int i = 0; i < n; i++)
        (void)close(fds[i]);
}

/* --- the end -------------------------------------------------------------------------------- */

static void *open_soon(void *arg)
{
    (void)arg;
    pause_ms(100);
    open_door();
    return NULL;
}

static void request_under_way_is_finished_before_the_end(void **state)
{
    (void)state;
    pthread_t opener;
    int fd = ask_later(GET("/slow"));
    wait_for_standing(1);
    assert_int_equal(pthread_create(&opener, NULL, open_soon, NULL), 0);
    http_server_stop(w.server, 5000);
    w.server = NULL;
    expect(fd, 200, "slow");
    (void)close(fd);
    assert_int_equal(pthread_join(opener, NULL), 0);
}

static void end_does_not_wait_for_ever(void **state)
{
    (void)state;
    pthread_t opener;
    int standing[2] = {ask_later(GET("/slow")), ask_later(GET("/slow"))};
    int queued[2];
    wait_for_standing(2);
    fill_queue(queued);
    assert_int_equal(pthread_create(&opener, NULL, open_soon, NULL), 0);
    http_server_stop(w.server, 0);
    w.server = NULL;
    for (int i = 0; i < 2; i++) {
        assert_true(wire_closes(standing[i], 1000));
        assert_true(wire_closes(queued[i], 1000));
        (void)close(standing[i]);
        (void)close(queued[i]);
    }
    assert_int_equal(pthread_join(opener, NULL), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define HASTY(f) cmocka_unit_test_setup_teardown(f, set_up_hasty, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(miss_is_run_again_as_if_it_were_the_first_time),
        TEST(slow_handlers_do_not_stop_a_static_page),
        TEST(full_queue_is_503_at_once),
        TEST(worker_that_asks_to_wait_is_500),
        TEST(client_that_leaves_while_a_worker_runs_harms_nobody),
        TEST(many_clients_at_once_all_get_their_answers),
        HASTY(client_that_trickles_its_head_is_cut),
        HASTY(client_that_trickles_its_body_is_cut),
        HASTY(client_that_does_not_fetch_its_answer_is_cut),
        HASTY(idle_connection_outlives_the_limit_of_a_request),
        HASTY(handler_that_takes_too_long_loses_its_client_only),
        TEST(idle_connections_do_not_stop_others),
        TEST(request_under_way_is_finished_before_the_end),
        TEST(end_does_not_wait_for_ever),
    };
    return cmocka_run_group_tests_name("http/lanes", tests, NULL, NULL) +
           cmocka_run_group_tests_name("http/lanes over TLS", tests, over_tls_begin, over_tls_end);
}
