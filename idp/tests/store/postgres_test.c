/* What sql_test.c cannot see: what transactions do to each other, lost answers, a full disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/figures.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/lossy.h"
#include "tests/store/postgres_server.h"

enum { WHERE_MAX = 1024, RECOVERY_MS = 20000, WRITERS = 8, KEYS = 60, TEXTS = 600 };

static struct postgres_server *server; /* of all tests; each has a database of its own */

static struct world {
    char database[32];
    struct sql *db;
    struct arena *arena;
    struct sql_rows rows;
} w;

#define CALL(text_, ...)                                                                           \
    (&(const struct sql_call){.text = (text_),                                                     \
                              .params = (const struct sql_value[]){__VA_ARGS__},                   \
                              .count = sizeof((const struct sql_value[]){__VA_ARGS__}) /           \
                                       sizeof(struct sql_value)})
#define PLAIN(text_) (&(const struct sql_call){.text = (text_)})

static int set_up_group(void **state)
{
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    server = postgres_server_start_on_disk("deadlock_timeout = 50ms\n");
    return 0;
}

static int tear_down_group(void **state)
{
    (void)state;
    postgres_server_stop(server);
    return 0;
}

static void open_database(int64_t deadline_ms)
{
    char where[WHERE_MAX];
    sql_close(w.db);
    postgres_server_where(server, w.database, where, sizeof(where));
    const struct sql_settings settings = {
        .where = where, .connections = WRITERS, .deadline_ms = deadline_ms, .development = true};
    assert_int_equal(sql_open_with(&settings, NULL, &w.db), IDP_OK);
}

static int set_up(void **state)
{
    static unsigned made;
    (void)state;
    w = (struct world){.arena = arena_new()};
    (void)snprintf(w.database, sizeof(w.database), "test%u", made++);
    postgres_server_create(server, w.database, NULL);
    open_database(10000);
    return sql_execute(w.db, PLAIN("CREATE TABLE things (id BIGINT PRIMARY KEY, text TEXT)"),
                       NULL) != IDP_OK;
}

static int tear_down(void **state)
{
    (void)state;
    sql_close(w.db);
    arena_free(w.arena);
    return 0;
}

static const char insert_text[] = "INSERT INTO things (id, text) VALUES ($1, $2)";

static enum idp_err insert(struct sql *db, int64_t id, const char *text)
{
    return sql_execute(db, CALL(insert_text, sql_int(id), sql_text(text)), NULL);
}

static int64_t number(const char *text)
{
    struct sql_rows rows = {0};
    assert_int_equal(sql_read_one(w.db, w.arena, PLAIN(text), &rows), IDP_OK);
    return sql_cell_int(&rows, 0, 0);
}

static uint64_t trips(void)
{
    struct figures_reading reading;
    figures_read(w.db->figures, &reading);
    return reading.round_trips;
}

/* --- round trips ----------------------------------------------------------------------------- */

static enum idp_err run_two(struct sql_tx *tx, void *with)
{
    enum idp_err err = sql_run(tx, NULL, CALL(insert_text, sql_int(1), sql_text("a")), NULL, NULL);
    (void)with;
    return err == IDP_OK ? sql_run(tx, NULL, PLAIN("DELETE FROM things"), NULL, NULL) : err;
}

static enum idp_err run_none(struct sql_tx *tx, void *with)
{
    (void)tx, (void)with;
    return IDP_OK;
}

static void each_call_costs_the_round_trips_it_must(void **state)
{
    (void)state;
    uint64_t before = trips();
    assert_int_equal(number("SELECT count(*) FROM things"), 0);
    assert_int_equal(trips() - before, 1);
    assert_int_equal(insert(w.db, 7, "seven"), IDP_OK); /* with BEGIN and COMMIT */
    assert_int_equal(trips() - before, 2);
    assert_int_equal(sql_transact(w.db, run_two, NULL), IDP_OK); /* BEGIN goes with the first */
    assert_int_equal(trips() - before, 5);
    assert_int_equal(sql_transact(w.db, run_none, NULL), IDP_OK);
    assert_int_equal(trips() - before, 5);
}

/* --- one after the other --------------------------------------------------------------------- */

/* Two transactions that wait for each other, the first time that they run. */
static struct meeting {
    pthread_barrier_t barrier;
    atomic_int runs;
} meeting;

static void meet(void)
{
    if (meeting.runs <= 2)
        (void)pthread_barrier_wait(&meeting.barrier);
}

struct guest {
    pthread_t thread;
    enum idp_err (*body)(struct sql_tx *tx, void *with);
    int64_t mine, other;
    enum idp_err err;
};

static void *attend(void *arg)
{
    struct guest *guest = arg;
    guest->err = sql_transact(w.db, guest->body, guest);
    return NULL;
}

/* Runs a body for each of two guests, and says how often it was run. */
static int run_both(enum idp_err (*body)(struct sql_tx *tx, void *with))
{
    struct guest guests[] = {{.body = body, .mine = 1, .other = 2},
                             {.body = body, .mine = 2, .other = 1}};
    meeting.runs = 0;
    assert_int_equal(pthread_barrier_init(&meeting.barrier, NULL, 2), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&guests[i].thread, NULL, attend, &guests[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(guests[i].thread, NULL), 0);
    (void)pthread_barrier_destroy(&meeting.barrier);
    assert_int_equal(guests[0].err, IDP_OK);
    assert_int_equal(guests[1].err, IDP_OK);
    return meeting.runs;
}

/* Each sees that nobody is on duty and goes on duty: one after the other, only one does. */
static enum idp_err go_on_duty(struct sql_tx *tx, void *with)
{
    const struct guest *guest = with;
    struct sql_rows rows = {0};
    struct arena *arena = arena_new();
    meeting.runs++;
    enum idp_err err = sql_run(tx, arena, PLAIN("SELECT count(*) FROM things"), &rows, NULL);
    bool nobody = err == IDP_OK && sql_cell_int(&rows, 0, 0) == 0;
    meet();
    if (nobody)
        err = sql_run(tx, NULL, CALL(insert_text, sql_int(guest->mine), sql_text("on duty")), NULL,
                      NULL);
    arena_free(arena);
    return err;
}

static void what_two_have_seen_at_once_only_one_acts_upon(void **state)
{
    (void)state;
    assert_true(run_both(go_on_duty) >= 3);
    assert_int_equal(number("SELECT count(*) FROM things"), 1);
}

static enum idp_err touch(struct sql_tx *tx, int64_t id)
{
    return sql_run(tx, NULL,
                   CALL("UPDATE things SET text = text || '+' WHERE id = $1", sql_int(id)), NULL,
                   NULL);
}

static enum idp_err touch_both(struct sql_tx *tx, void *with)
{
    const struct guest *guest = with;
    meeting.runs++;
    enum idp_err err = touch(tx, guest->mine);
    meet();
    return err == IDP_OK ? touch(tx, guest->other) : err;
}

static void of_two_that_wait_for_each_other_both_succeed(void **state)
{
    (void)state;
    assert_int_equal(insert(w.db, 1, ""), IDP_OK);
    assert_int_equal(insert(w.db, 2, ""), IDP_OK);
    assert_true(run_both(touch_both) >= 3);
    assert_int_equal(number("SELECT count(*) FROM things WHERE text = '++'"), 2);
}

static atomic_int runs;

static enum idp_err insert_next(struct sql_tx *tx, void *with)
{
    (void)with;
    runs++;
    return sql_run(tx, NULL, PLAIN("INSERT INTO things (id) SELECT count(*) + 1 FROM things"), NULL,
                   NULL);
}

/* The server remembers what transactions have read until all that ran beside them are over; when
 * there is no room for it (a trigger says so here, once), the next try may find some. */
static void transaction_that_found_no_room_for_what_it_read_is_run_anew(void **state)
{
    (void)state;
    free(postgres_server_sql(
        server, w.database,
        "CREATE SEQUENCE tries; CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN IF nextval(''tries'') = 1 THEN RAISE USING ERRCODE = ''out_of_memory''; END IF; "
        "RETURN NEW; END'; CREATE TRIGGER no_room BEFORE INSERT ON things FOR EACH ROW "
        "EXECUTE FUNCTION no_room()"));
    runs = 0;
    assert_int_equal(sql_transact(w.db, insert_next, NULL), IDP_OK);
    assert_int_equal(runs, 2);
    assert_int_equal(number("SELECT count(*) FROM things"), 1);
}

/* --- two nodes ------------------------------------------------------------------------------- */

static struct sql *nodes[2];
static atomic_int wins[KEYS], losses, surprises;

static void *insert_all(void *arg)
{
    struct sql *db = arg;
    for (int i = 0; i < KEYS; i++) {
        enum idp_err err = insert(db, i, "mine");
        wins[i] += err == IDP_OK;
        losses += err == IDP_CONFLICT;
        surprises += err != IDP_OK && err != IDP_CONFLICT;
    }
    return NULL;
}

static void of_many_inserts_of_a_key_on_two_nodes_one_succeeds(void **state)
{
    (void)state;
    pthread_t threads[WRITERS];
    char where[WHERE_MAX];
    memset(wins, 0, sizeof(wins));
    losses = surprises = 0;
    postgres_server_where(server, w.database, where, sizeof(where));
    nodes[0] = w.db;
    assert_int_equal(sql_open(where, NULL, &nodes[1]), IDP_OK);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, insert_all, nodes[i % 2]), 0);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    sql_close(nodes[1]);
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(wins[i], 1);
    assert_int_equal(losses, KEYS * (WRITERS - 1));
    assert_int_equal(surprises, 0);
    assert_int_equal(number("SELECT count(*) FROM things"), KEYS);
}

/* --- what gets lost -------------------------------------------------------------------------- */

/* The first time, its connection is ended before it commits. */
static enum idp_err insert_and_be_cut_off(struct sql_tx *tx, void *with)
{
    struct sql_rows rows = {0};
    char statement[128];
    (void)with;
    enum idp_err err = sql_run(tx, NULL, CALL(insert_text, sql_int(1), sql_text("a")), NULL, NULL);
    if (err == IDP_OK && runs++ == 0) {
        err = sql_run(tx, w.arena, PLAIN("SELECT pg_backend_pid()"), &rows, NULL);
        (void)snprintf(statement, sizeof(statement), "SELECT pg_terminate_backend(%d, 5000)",
                       (int)sql_cell_int(&rows, 0, 0));
        free(postgres_server_sql(server, "postgres", statement));
    }
    return err == IDP_OK ? sql_run(tx, NULL, PLAIN("SELECT 1"), NULL, NULL) : err;
}

static void transaction_that_lost_its_connection_before_commit_is_run_anew(void **state)
{
    (void)state;
    runs = 0;
    assert_int_equal(sql_transact(w.db, insert_and_be_cut_off, NULL), IDP_OK);
    assert_int_equal(runs, 2);
    assert_int_equal(number("SELECT count(*) FROM things"), 1);
}

/* It has happened, and nobody heard so: to run it anew would make it happen twice. */
static void commit_whose_answer_was_lost_is_not_repeated(void **state)
{
    (void)state;
    char where[WHERE_MAX];
    struct sql *db = NULL;
    struct lossy *lossy = lossy_start(server);
    lossy_where(lossy, w.database, where, sizeof(where));
    assert_int_equal(sql_open(where, NULL, &db), IDP_OK);
    runs = 0;
    lossy_lose(lossy, "commit");
    assert_int_equal(sql_transact(db, insert_next, NULL), IDP_UNAVAILABLE);
    assert_int_equal(runs, 1);
    assert_int_equal(number("SELECT count(*) FROM things"), 1);
    assert_int_equal(sql_read(db, w.arena, PLAIN("SELECT 1"), &w.rows), IDP_OK); /* connects */
    lossy_lose(lossy, "commit");
    assert_int_equal(insert(db, 77, "alone"), IDP_UNAVAILABLE);
    assert_int_equal(number("SELECT count(*) FROM things"), 2);
    assert_int_equal(sql_transact(db, insert_next, NULL), IDP_OK); /* and the store goes on */
    sql_close(db);
    lossy_stop(lossy);
}

static void read_whose_answer_was_lost_is_asked_again(void **state)
{
    (void)state;
    char where[WHERE_MAX];
    struct sql *db = NULL;
    struct lossy *lossy = lossy_start(server);
    lossy_where(lossy, w.database, where, sizeof(where));
    assert_int_equal(sql_open(where, NULL, &db), IDP_OK);
    lossy_lose(lossy, "FROM things");
    assert_int_equal(sql_read(db, w.arena, PLAIN("SELECT id FROM things"), &w.rows), IDP_OK);
    sql_close(db);
    lossy_stop(lossy);
}

/* What a trigger can do at COMMIT, a server that fails does as well. */
static void commit_that_is_refused_has_not_happened(void **state)
{
    (void)state;
    free(postgres_server_sql(
        server, w.database,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RAISE EXCEPTION USING ERRCODE = ''disk_full''; END';"
        "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON things DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION refuse()"));
    runs = 0;
    assert_int_equal(sql_transact(w.db, insert_next, NULL), IDP_UNAVAILABLE);
    assert_int_equal(runs, 1);
    assert_int_equal(insert(w.db, 77, "alone"), IDP_UNAVAILABLE);
    assert_int_equal(number("SELECT count(*) FROM things"), 0);
}

/* As the server ends a commit that it did not wait for the standby with (syncrep.c): what then is
 * acknowledged could be lost with the server. */
static void commit_with_a_warning_is_not_acknowledged(void **state)
{
    (void)state;
    free(postgres_server_sql(
        server, w.database,
        "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RAISE WARNING ''canceling wait''; RETURN NULL; END';"
        "CREATE CONSTRAINT TRIGGER warn AFTER INSERT ON things DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION warn()"));
    runs = 0;
    assert_int_equal(sql_transact(w.db, insert_next, NULL), IDP_UNAVAILABLE);
    assert_int_equal(runs, 1);
    assert_int_equal(insert(w.db, 77, "alone"), IDP_UNAVAILABLE);
}

/* --- waiting --------------------------------------------------------------------------------- */

struct locker {
    pthread_t thread;
    pthread_barrier_t locked, done;
};

static enum idp_err lock_row(struct sql_tx *tx, void *with)
{
    struct locker *locker = with;
    enum idp_err err = touch(tx, 1);
    (void)pthread_barrier_wait(&locker->locked);
    (void)pthread_barrier_wait(&locker->done);
    return err;
}

static void *keep_row(void *arg)
{
    struct sql *db = NULL;
    char where[WHERE_MAX];
    postgres_server_where(server, w.database, where, sizeof(where));
    if (sql_open(where, NULL, &db) == IDP_OK)
        (void)sql_transact(db, lock_row, arg);
    sql_close(db);
    return NULL;
}

/* The server ends the statement, so the connection can be kept, and nobody else is sent away. */
static void statement_that_takes_too_long_ends_alone(void **state)
{
    (void)state;
    struct locker locker;
    open_database(400);
    assert_int_equal(insert(w.db, 1, ""), IDP_OK);
    int64_t pid = number("SELECT pg_backend_pid()");
    (void)pthread_barrier_init(&locker.locked, NULL, 2);
    (void)pthread_barrier_init(&locker.done, NULL, 2);
    assert_int_equal(pthread_create(&locker.thread, NULL, keep_row, &locker), 0);
    (void)pthread_barrier_wait(&locker.locked);
    enum idp_err err = sql_execute(w.db, PLAIN("DELETE FROM things WHERE id = 1"), NULL);
    int64_t pid_after = number("SELECT pg_backend_pid()");
    (void)pthread_barrier_wait(&locker.done);
    (void)pthread_join(locker.thread, NULL);
    assert_int_equal(err, IDP_UNAVAILABLE);
    assert_int_equal(pid, pid_after);
    assert_int_equal(number("SELECT count(*) FROM things"), 1);
}

static enum idp_err fall_asleep(struct sql_tx *tx, void *with)
{
    const struct timespec long_time = {.tv_sec = 1};
    (void)with;
    enum idp_err err = touch(tx, 1);
    if (err == IDP_OK && runs++ == 0)
        (void)nanosleep(&long_time, NULL);
    return err == IDP_OK ? touch(tx, 1) : err;
}

/* A node that is frozen in a transaction must not hold its rows for ever. */
static void transaction_that_does_nothing_is_ended_and_run_anew(void **state)
{
    (void)state;
    open_database(400);
    assert_int_equal(insert(w.db, 1, ""), IDP_OK);
    runs = 0;
    /* The first run has used up the time there is for another one. */
    assert_int_equal(sql_transact(w.db, fall_asleep, NULL), IDP_UNAVAILABLE);
    assert_int_equal(number("SELECT count(*) FROM things WHERE text = ''"), 1);
    assert_int_equal(sql_transact(w.db, fall_asleep, NULL), IDP_OK);
}

/* --- statements ------------------------------------------------------------------------------ */

static void statements_that_lost_their_place_are_forgotten_by_the_server(void **state)
{
    (void)state;
    static char texts[TEXTS][32];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < TEXTS; i++) {
            (void)snprintf(texts[i], sizeof(texts[i]), "SELECT %d", i);
            assert_int_equal(number(texts[i]), i);
        }
    assert_in_range(number("SELECT count(*) FROM pg_prepared_statements"), 4, 256 + 3);
}

static void table_that_a_migration_changed_can_be_read_on(void **state)
{
    (void)state;
    static const struct sql_call call = {.text = "SELECT * FROM things"};
    assert_int_equal(insert(w.db, 1, "one"), IDP_OK);
    assert_int_equal(sql_read(w.db, w.arena, &call, &w.rows), IDP_OK);
    assert_int_equal(w.rows.columns, 2);
    free(postgres_server_sql(server, w.database, "ALTER TABLE things ADD COLUMN more BIGINT"));
    assert_int_equal(sql_read(w.db, w.arena, &call, &w.rows), IDP_OK);
    assert_int_equal(w.rows.columns, 3);
}

static void results_of_foreign_types_are_faults(void **state)
{
    (void)state;
    static const char *const foreign[] = {"SELECT 1.5", "SELECT sum(id) FROM things",
                                          "SELECT now()"};
    assert_int_equal(insert(w.db, 1, "one"), IDP_OK);
    for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
        assert_int_equal(sql_read(w.db, w.arena, PLAIN(foreign[i]), &w.rows), IDP_FAULT);
    assert_int_equal(number("SELECT count(*) FROM things"), 1);
}

static void integers_of_every_width_are_integers(void **state)
{
    (void)state;
    assert_int_equal(number("SELECT CAST(-2 AS SMALLINT)"), -2);
    assert_int_equal(number("SELECT -3"), -3);
    assert_int_equal(number("SELECT CAST(-4 AS BIGINT)"), -4);
    assert_int_equal(number("SELECT 1 = 1"), 1);
    assert_int_equal(number("SELECT 1 = 2"), 0);
}

/* --- the log --------------------------------------------------------------------------------- */

/* What a statement leaves in the log. The caller frees it. */
static char *log_of(const struct sql_call *call)
{
    char *folder = help_temp_folder();
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/log", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    log_set_level(LOG_DEBUG);
    log_set_fd(fd);
    assert_int_not_equal(sql_execute(w.db, call, NULL), IDP_OK);
    log_set_fd(STDERR_FILENO);
    log_set_level((enum log_level)(LOG_ERROR + 1));
    (void)close(fd);
    char *text = help_read_file(path, NULL);
    help_remove_folder(folder);
    free(folder);
    assert_non_null(text);
    return text;
}

static void log_names_the_statement_and_no_value(void **state)
{
    (void)state;
    char *text = log_of(CALL("INSERT INTO things (id, text) VALUES (CAST($1 AS TEXT)::bigint, 'x')",
                             sql_text("hunter2")));
    assert_non_null(strstr(text, "22P02"));
    assert_non_null(strstr(text, "INSERT INTO things"));
    assert_null(strstr(text, "hunter2"));
    free(text);
    assert_int_equal(insert(w.db, 4711, "a"), IDP_OK);
    text = log_of(CALL(insert_text, sql_int(4711), sql_text("hunter2"))); /* a conflict */
    assert_null(strstr(text, "4711"));
    assert_null(strstr(text, "hunter2"));
    free(text);
}

/* --- a server that dies, a disk that is full ------------------------------------------------- */

static atomic_bool stop;
static atomic_llong acknowledged;

static void *insert_until_stopped(void *arg)
{
    static atomic_llong next_id;
    char big[1800];
    (void)arg;
    for (unsigned seed = 1; !stop;) {
        for (size_t i = 0; i < sizeof(big) - 1; i++) /* so that it cannot be made smaller */
            big[i] = (char)('0' + (int)((seed = seed * 1103515245 + 12345) >> 16) % 64);
        big[sizeof(big) - 1] = '\0';
        acknowledged += insert(w.db, ++next_id, big) == IDP_OK;
    }
    return NULL;
}

static void wait_for_more(long long n)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    long long goal = acknowledged + n;
    int64_t until = clock_ticks_ms() + RECOVERY_MS;
    while (acknowledged < goal && clock_ticks_ms() < until)
        (void)nanosleep(&pause, NULL);
    assert_true(acknowledged >= goal);
}

/* Writes while the trouble is made, and again after it is over; nothing that was acknowledged may
 * be missing then. */
static void survive(void (*trouble)(void))
{
    pthread_t threads[WRITERS];
    stop = false;
    acknowledged = 0;
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, insert_until_stopped, NULL), 0);
    wait_for_more(100);
    trouble();
    wait_for_more(100);
    stop = true;
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(number("SELECT count(*) FROM things") >= acknowledged);
}

static void kill_and_restart(void)
{
    postgres_server_kill(server);
    postgres_server_again(server);
}

static void what_was_acknowledged_is_there_after_the_server_was_killed(void **state)
{
    (void)state;
    survive(kill_and_restart);
}

/* Fills the disk until nothing is acknowledged any more, and then makes room again. */
static void fill_and_empty(void)
{
    const struct timespec pause = {.tv_nsec = 300000000};
    postgres_server_fill_disk(server, true);
    for (long long before = -1; before != acknowledged;) {
        before = acknowledged;
        (void)nanosleep(&pause, NULL);
    }
    postgres_server_fill_disk(server, false);
}

static void what_was_acknowledged_is_there_after_the_disk_was_full(void **state)
{
    (void)state;
    survive(fill_and_empty);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(each_call_costs_the_round_trips_it_must),
        TEST(what_two_have_seen_at_once_only_one_acts_upon),
        TEST(of_two_that_wait_for_each_other_both_succeed),
        TEST(transaction_that_found_no_room_for_what_it_read_is_run_anew),
        TEST(of_many_inserts_of_a_key_on_two_nodes_one_succeeds),
        TEST(transaction_that_lost_its_connection_before_commit_is_run_anew),
        TEST(commit_whose_answer_was_lost_is_not_repeated),
        TEST(read_whose_answer_was_lost_is_asked_again),
        TEST(commit_that_is_refused_has_not_happened),
        TEST(commit_with_a_warning_is_not_acknowledged),
        TEST(statement_that_takes_too_long_ends_alone),
        TEST(transaction_that_does_nothing_is_ended_and_run_anew),
        TEST(statements_that_lost_their_place_are_forgotten_by_the_server),
        TEST(table_that_a_migration_changed_can_be_read_on),
        TEST(results_of_foreign_types_are_faults),
        TEST(integers_of_every_width_are_integers),
        TEST(log_names_the_statement_and_no_value),
        TEST(what_was_acknowledged_is_there_after_the_server_was_killed),
        TEST(what_was_acknowledged_is_there_after_the_disk_was_full),
    };
    return cmocka_run_group_tests_name("store/postgres", tests, set_up_group, tear_down_group);
}
