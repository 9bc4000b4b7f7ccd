/* Three processes on one database, as three nodes have it: what they cache, and who holds a job. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/generation.h"
#include "store/lease.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/database.h"

enum { NODES = 3, CHANGES = 5, ROUNDS = 20, WAIT_MS = 20000, TOO_LONG_S = 100 };

/* What the nodes can all see, beside the database. */
static struct shared {
    pthread_barrier_t barrier;
    _Atomic int64_t cached[NODES]; /* of the record */
    atomic_int held[ROUNDS];
    atomic_int surprises;
} * shared;

static char *folder;
static char where[DATABASE_WHERE_MAX];

static int set_up(void **state)
{
    struct sql *db = NULL;
    pthread_barrierattr_t between;
    static const struct sql_call make = {
        .text = "CREATE TABLE records (id BIGINT PRIMARY KEY, value BIGINT NOT NULL)"};
    static const struct sql_call fill = {.text = "INSERT INTO records (id, value) VALUES (1, 0)"};
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    folder = help_temp_folder();
    database_make(database_kind(), folder, where);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    (void)pthread_barrierattr_init(&between);
    (void)pthread_barrierattr_setpshared(&between, PTHREAD_PROCESS_SHARED);
    if (shared == MAP_FAILED || pthread_barrier_init(&shared->barrier, &between, NODES) != 0)
        return 1;
    bool made = sql_open(where, NULL, &db) == IDP_OK && migrate_run(db) == IDP_OK &&
                sql_execute(db, &make, NULL) == IDP_OK && sql_execute(db, &fill, NULL) == IDP_OK;
    sql_close(db);
    return !made;
}

static int tear_down(void **state)
{
    (void)state;
    (void)munmap(shared, sizeof(*shared));
    help_remove_folder(folder);
    free(folder);
    return 0;
}

/* --- a node ---------------------------------------------------------------------------------- */

struct node {
    int number;
    char name[24];
    struct sql *db;
    struct arena *arena;
    struct generation_watch *watch;
    int64_t value, generation; /* of its last change */
};

/* Runs a node's part in each of three processes. They must not share a connection, so none is open
 * yet; a process that hangs is ended. */
static void run_nodes(void (*part)(struct node *node))
{
    pid_t pids[NODES];
    for (int i = 0; i < NODES; i++) {
        struct node node = {.number = i};
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] > 0)
            continue;
        (void)alarm(TOO_LONG_S);
        (void)snprintf(node.name, sizeof(node.name), "node %d", i);
        node.arena = arena_new();
        if (sql_open(where, NULL, &node.db) != IDP_OK)
            _exit(1);
        part(&node);
        sql_close(node.db);
        _exit(0);
    }
    for (int i = 0; i < NODES; i++) {
        int status = 1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
}

static void meet(void)
{
    (void)pthread_barrier_wait(&shared->barrier);
}

static void expect(bool right)
{
    shared->surprises += !right;
}

/* --- caches ---------------------------------------------------------------------------------- */

static enum idp_err reload(void *with, int64_t generation)
{
    static const struct sql_call call = {.text = "SELECT value FROM records WHERE id = 1"};
    struct node *node = with;
    struct sql_rows rows = {0};
    (void)generation;
    struct arena *arena = arena_new();
    enum idp_err err = sql_read_one(node->db, arena, &call, &rows);
    if (err == IDP_OK)
        shared->cached[node->number] = sql_cell_int(&rows, 0, 0);
    arena_free(arena);
    return err;
}

static enum idp_err change(struct sql_tx *tx, void *with)
{
    static const struct sql_call call = {
        .text = "UPDATE records SET value = value + 1 WHERE id = 1 RETURNING value"};
    struct node *node = with;
    struct sql_rows rows = {0};
    enum idp_err err = sql_run(tx, node->arena, &call, &rows, NULL);
    if (err != IDP_OK)
        return err;
    node->value = sql_cell_int(&rows, 0, 0);
    return generation_bump(tx, &node->generation);
}

static void change_often(struct node *node)
{
    const struct generation_listener listener = {.changed = reload, .with = node};
    expect(generation_watch_start(node->db, node->name, &listener, &node->watch) == IDP_OK);
    meet();
    for (int i = 0; i < CHANGES; i++) {
        expect(sql_transact(node->db, change, node) == IDP_OK);
        expect(generation_wait(node->db, node->watch, node->generation, WAIT_MS) == IDP_OK);
        for (int other = 0; other < NODES; other++)
            expect(shared->cached[other] >= node->value);
    }
    meet(); /* nobody may leave while he is waited for */
    generation_watch_stop(node->watch);
}

static void who_waited_for_his_change_knows_that_all_nodes_have_it(void **state)
{
    (void)state;
    run_nodes(change_often);
    assert_int_equal(shared->surprises, 0);
    for (int i = 0; i < NODES; i++)
        assert_int_equal(shared->cached[i], NODES * CHANGES);
}

/* --- jobs ------------------------------------------------------------------------------------ */

static void take_and_release(struct node *node)
{
    static const char *const jobs[] = {"the job"};
    struct leases *leases = leases_new(node->db, node->name, jobs, 1);
    for (int i = 0; leases != NULL && i < ROUNDS; i++) {
        meet();
        expect(leases_tend(leases, 0) == IDP_OK);
        shared->held[i] += lease_held(leases, 0, 0);
        meet();
        expect(leases_release(leases) == IDP_OK);
    }
    leases_free(leases);
}

static void of_all_who_take_a_job_at_once_one_holds_it(void **state)
{
    (void)state;
    run_nodes(take_and_release);
    assert_int_equal(shared->surprises, 0);
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(shared->held[i], 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(who_waited_for_his_change_knows_that_all_nodes_have_it),
        TEST(of_all_who_take_a_job_at_once_one_holds_it),
    };
    return cmocka_run_group_tests_name("store/nodes", tests, NULL, NULL);
}
