/* An answer that is replaced while it is asked for. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "http/http.h"
#include "http/server.h"
#include "tests/wire.h"

enum { BODY = 4000, ASKERS = 2, SWAPS = 300 };

struct app {
    struct http_slot *slot;
};

static struct world {
    struct app app;
    struct request rq;
    struct response rs;
    struct http_server *server;
    int port;
    atomic_bool over;
    atomic_int asked, torn;
} w;

static void tell(struct request *rq, struct response *rs, enum idp_err err)
{
    (void)rq, (void)err;
    (void)http_respond_bytes(rs, 500, "text/plain", "failed", 6);
}

static enum idp_err show(struct request *rq, struct response *rs)
{
    return http_respond_slot(rq, rs, rq->app->slot);
}

static const struct route show_route = {
    .methods = HTTP_GET, .path = "/slot", .handle = show, .fail = tell};
static const struct route *const routes[] = {&show_route, NULL};

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.rq = {.arena = arena_new()}};
    w.app.slot = http_slot_new();
    return w.rq.arena == NULL || w.app.slot == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(w.rq.arena);
    http_slot_free(w.app.slot);
    return 0;
}

/* BODY times the same letter. */
static void put(char letter)
{
    char body[BODY];
    memset(body, letter, sizeof(body));
    struct http_fixed *fixed = http_fixed_new("text/plain", body, sizeof(body), NULL);
    assert_non_null(fixed);
    http_slot_put(w.app.slot, fixed);
}

static bool is_whole(const char *body, size_t len)
{
    for (size_t i = 1; i < len; i++)
        if (body[i] != body[0])
            return false;
    return len == BODY;
}

static void what_lies_in_it_is_answered(void **state)
{
    (void)state;
    put('a');
    assert_int_equal(http_respond_slot(&w.rq, &w.rs, w.app.slot), IDP_OK);
    assert_int_equal(w.rs.status, 200);
    assert_int_equal(w.rs.body[0], 'a');
    put('b');
    assert_int_equal(http_respond_slot(&w.rq, &w.rs, w.app.slot), IDP_OK);
    assert_int_equal(w.rs.body[0], 'b');
}

static void empty_slot_is_a_fault(void **state)
{
    (void)state;
    assert_int_equal(http_respond_slot(&w.rq, &w.rs, w.app.slot), IDP_FAULT);
    assert_null(w.rs.fixed);
}

/* The request found it, and it is replaced twice before the answer is sent. Two replacements ago
 * was once too long: the answer was freed under the request. */
static void found_answer_outlives_its_replacements(void **state)
{
    (void)state;
    put('a');
    assert_int_equal(http_respond_slot(&w.rq, &w.rs, w.app.slot), IDP_OK);
    put('b');
    put('c');
    assert_true(is_whole(w.rs.body, w.rs.body_len));
    assert_int_equal(w.rs.body[0], 'a');
}

static void found_answer_outlives_the_slot(void **state)
{
    (void)state;
    put('a');
    assert_int_equal(http_respond_slot(&w.rq, &w.rs, w.app.slot), IDP_OK);
    http_slot_free(w.app.slot);
    w.app.slot = NULL;
    assert_true(is_whole(w.rs.body, w.rs.body_len));
}

static void *ask(void *with)
{
    (void)with;
    while (!atomic_load(&w.over)) {
        struct wire_answer answer =
            wire_ask(w.port, "GET /slot HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        if (answer.status != 200 || !is_whole(answer.body, strlen(answer.body)))
            atomic_fetch_add(&w.torn, 1);
        atomic_fetch_add(&w.asked, 1);
        free(answer.head);
    }
    return NULL;
}

static void every_answer_is_whole_while_it_is_replaced(void **state)
{
    (void)state;
    char *why = NULL;
    pthread_t threads[ASKERS];
    const struct http_settings settings = {.address = "127.0.0.1", .threads = 2, .quiet = true};
    put('a');
    assert_int_equal(http_server_start(&settings, routes, &w.app, &why, &w.server), IDP_OK);
    w.port = http_server_port(w.server);
    for (int i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, NULL), 0);
    for (int i = 0; i < SWAPS || atomic_load(&w.asked) < SWAPS; i++)
        put((char)('a' + i % 26));
    atomic_store(&w.over, true);
    for (int i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    http_server_stop(w.server, 1000);
    assert_int_equal(atomic_load(&w.torn), 0);
}

static void nothing_may_be_freed(void **state)
{
    (void)state;
    http_slot_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_lies_in_it_is_answered),
        TEST(empty_slot_is_a_fault),
        TEST(found_answer_outlives_its_replacements),
        TEST(found_answer_outlives_the_slot),
        TEST(every_answer_is_whole_while_it_is_replaced),
        TEST(nothing_may_be_freed),
    };
    return cmocka_run_group_tests_name("http/slot", tests, NULL, NULL);
}
