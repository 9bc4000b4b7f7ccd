#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/lane.h"
#include "net/race.h"
#include "net/resolve.h"
#include "tests/help.h"
#include "tests/net/http_peer.h"

enum { LONG_MS = 10000, PORT_LEN = 16, ANSWERS_MAX = 8 };

/* --- the server ----------------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool held;
    atomic_int waiting;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void hold(bool yes)
{
    (void)pthread_mutex_lock(&gate.lock);
    gate.held = yes;
    (void)pthread_cond_broadcast(&gate.changed);
    (void)pthread_mutex_unlock(&gate.lock);
}

static void wait_at_gate(void)
{
    (void)pthread_mutex_lock(&gate.lock);
    gate.waiting++;
    while (gate.held)
        (void)pthread_cond_wait(&gate.changed, &gate.lock);
    gate.waiting--;
    (void)pthread_mutex_unlock(&gate.lock);
}

static bool answer(int fd, const char *request, int nth);
static struct http_peer server = {.answer = answer};

static void wait_for_requests(int wanted)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    while (server.requests < wanted)
        (void)nanosleep(&pause, NULL);
}

/* /held waits at the gate; /leaves closes without a word when it is asked a second time. */
static bool answer(int fd, const char *request, int nth)
{
    const char *path = strchr(request, ' ') + 1;
    char text[128];
    if (strncmp(path, "/held", 5) == 0)
        wait_at_gate();
    if (strncmp(path, "/until-two-asked", 16) == 0)
        wait_for_requests(2);
    if (strncmp(path, "/leaves", 7) == 0 && nth > 1)
        return false;
    (void)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n%.6s", path);
    http_peer_say(fd, text);
    return strncmp(path, "/closes", 7) != 0;
}

/* --- the world ------------------------------------------------------------------------------ */

static struct world {
    struct net *net;
    struct arena *arena;
    struct net_entrant list[NET_RACE_MAX];
    struct net_race race;
    char urls[NET_RACE_MAX][64];
    size_t told; /* how often take() was called */
    size_t which[ANSWERS_MAX];
    enum idp_err errs[ANSWERS_MAX];
    char bodies[ANSWERS_MAX][7];
    size_t enough; /* answers */
    atomic_int names;
    int slow_name_ms;
} w;

static bool take(void *context, size_t which, enum idp_err err, const struct net_answer *got)
{
    (void)context;
    w.which[w.told] = which;
    w.errs[w.told] = err;
    if (err == IDP_OK)
        memcpy(w.bodies[w.told], got->body, got->body_len);
    else
        assert_null(got);
    w.told++;
    w.enough -= err == IDP_OK;
    return w.enough == 0;
}

static int start_all(void **state)
{
    (void)state;
    http_peer_start(&server);
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    http_peer_stop(&server);
    return 0;
}

static int set_up(void **state)
{
    char here[32];
    char named[32];
    const char *allow[] = {here, named, NULL};
    (void)state;
    memset(&w, 0, sizeof(w));
    w.arena = arena_new();
    w.enough = 1;
    w.race = (struct net_race){.list = w.list, .deadline_ms = LONG_MS, .take = take};
    (void)snprintf(here, sizeof(here), "127.0.0.1:%d", server.port);
    (void)snprintf(named, sizeof(named), "slow.invalid:%d", server.port);
    server.connections = server.requests = 0;
    hold(false);
    return w.arena == NULL || net_new(allow, &w.net) != IDP_OK;
}

static int tear_down(void **state)
{
    (void)state;
    hold(false);
    lane_set_may_wait(true);
    arena_free(w.arena);
    net_free(w.net);
    return 0;
}

static void enter_host(const char *host, int port, const char *path, unsigned patience_ms)
{
    char *url = w.urls[w.race.count];
    (void)snprintf(url, sizeof(w.urls[0]), "http://%s:%d%s", host, port, path);
    w.list[w.race.count++] =
        (struct net_entrant){.request = {.url = url, .answer_max = 10}, .patience_ms = patience_ms};
}

static void enter(const char *path, unsigned patience_ms)
{
    enter_host("127.0.0.1", server.port, path, patience_ms);
}

static void run(void)
{
    assert_int_equal(net_race(w.net, w.arena, &w.race), IDP_OK);
}

/* Again, with the same entrants. */
static void run_again(void)
{
    w.told = 0;
    w.enough = 1;
    run();
}

/* --- who runs ------------------------------------------------------------------------------- */

static void second_does_not_run_when_the_first_is_quick(void **state)
{
    (void)state;
    enter("/first", LONG_MS);
    enter("/other", LONG_MS);
    run();
    assert_int_equal(w.told, 1);
    assert_string_equal(w.bodies[0], "/first");
    assert_int_equal(server.requests, 1);
    assert_false(w.list[1].begun);
}

static void second_joins_when_patience_ends_and_wins(void **state)
{
    (void)state;
    hold(true);
    enter("/held", 20);
    enter("/other", LONG_MS);
    run();
    assert_int_equal(w.told, 1);
    assert_int_equal(w.which[0], 1);
    assert_true(w.list[0].begun && !w.list[0].over); /* broken off, and not waited for */
    assert_true(w.list[0].took_us >= 20000);
}

static void first_may_win_although_the_second_joined(void **state)
{
    (void)state;
    hold(true);
    enter("/until-two-asked", 20);
    enter("/held", 20);
    run();
    assert_int_equal(w.which[0], 0);
    assert_true(w.list[1].begun && !w.list[1].over);
    assert_true(!w.list[0].joined && w.list[1].joined);
}

static void third_joins_when_two_are_silent(void **state)
{
    (void)state;
    hold(true);
    enter("/held", 20);
    enter("/held", 20);
    enter("/third", LONG_MS);
    run();
    assert_string_equal(w.bodies[0], "/third");
    assert_int_equal(w.told, 1);
}

static void next_one_begins_at_once_when_one_has_failed(void **state)
{
    (void)state;
    enter_host("127.0.0.1", 1, "/", LONG_MS); /* not allowed */
    enter_host("127.0.0.1", server.port, "/large-answer-in-a-small-place", LONG_MS);
    w.list[1].request.answer_max = 1;
    enter("/third", LONG_MS);
    run();
    assert_int_equal(w.told, 3);
    assert_int_equal(w.errs[0], IDP_DENIED);
    assert_int_equal(w.errs[1], IDP_FULL);
    assert_int_equal(w.errs[2], IDP_OK);
    assert_false(w.list[2].joined);
}

/* Whoever asks decides what is an answer: the race goes on. */
static void unusable_answer_does_not_end_the_race(void **state)
{
    (void)state;
    w.enough = 2;
    enter("/first", LONG_MS);
    enter("/other", LONG_MS);
    run();
    assert_int_equal(w.told, 2);
    assert_string_equal(w.bodies[1], "/other");
}

static void deadline_is_for_all_together(void **state)
{
    (void)state;
    hold(true);
    w.race.deadline_ms = 200;
    enter("/held", 20);
    enter("/held", 20);
    enter("/held", LONG_MS);
    enter("/never", LONG_MS);
    run();
    assert_int_equal(w.told, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(w.errs[i], IDP_UNAVAILABLE);
    assert_false(w.list[3].begun);
}

static void interrupted_race_is_over(void **state)
{
    (void)state;
    hold(true);
    enter("/held", LONG_MS);
    net_interrupt(w.net);
    run();
    assert_int_equal(w.errs[0], IDP_UNAVAILABLE);
}

static void thread_that_may_not_wait_is_told(void **state)
{
    (void)state;
    enter("/first", LONG_MS);
    lane_set_may_wait(false);
    assert_int_equal(net_race(w.net, w.arena, &w.race), IDP_WAIT);
    assert_int_equal(w.told, 0);
    assert_int_equal(server.connections, 0);
}

static void nobody_to_run_is_over_at_once(void **state)
{
    (void)state;
    run();
    assert_int_equal(w.told, 0);
}

/* --- where they may go ---------------------------------------------------------------------- */

static enum idp_err resolve(void *context, const char *host, unsigned deadline_ms,
                            struct net_addresses *out)
{
    (void)context;
    memset(out, 0, sizeof(*out));
    struct sockaddr_in *in = (struct sockaddr_in *)&out->list[out->count++];
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    w.names += strcmp(host, "slow.invalid") == 0;
    return strcmp(host, "slow.invalid") != 0 || (int)deadline_ms > w.slow_name_ms ? IDP_OK
                                                                                  : IDP_UNAVAILABLE;
}

/* A name server that takes its time must not keep the answer of another from being read. */
static void slow_name_of_a_later_one_is_put_off(void **state)
{
    (void)state;
    net_set_resolver(w.net, (struct net_resolver){.resolve = resolve});
    w.slow_name_ms = NET_RACE_NAME_MS;
    w.race.deadline_ms = 600;
    hold(true);
    enter("/held", 20);
    enter_host("slow.invalid", server.port, "/named", 20);
    enter("/third", LONG_MS);
    run();
    assert_int_equal(w.names, 1);
    assert_string_equal(w.bodies[0], "/third");
    assert_false(w.list[1].begun);
}

static void slow_name_is_waited_for_when_nothing_else_runs(void **state)
{
    (void)state;
    net_set_resolver(w.net, (struct net_resolver){.resolve = resolve});
    w.slow_name_ms = NET_RACE_NAME_MS;
    enter_host("slow.invalid", server.port, "/named", LONG_MS);
    run();
    assert_string_equal(w.bodies[0], "/named");
}

static void later_ones_are_checked_as_the_first_is(void **state)
{
    (void)state;
    hold(true);
    w.race.deadline_ms = 300;
    enter("/held", 10);
    enter_host("127.0.0.2", server.port, "/", 10); /* not on the list */
    enter("/held", 10);
    w.list[2].request.url = "file:///etc/passwd";
    run();
    assert_int_equal(w.errs[0], IDP_DENIED);
    assert_int_equal(w.errs[1], IDP_DENIED);
    assert_int_equal(server.connections, 1);
}

/* --- connections ---------------------------------------------------------------------------- */

static void one_connection_serves_one_question_after_another(void **state)
{
    (void)state;
    enter("/first", LONG_MS);
    for (int i = 0; i < 5; i++)
        run_again();
    assert_int_equal(server.requests, 5);
    assert_int_equal(server.connections, 1);
}

static void *run_in_thread(void *argument)
{
    (void)argument;
    run_again();
    return NULL;
}

static void connection_serves_whichever_thread_asks(void **state)
{
    (void)state;
    enter("/first", LONG_MS);
    for (int i = 0; i < 5; i++) {
        pthread_t id;
        assert_int_equal(pthread_create(&id, NULL, run_in_thread, NULL), 0);
        (void)pthread_join(id, NULL);
    }
    assert_int_equal(server.requests, 5);
    assert_int_equal(server.connections, 1);
}

/* The server closed it between two questions, and may do so with the question on its way. */
static void closed_connection_is_made_anew_once(void **state)
{
    (void)state;
    enter("/closes", LONG_MS);
    for (int i = 0; i < 3; i++) {
        run_again();
        assert_int_equal(w.errs[0], IDP_OK);
    }
    assert_int_equal(server.connections, 3);
    w.race.count = 0;
    enter("/leaves", LONG_MS);
    run_again();
    assert_int_equal(server.connections, 4);
    run_again(); /* asked on the old connection, left without a word, asked on a new one */
    assert_int_equal(w.told, 1);
    assert_int_equal(w.errs[0], IDP_OK);
    assert_int_equal(server.connections, 5);
    assert_int_equal(server.requests, 6);
}

static void same_question_is_posted_again_on_a_new_connection(void **state)
{
    (void)state;
    enter("/leaves", LONG_MS);
    w.list[0].request.content_type = "application/ocsp-request";
    w.list[0].request.body = "0\0question";
    w.list[0].request.body_len = 10;
    run_again();
    run_again();
    assert_int_equal(w.errs[0], IDP_OK);
    assert_int_equal(server.connections, 2);
    assert_memory_equal(strstr(server.seen, "\r\n\r\n") + 4, "0\0question", 10);
}

/* A connection that somebody may use does not let others in. */
static void open_connection_does_not_help_who_is_not_allowed(void **state)
{
    (void)state;
    char there[32];
    struct net *net = NULL;
    const char *const nobody[] = {NULL};
    const char *const more[] = {there, NULL};
    (void)snprintf(there, sizeof(there), "127.0.0.1:%d", server.port);
    assert_int_equal(net_new(nobody, &net), IDP_OK);
    enter("/first", LONG_MS);
    w.list[0].request.allow = more;
    assert_int_equal(net_race(net, w.arena, &w.race), IDP_OK);
    assert_int_equal(w.errs[0], IDP_OK);
    w.list[0].request.allow = NULL;
    w.told = 0;
    w.enough = 1;
    assert_int_equal(net_race(net, w.arena, &w.race), IDP_OK);
    assert_int_equal(w.errs[0], IDP_DENIED);
    assert_int_equal(server.requests, 1);
    net_free(net);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(second_does_not_run_when_the_first_is_quick),
        TEST(second_joins_when_patience_ends_and_wins),
        TEST(first_may_win_although_the_second_joined),
        TEST(third_joins_when_two_are_silent),
        TEST(next_one_begins_at_once_when_one_has_failed),
        TEST(unusable_answer_does_not_end_the_race),
        TEST(deadline_is_for_all_together),
        TEST(interrupted_race_is_over),
        TEST(thread_that_may_not_wait_is_told),
        TEST(nobody_to_run_is_over_at_once),
        TEST(slow_name_of_a_later_one_is_put_off),
        TEST(slow_name_is_waited_for_when_nothing_else_runs),
        TEST(later_ones_are_checked_as_the_first_is),
        TEST(one_connection_serves_one_question_after_another),
        TEST(connection_serves_whichever_thread_asks),
        TEST(closed_connection_is_made_anew_once),
        TEST(same_question_is_posted_again_on_a_new_connection),
        TEST(open_connection_does_not_help_who_is_not_allowed),
    };
    return cmocka_run_group_tests_name("net/race", tests, start_all, stop_all);
}
