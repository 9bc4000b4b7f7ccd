/* Connections: how many there are, who gets one, and what becomes of them without a server. */
#define _GNU_SOURCE /* syscall() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/figures.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/postgres_server.h"

enum { WHERE_MAX = 1024, SHORT_MS = 400, RECOVERY_MS = 20000, FRIENDS = 4 };

static struct world {
    struct postgres_server *server;
    struct sql *db;
    struct arena *arena;
} w;

static const struct sql_call one = {.text = "SELECT 1"};
static const struct sql_call sessions = {
    .text = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tamga'"};

static int set_up(void **state)
{
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    w = (struct world){.server = postgres_server_start(NULL), .arena = arena_new()};
    postgres_server_create(w.server, "city", NULL);
    return w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    sql_close(w.db);
    arena_free(w.arena);
    postgres_server_stop(w.server);
    return 0;
}

static enum idp_err open_with(int64_t connections, int64_t deadline_ms)
{
    char where[WHERE_MAX];
    postgres_server_where(w.server, "city", where, sizeof(where));
    const struct sql_settings settings = {.where = where,
                                          .connections = connections,
                                          .deadline_ms = deadline_ms,
                                          .development = true};
    return sql_open_with(&settings, NULL, &w.db);
}

static enum idp_err ask(const struct sql_call *call, int64_t *out)
{
    struct sql_rows rows = {0};
    struct arena *arena = arena_new();
    enum idp_err err = sql_read_one(w.db, arena, call, &rows);
    if (err == IDP_OK && out != NULL)
        *out = sql_cell_int(&rows, 0, 0);
    arena_free(arena);
    return err;
}

static uint64_t trips(void)
{
    struct figures_reading reading;
    figures_read(w.db->figures, &reading);
    return reading.round_trips;
}

static void nap(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* Waits until the database answers again, and says whether it does. */
static bool recovers(void)
{
    int64_t until = clock_ticks_ms() + RECOVERY_MS;
    while (ask(&one, NULL) != IDP_OK) {
        if (clock_ticks_ms() > until)
            return false;
        nap(20);
    }
    return true;
}

/* --- who gets one ---------------------------------------------------------------------------- */

/* A transaction that keeps its connection until it is told to end. */
static struct holder {
    pthread_t thread;
    sem_t has, may_end;
    enum idp_err err;
} holder;

static enum idp_err hold(struct sql_tx *tx, void *with)
{
    (void)with;
    enum idp_err err = sql_run(tx, NULL, &one, NULL, NULL);
    (void)sem_post(&holder.has);
    (void)sem_wait(&holder.may_end);
    return err;
}

static void *run_holder(void *arg)
{
    (void)arg;
    holder.err = sql_transact(w.db, hold, NULL);
    return NULL;
}

static void take_one(void)
{
    assert_int_equal(sem_init(&holder.has, 0, 0), 0);
    assert_int_equal(sem_init(&holder.may_end, 0, 0), 0);
    assert_int_equal(pthread_create(&holder.thread, NULL, run_holder, NULL), 0);
    (void)sem_wait(&holder.has);
}

static void give_it_back(void)
{
    (void)sem_post(&holder.may_end);
    assert_int_equal(pthread_join(holder.thread, NULL), 0);
}

static void there_are_never_more_than_the_settings_allow(void **state)
{
    (void)state;
    int64_t count = 0;
    assert_int_equal(open_with(2, 5000), IDP_OK);
    take_one();
    assert_int_equal(ask(&sessions, &count), IDP_OK);
    assert_int_equal(count, 2);
    give_it_back();
    assert_int_equal(holder.err, IDP_OK);
    assert_int_equal(ask(&sessions, &count), IDP_OK);
    assert_int_equal(count, 2);
}

static void who_finds_all_in_use_waits_no_longer_than_the_deadline(void **state)
{
    (void)state;
    assert_int_equal(open_with(1, SHORT_MS), IDP_OK);
    take_one();
    uint64_t before = trips();
    assert_int_equal(ask(&one, NULL), IDP_UNAVAILABLE);
    assert_int_equal(trips(), before);
    give_it_back();
    assert_int_equal(ask(&one, NULL), IDP_OK); /* nor is the server held to be away */
}

/* Each waits for the only connection, and notes when it had it. */
static int order[FRIENDS];
static int served;

struct friend
{
    pthread_t thread;
    int number;
    atomic_int id; /* of the thread, for the system */
    enum idp_err err;
};

static enum idp_err note_order(struct sql_tx *tx, void *with)
{
    (void)tx;
    order[served++] = ((const struct friend *)with)->number;
    return IDP_OK;
}

static void *wait_for_turn(void *arg)
{
    struct friend *friend = arg;
    friend->id = (int)syscall(SYS_gettid);
    friend->err = sql_transact(w.db, note_order, friend);
    return NULL;
}

/* Whether a thread sleeps (proc(5): "S" in its stat). */
static bool is_asleep(int id)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", id);
    char *text = help_read_file(path, NULL);
    const char *behind = text != NULL ? strrchr(text, ')') : NULL;
    bool asleep = behind != NULL && strncmp(behind, ") S", 3) == 0;
    free(text);
    return asleep;
}

static void queue_up(struct friend *friend)
{
    assert_int_equal(pthread_create(&friend->thread, NULL, wait_for_turn, friend), 0);
    int64_t until = clock_ticks_ms() + RECOVERY_MS;
    for (int seen = 0; seen < 5 && clock_ticks_ms() < until; nap(2))
        seen = friend->id != 0 && is_asleep(friend->id) ? seen + 1 : 0;
}

static void first_come_are_first_served(void **state)
{
    (void)state;
    struct friend friends[FRIENDS];
    assert_int_equal(open_with(1, 20000), IDP_OK);
    served = 0;
    take_one();
    for (int i = 0; i < FRIENDS; i++) {
        friends[i] = (struct friend){.number = i, .err = IDP_FAULT};
        queue_up(&friends[i]);
    }
    give_it_back();
    for (int i = 0; i < FRIENDS; i++) {
        assert_int_equal(pthread_join(friends[i].thread, NULL), 0);
        assert_int_equal(friends[i].err, IDP_OK);
        assert_int_equal(order[i], i);
    }
}

/* A server that has no room for one more: those it let in are waited for. */
static void who_is_refused_by_the_server_waits_for_another(void **state)
{
    (void)state;
    enum { SEATS = 8 };
    PGconn *seats[SEATS];
    char where[WHERE_MAX];
    struct friend friend = {.err = IDP_FAULT};
    free(postgres_server_sql(w.server, "postgres", "ALTER SYSTEM SET max_connections = 8"));
    postgres_server_shut(w.server);
    postgres_server_again(w.server);
    assert_int_equal(open_with(2, 20000), IDP_OK);
    served = 0;
    take_one();
    postgres_server_where(w.server, "city", where, sizeof(where));
    for (int i = 0; i < SEATS; i++)
        seats[i] = PQconnectdb(where);
    assert_int_equal(PQstatus(seats[SEATS - 1]), CONNECTION_BAD);
    queue_up(&friend);
    give_it_back();
    assert_int_equal(pthread_join(friend.thread, NULL), 0);
    for (int i = 0; i < SEATS; i++)
        PQfinish(seats[i]);
    assert_int_equal(friend.err, IDP_OK);
}

/* --- without a server ------------------------------------------------------------------------ */

static void server_that_stands_still_is_unavailable_and_comes_back(void **state)
{
    (void)state;
    assert_int_equal(open_with(4, SHORT_MS), IDP_OK);
    assert_int_equal(ask(&one, NULL), IDP_OK);
    postgres_server_freeze(w.server);
    assert_int_equal(ask(&one, NULL), IDP_UNAVAILABLE);
    postgres_server_thaw(w.server);
    assert_true(recovers());
}

/* What calls leave in the log while the circuit should be open. The caller frees it. */
static char *log_of_two_calls(void)
{
    char path[512];
    char *folder = help_temp_folder();
    (void)snprintf(path, sizeof(path), "%s/log", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    log_set_level(LOG_DEBUG);
    log_set_fd(fd);
    assert_int_equal(ask(&one, NULL), IDP_UNAVAILABLE);
    assert_int_equal(sql_execute(w.db, &one, NULL), IDP_UNAVAILABLE);
    log_set_fd(STDERR_FILENO);
    log_set_level((enum log_level)(LOG_ERROR + 1));
    (void)close(fd);
    char *text = help_read_file(path, NULL);
    help_remove_folder(folder);
    free(folder);
    assert_non_null(text);
    return text;
}

/* Each that was tried would be logged. */
static void after_a_missed_deadline_nobody_else_waits(void **state)
{
    (void)state;
    assert_int_equal(open_with(4, SHORT_MS), IDP_OK);
    postgres_server_freeze(w.server);
    assert_int_equal(ask(&one, NULL), IDP_UNAVAILABLE);
    char *text = log_of_two_calls();
    postgres_server_thaw(w.server);
    assert_string_equal(text, "");
    free(text);
    assert_true(recovers());
}

static void server_that_stands_still_cannot_be_opened(void **state)
{
    (void)state;
    char *why = NULL;
    char where[WHERE_MAX];
    postgres_server_where(w.server, "city", where, sizeof(where));
    const struct sql_settings settings = {
        .where = where, .deadline_ms = SHORT_MS, .development = true};
    postgres_server_freeze(w.server);
    assert_int_equal(sql_open_with(&settings, &why, &w.db), IDP_UNAVAILABLE);
    postgres_server_thaw(w.server);
    assert_non_null(strstr(why, "no answer before the deadline"));
    free(why);
}

static void server_that_was_killed_and_is_back_is_used_at_once(void **state)
{
    (void)state;
    assert_int_equal(open_with(4, 5000), IDP_OK);
    assert_int_equal(ask(&one, NULL), IDP_OK);
    postgres_server_kill(w.server);
    postgres_server_again(w.server);
    assert_int_equal(ask(&one, NULL), IDP_OK);
}

static void server_that_is_gone_is_unavailable_and_comes_back(void **state)
{
    (void)state;
    assert_int_equal(open_with(4, 5000), IDP_OK);
    postgres_server_shut(w.server);
    assert_int_equal(ask(&one, NULL), IDP_UNAVAILABLE);
    assert_int_equal(sql_execute(w.db, &one, NULL), IDP_UNAVAILABLE);
    postgres_server_again(w.server);
    assert_true(recovers());
}

static void connection_that_the_server_ended_is_replaced_unseen(void **state)
{
    (void)state;
    static const char end_all[] =
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
        "WHERE application_name = 'tamga'";
    int64_t before = 0;
    int64_t after = 0;
    const struct sql_call pid = {.text = "SELECT pg_backend_pid()"};
    assert_int_equal(open_with(4, 5000), IDP_OK);
    assert_int_equal(ask(&pid, &before), IDP_OK);
    free(postgres_server_sql(w.server, "postgres", end_all));
    assert_int_equal(sql_execute(w.db, &one, NULL), IDP_OK);
    assert_int_equal(ask(&pid, &after), IDP_OK);
    assert_int_not_equal(before, after);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(there_are_never_more_than_the_settings_allow),
        TEST(who_finds_all_in_use_waits_no_longer_than_the_deadline),
        TEST(first_come_are_first_served),
        TEST(who_is_refused_by_the_server_waits_for_another),
        TEST(server_that_stands_still_is_unavailable_and_comes_back),
        TEST(after_a_missed_deadline_nobody_else_waits),
        TEST(server_that_stands_still_cannot_be_opened),
        TEST(server_that_was_killed_and_is_back_is_used_at_once),
        TEST(server_that_is_gone_is_unavailable_and_comes_back),
        TEST(connection_that_the_server_ended_is_replaced_unseen),
    };
    return cmocka_run_group_tests_name("store/postgres_pool", tests, NULL, NULL);
}
