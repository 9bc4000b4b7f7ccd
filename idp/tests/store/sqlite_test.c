/* What sql_test.c cannot see: the file, other processes, kill -9 and a disk that is full. */
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
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/sql.h"
#include "tests/help.h"

enum { WRITERS = 8, EACH = 100, NOBODY = 65534 };

static struct world {
    char *folder;
    char path[400], where[512];
    struct sql *db;
    struct arena *arena;
} w;

static const struct sql_call make_table = {
    .text = "CREATE TABLE things (id BIGINT PRIMARY KEY, text TEXT)"};

static int set_up(void **state)
{
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    w = (struct world){.folder = help_temp_folder(), .arena = arena_new()};
    (void)snprintf(w.path, sizeof(w.path), "%s/test.db", w.folder);
    (void)snprintf(w.where, sizeof(w.where), "sqlite:%s", w.path);
    return w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    sql_close(w.db);
    arena_free(w.arena);
    help_remove_folder(w.folder);
    free(w.folder);
    return 0;
}

static void open_database(void)
{
    assert_int_equal(sql_open(w.where, NULL, &w.db), IDP_OK);
}

static void make_database(void)
{
    open_database();
    assert_int_equal(sql_execute(w.db, &make_table, NULL), IDP_OK);
}

static enum idp_err insert(struct sql *db, int64_t id, const char *text)
{
    const struct sql_value params[] = {sql_int(id), sql_text(text)};
    const struct sql_call call = {
        .text = "INSERT INTO things (id, text) VALUES ($1, $2)", .params = params, .count = 2};
    return sql_execute(db, &call, NULL);
}

static int64_t number(const char *text)
{
    struct sql_rows rows = {0};
    const struct sql_call call = {.text = text};
    assert_int_equal(sql_read_one(w.db, w.arena, &call, &rows), IDP_OK);
    return sql_cell_int(&rows, 0, 0);
}

static void nap(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* --- the file ------------------------------------------------------------------------------ */

static mode_t mode_of(const char *suffix)
{
    char path[512];
    struct stat stat_of;
    (void)snprintf(path, sizeof(path), "%s%s", w.path, suffix);
    assert_int_equal(stat(path, &stat_of), 0);
    return stat_of.st_mode & 0777;
}

static void only_its_user_may_read_the_database(void **state)
{
    (void)state;
    mode_t before = umask(0);
    make_database();
    (void)umask(before);
    assert_int_equal(mode_of(""), 0600);
    assert_int_equal(mode_of("-wal"), 0600);
    assert_int_equal(mode_of("-shm"), 0600);
}

static void what_cannot_be_opened_says_why(void **state)
{
    (void)state;
    char *why = NULL;
    char where[512];
    (void)snprintf(where, sizeof(where), "sqlite:%s/nowhere/test.db", w.folder);
    assert_int_equal(sql_open(where, &why, &w.db), IDP_UNAVAILABLE);
    assert_non_null(why);
    assert_non_null(strstr(why, "/nowhere/test.db: unable to open"));
    free(why);
    assert_int_equal(sql_open(where, NULL, &w.db), IDP_UNAVAILABLE);
    assert_null(w.db);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    (void)state;
    char *why = NULL;
    char text[4096];
    memset(text, 'x', sizeof(text));
    help_write_file(w.path, text, sizeof(text));
    assert_int_equal(sql_open(w.where, &why, &w.db), IDP_UNAVAILABLE);
    assert_non_null(strstr(why, "not a database"));
    free(why);
}

static void places_that_name_no_file_are_refused(void **state)
{
    (void)state;
    assert_int_equal(sql_open("sqlite:", NULL, &w.db), IDP_BAD_REQUEST);
    assert_int_equal(sql_open("sqlite::memory:", NULL, &w.db), IDP_BAD_REQUEST);
    assert_int_equal(sql_open("oracle:x", NULL, &w.db), IDP_BAD_REQUEST);
    assert_null(w.db);
}

/* Runs in a child, as a user who may not write there. */
static int open_as_nobody(void)
{
    if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
        return 2;
    return sql_open(w.where, NULL, &w.db) == IDP_UNAVAILABLE ? 0 : 1;
}

static int wait_for(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void in_a_folder_that_may_not_be_written_nothing_opens(void **state)
{
    (void)state;
    assert_int_equal(chmod(w.folder, 0500), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(open_as_nobody());
    assert_int_equal(wait_for(child), 0);
    assert_int_equal(chmod(w.folder, 0700), 0);
}

static void what_was_written_is_there_after_closing(void **state)
{
    (void)state;
    make_database();
    assert_int_equal(insert(w.db, 1, "stays"), IDP_OK);
    sql_close(w.db);
    open_database();
    assert_int_equal(number("SELECT count(*) FROM things WHERE text = 'stays'"), 1);
}

/* --- statements ---------------------------------------------------------------------------- */

static void another_text_at_the_same_address_is_another_statement(void **state)
{
    (void)state;
    char text[64] = "SELECT 1";
    make_database();
    assert_int_equal(number(text), 1);
    text[7] = '2';
    assert_int_equal(number(text), 2);
}

static void more_statements_than_are_remembered_all_work(void **state)
{
    (void)state;
    static char texts[1000][24];
    make_database();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000; i++) {
            (void)snprintf(texts[i], sizeof(texts[i]), "SELECT %d", i);
            assert_int_equal(number(texts[i]), i);
        }
    }
}

static void statements_follow_a_changed_table(void **state)
{
    (void)state;
    struct sql_rows rows = {0};
    static const struct sql_call all = {.text = "SELECT * FROM things"};
    static const struct sql_call add = {.text = "ALTER TABLE things ADD COLUMN more TEXT"};
    make_database();
    assert_int_equal(insert(w.db, 1, "x"), IDP_OK);
    assert_int_equal(sql_read(w.db, w.arena, &all, &rows), IDP_OK);
    assert_int_equal(rows.columns, 2);
    assert_int_equal(sql_execute(w.db, &add, NULL), IDP_OK);
    assert_int_equal(sql_read(w.db, w.arena, &all, &rows), IDP_OK);
    assert_int_equal(rows.columns, 3);
    assert_null(sql_cell(&rows, 0, 2));
}

static void *read_on(void *surprises)
{
    struct sql_rows rows = {0};
    static const struct sql_call call = {.text = "SELECT count(*) FROM things"};
    for (int i = 0; i < EACH; i++) {
        struct arena *arena = arena_new();
        if (sql_read_one(w.db, arena, &call, &rows) != IDP_OK)
            atomic_fetch_add((_Atomic int *)surprises, 1);
        arena_free(arena);
    }
    return NULL;
}

static void more_readers_than_connections_take_turns(void **state)
{
    (void)state;
    pthread_t threads[64];
    _Atomic int surprises = 0;
    make_database();
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &surprises), 0);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(surprises, 0);
}

/* --- a disk that is full ------------------------------------------------------------------- */

/* No file may grow beyond so many bytes from now on. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void on_a_full_disk_writes_are_refused_and_reads_go_on(void **state)
{
    (void)state;
    char *big = malloc(200001);
    assert_non_null(big);
    memset(big, 'x', 200000);
    big[200000] = '\0';
    make_database();
    assert_int_equal(insert(w.db, 1, "small"), IDP_OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files(65536);
    enum idp_err full = insert(w.db, 2, big);
    int64_t seen = number("SELECT count(*) FROM things");
    limit_files(RLIM_INFINITY);
    assert_int_equal(full, IDP_UNAVAILABLE);
    assert_int_equal(seen, 1);
    assert_int_equal(insert(w.db, 3, big), IDP_OK);
    assert_int_equal(number("SELECT sum(id) FROM things"), 4);
    free(big);
}

/* A transaction that lets others queue behind it, and one of those fills the disk. */
static enum idp_err write_big(struct sql_tx *tx, void *with)
{
    static const struct sql_call call = {
        .text = "INSERT INTO things (id, text) SELECT max(id) + 1, hex(zeroblob(4000000)) "
                "FROM things"};
    (void)with;
    return sql_run(tx, NULL, &call, NULL, NULL);
}

static _Atomic int acknowledged, unavailable, others;

static void *write_in_group(void *arg)
{
    int64_t id = *(int64_t *)arg;
    enum idp_err err = id == 100 ? sql_transact(w.db, write_big, NULL) : insert(w.db, id, "small");
    acknowledged += err == IDP_OK;
    unavailable += err == IDP_UNAVAILABLE;
    others += err != IDP_OK && err != IDP_UNAVAILABLE;
    return NULL;
}

static void a_group_that_cannot_be_committed_is_refused_whole(void **state)
{
    (void)state;
    pthread_t threads[32];
    int64_t ids[32];
    make_database();
    acknowledged = unavailable = others = 0;
    assert_int_equal(insert(w.db, 1000, "base"), IDP_OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files(1000000);
    for (int i = 0; i < 32; i++) {
        ids[i] = i == 16 ? 100 : i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_in_group, &ids[i]), 0);
    }
    for (int i = 0; i < 32; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    limit_files(RLIM_INFINITY);
    assert_int_equal(others, 0);
    assert_true(unavailable >= 1);
    assert_int_equal(acknowledged + unavailable, 32);
    assert_int_equal(number("SELECT count(*) FROM things"), 1 + acknowledged);
}

/* --- other processes ----------------------------------------------------------------------- */

static _Atomic int64_t next_id;
static int acknowledgements; /* a pipe */

static void *write_and_acknowledge(void *arg)
{
    (void)arg;
    for (;;) {
        int64_t id = ++next_id;
        if (insert(w.db, id, "acknowledged") != IDP_OK ||
            write(acknowledgements, &id, sizeof(id)) != sizeof(id))
            _exit(1);
    }
}

/* Writes until it is killed. */
static void run_writers(void)
{
    pthread_t thread;
    if (sql_open(w.where, NULL, &w.db) != IDP_OK || sql_execute(w.db, &make_table, NULL) != IDP_OK)
        _exit(1);
    for (int i = 0; i < WRITERS; i++)
        if (pthread_create(&thread, NULL, write_and_acknowledge, NULL) != 0)
            _exit(1);
    (void)pthread_join(thread, NULL);
}

/* Reads what the child has acknowledged, and kills it in the midst. */
static size_t kill_amidst(pid_t child, int from, int64_t *ids, size_t most)
{
    size_t n = 0;
    while (n < most && read(from, &ids[n], sizeof(*ids)) == sizeof(*ids))
        if (++n == most / 2)
            assert_int_equal(kill(child, SIGKILL), 0);
    return n;
}

/* docs/security.md row 43. */
static void kill_9_loses_nothing_that_was_acknowledged(void **state)
{
    (void)state;
    enum { MOST = 4000 };
    static int64_t ids[MOST];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        acknowledgements = ends[1];
        run_writers();
        _exit(1);
    }
    assert_int_equal(close(ends[1]), 0);
    size_t n = kill_amidst(child, ends[0], ids, MOST);
    assert_int_equal(close(ends[0]), 0);
    int status = wait_for(child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(n >= MOST / 2);
    open_database();
    for (size_t i = 0; i < n; i++) {
        struct sql_rows rows = {0};
        const struct sql_value params[] = {sql_int(ids[i])};
        const struct sql_call call = {
            .text = "SELECT id FROM things WHERE id = $1", .params = params, .count = 1};
        assert_int_equal(sql_read_one(w.db, w.arena, &call, &rows), IDP_OK);
    }
    const struct sql_call check = {.text = "SELECT count(*) FROM things WHERE id > 0"};
    struct sql_rows rows = {0};
    assert_int_equal(sql_read_one(w.db, w.arena, &check, &rows), IDP_OK);
    assert_true(sql_cell_int(&rows, 0, 0) <= (int64_t)n + WRITERS);
}

static void *write_some(void *arg)
{
    int64_t first = *(const int64_t *)arg;
    for (int64_t id = first; id < first + EACH; id++)
        if (insert(w.db, id, "x") != IDP_OK)
            _exit(1);
    return NULL;
}

static void write_beside_another(int64_t first)
{
    pthread_t threads[4];
    int64_t firsts[4];
    if (sql_open(w.where, NULL, &w.db) != IDP_OK)
        _exit(2);
    for (int i = 0; i < 4; i++) {
        firsts[i] = first + (int64_t)i * EACH;
        if (pthread_create(&threads[i], NULL, write_some, &firsts[i]) != 0)
            _exit(3);
    }
    for (int i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    sql_close(w.db);
    _exit(0);
}

static void two_processes_may_write_at_once(void **state)
{
    (void)state;
    pid_t children[2];
    make_database();
    sql_close(w.db);
    w.db = NULL;
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0)
            write_beside_another(i == 0 ? 100000 : 200000);
    }
    assert_int_equal(wait_for(children[0]), 0);
    assert_int_equal(wait_for(children[1]), 0);
    open_database();
    assert_int_equal(number("SELECT count(*) FROM things"), 2 * 4 * EACH);
}

static void two_processes_may_make_the_database_at_once(void **state)
{
    (void)state;
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(sql_open(w.where, NULL, &w.db) == IDP_OK ? 0 : 1);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(wait_for(children[i]), 0);
}

/* --- another's lock ------------------------------------------------------------------------ */

static sqlite3 *take_lock(void)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(w.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void *release_later(void *db)
{
    nap(300);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return NULL;
}

static void anothers_lock_is_waited_for(void **state)
{
    (void)state;
    pthread_t thread;
    make_database();
    sqlite3 *db = take_lock();
    assert_int_equal(pthread_create(&thread, NULL, release_later, db), 0);
    int64_t began = clock_ticks_ms();
    assert_int_equal(insert(w.db, 1, "x"), IDP_OK);
    assert_in_range(clock_ticks_ms() - began, 200, 4000);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_lock_that_stays_costs_one_wait_and_then_none(void **state)
{
    (void)state;
    make_database();
    sqlite3 *db = take_lock();
    int64_t began = clock_ticks_ms();
    assert_int_equal(insert(w.db, 1, "x"), IDP_UNAVAILABLE);
    int64_t missed = clock_ticks_ms();
    assert_in_range(missed - began, 4900, 8000);
    assert_int_equal(insert(w.db, 1, "x"), IDP_UNAVAILABLE);
    assert_true(clock_ticks_ms() - missed < 500);
    assert_int_equal(number("SELECT count(*) FROM things"), 0); /* reads need no lock */
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    nap(1100);
    assert_int_equal(insert(w.db, 1, "x"), IDP_OK); /* the probe */
    assert_int_equal(insert(w.db, 2, "x"), IDP_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(only_its_user_may_read_the_database),
        TEST(what_cannot_be_opened_says_why),
        TEST(a_file_that_is_no_database_is_refused),
        TEST(places_that_name_no_file_are_refused),
        TEST(in_a_folder_that_may_not_be_written_nothing_opens),
        TEST(what_was_written_is_there_after_closing),
        TEST(another_text_at_the_same_address_is_another_statement),
        TEST(more_statements_than_are_remembered_all_work),
        TEST(statements_follow_a_changed_table),
        TEST(more_readers_than_connections_take_turns),
        TEST(on_a_full_disk_writes_are_refused_and_reads_go_on),
        TEST(a_group_that_cannot_be_committed_is_refused_whole),
        TEST(kill_9_loses_nothing_that_was_acknowledged),
        TEST(two_processes_may_write_at_once),
        TEST(two_processes_may_make_the_database_at_once),
        TEST(anothers_lock_is_waited_for),
        TEST(a_lock_that_stays_costs_one_wait_and_then_none),
    };
    return cmocka_run_group_tests_name("store/sqlite", tests, NULL, NULL);
}
