#include "store/sqlite_writer.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/circuit.h"
#include "base/clock.h"
#include "store/sqlite_connection.h"

enum {
    GROUP_MAX = 256,  /* bodies in one commit: bounds what the first of them waits */
    QUEUE_MS = 10000, /* longest wait to be taken into a group */
    PROBE_PAUSE_MS = 1000,
};

/* One call of sqlite_writer_transact(); lies on its caller's stack. */
struct job {
    enum idp_err (*body)(struct sql_tx *tx, void *with);
    void *with;
    enum idp_err result;
    struct job *next; /* in the queue, later in the group */
    bool leads;       /* set before it is woken: it has to lead the next group */
    /* Woken once. A condition variable would need a lock of its own, which whoever wakes still
     * holds when the woken wants it: half a context switch more for each transaction. */
    sem_t woken;
};

struct sqlite_writer {
    const struct sql_driver *driver;
    struct sqlite_connection *connection; /* the leader's */
    struct circuit circuit;
    pthread_mutex_t lock; /* guards what follows */
    bool led;
    struct job *queue, **queue_end;
};

/* The transaction of one body. */
struct tx {
    struct sql_tx tx;
    struct sqlite_connection *connection;
    enum idp_err err; /* the first error, which it then keeps */
};

/* The bodies of one commit. */
struct group {
    struct job *jobs; /* the leader's own is the last */
    size_t count;
    size_t kept; /* how many have something to commit */
};

/* Whether this thread runs a body: a second transaction inside would wait for itself. */
static _Thread_local bool inside_body;

struct sqlite_writer *sqlite_writer_new(const struct sql_driver *driver,
                                        struct sqlite_connection *connection)
{
    struct sqlite_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL || pthread_mutex_init(&writer->lock, NULL) != 0) {
        sqlite_connection_close(connection);
        free(writer);
        return NULL;
    }
    writer->driver = driver;
    writer->connection = connection;
    writer->queue_end = &writer->queue;
    circuit_init(&writer->circuit, "sqlite", PROBE_PAUSE_MS);
    return writer;
}

const struct circuit *sqlite_writer_circuit(const struct sqlite_writer *writer)
{
    return &writer->circuit;
}

void sqlite_writer_free(struct sqlite_writer *writer)
{
    if (writer == NULL)
        return;
    sqlite_connection_close(writer->connection);
    (void)pthread_mutex_destroy(&writer->lock);
    free(writer);
}

/* --- statements of a body ------------------------------------------------------------------ */

enum idp_err sqlite_tx_run(struct sql_tx *tx, struct arena *arena, const struct sql_call *call,
                           struct sql_rows *out, int64_t *changed)
{
    struct tx *own = (struct tx *)tx;
    if (own->err == IDP_OK)
        own->err = sqlite_connection_run(own->connection, arena, call, out, changed);
    return own->err;
}

enum idp_err sqlite_tx_script(struct sql_tx *tx, const char *script)
{
    struct tx *own = (struct tx *)tx;
    if (own->err == IDP_OK)
        own->err = sqlite_connection_script(own->connection, script);
    return own->err;
}

/* --- the queue; the writer's lock is held -------------------------------------------------- */

static void enqueue(struct sqlite_writer *writer, struct job *job)
{
    job->next = NULL;
    *writer->queue_end = job;
    writer->queue_end = &job->next;
}

static struct job *dequeue(struct sqlite_writer *writer)
{
    struct job *job = writer->queue;
    if (job == NULL)
        return NULL;
    writer->queue = job->next;
    if (writer->queue == NULL)
        writer->queue_end = &writer->queue;
    return job;
}

/* Takes a job out that nobody has begun; false when it is not there any more. */
static bool leave_queue(struct sqlite_writer *writer, const struct job *job)
{
    struct job **at = &writer->queue;
    while (*at != NULL && *at != job)
        at = &(*at)->next;
    if (*at == NULL)
        return false;
    *at = job->next;
    if (*at == NULL)
        writer->queue_end = at;
    return true;
}

/* --- one group; this thread leads ---------------------------------------------------------- */

/* Rolls back all; what SQLite has rolled back by itself needs nothing. */
static void roll_back(struct sqlite_connection *connection)
{
    if (sqlite_connection_in_transaction(connection))
        (void)sqlite_connection_step(connection, STEP_ROLLBACK);
}

static enum idp_err begin(struct sqlite_writer *writer)
{
    enum idp_err err = sqlite_connection_step(writer->connection, STEP_BEGIN);
    if (err == IDP_OK)
        circuit_answered(&writer->circuit);
    else if (sqlite_connection_was_busy(writer->connection))
        circuit_missed(&writer->circuit, clock_ticks_ms());
    return err;
}

static enum idp_err call_body(struct sqlite_writer *writer, const struct job *job)
{
    struct tx tx = {.tx = {.driver = writer->driver}, .connection = writer->connection};
    inside_body = true;
    enum idp_err err = job->body(&tx.tx, job->with);
    inside_body = false;
    return tx.err != IDP_OK ? tx.err : err;
}

/* Ends the part of one body: keeps it or undoes it. Returns an error when the group is lost. */
static enum idp_err end_part(struct sqlite_connection *connection, bool saved, bool keep)
{
    enum idp_err err = IDP_OK;
    if (!sqlite_connection_in_transaction(connection))
        return IDP_UNAVAILABLE; /* SQLite has rolled back by itself: disk full, I/O error */
    if (!saved)
        return keep ? IDP_OK : sqlite_connection_step(connection, STEP_ROLLBACK);
    if (!keep)
        err = sqlite_connection_step(connection, STEP_UNDO);
    return err == IDP_OK ? sqlite_connection_step(connection, STEP_RELEASE) : err;
}

/*
 * Runs a body as part of the group. The first needs no savepoint: failing, it takes the
 * transaction with it, and nobody else's work is in it. Returns an error when the group is lost.
 */
static enum idp_err run_part(struct sqlite_writer *writer, struct group *group, struct job *job)
{
    struct sqlite_connection *connection = writer->connection;
    bool saved = group->kept > 0;
    enum idp_err err = saved ? sqlite_connection_step(connection, STEP_SAVE) : begin(writer);
    if (err != IDP_OK)
        return err;
    job->result = call_body(writer, job);
    group->kept += job->result == IDP_OK;
    return end_part(connection, saved, job->result == IDP_OK);
}

/* The next body for the group, or NULL when nobody waits or it is big enough. */
static struct job *next_part(struct sqlite_writer *writer, const struct group *group)
{
    if (group->count == GROUP_MAX)
        return NULL;
    (void)pthread_mutex_lock(&writer->lock);
    struct job *job = dequeue(writer);
    (void)pthread_mutex_unlock(&writer->lock);
    return job;
}

/* Runs a group and commits it. When that fails none of it has happened, and each of its callers
 * hears so: a body that failed may have done so for what another had written. */
static struct group run_group(struct sqlite_writer *writer, struct job *first)
{
    enum idp_err err = IDP_OK;
    struct group group = {.jobs = NULL};
    for (struct job *job = first; job != NULL; job = next_part(writer, &group)) {
        job->next = group.jobs;
        group.jobs = job;
        group.count++;
        if (err == IDP_OK)
            err = run_part(writer, &group, job);
    }
    if (err == IDP_OK && group.kept > 0)
        err = sqlite_connection_step(writer->connection, STEP_COMMIT);
    if (err == IDP_OK)
        return group;
    roll_back(writer->connection);
    for (struct job *job = group.jobs; job != NULL; job = job->next)
        job->result = IDP_UNAVAILABLE;
    return group;
}

/* Leads one group, and then lets the first who waits lead the next. */
static enum idp_err lead(struct sqlite_writer *writer, struct job *own)
{
    struct group group = run_group(writer, own);
    (void)pthread_mutex_lock(&writer->lock);
    struct job *heir = dequeue(writer);
    writer->led = heir != NULL;
    (void)pthread_mutex_unlock(&writer->lock);
    if (heir != NULL) {
        heir->leads = true;
        (void)sem_post(&heir->woken);
    }
    for (struct job *job = group.jobs, *next; job != own; job = next) {
        next = job->next;
        (void)sem_post(&job->woken); /* from here on the job may be gone */
    }
    return own->result;
}

/* --- one caller ---------------------------------------------------------------------------- */

/* Waits to be woken; false when that takes longer than until_ms, of clock_ticks_ms(). */
static bool wait_until(struct job *job, int64_t until_ms)
{
    for (int64_t left = 0; (left = until_ms - clock_ticks_ms()) > 0;) {
        struct timespec until = {0};
        (void)clock_gettime(CLOCK_REALTIME, &until); /* the one that sem_timedwait() goes by */
        until.tv_sec += left / 1000 + 1;
        if (sem_timedwait(&job->woken, &until) == 0)
            return true;
    }
    return false;
}

static void wait_in_queue(struct sqlite_writer *writer, struct job *job)
{
    if (wait_until(job, clock_ticks_ms() + QUEUE_MS))
        return;
    (void)pthread_mutex_lock(&writer->lock);
    bool left = leave_queue(writer, job);
    (void)pthread_mutex_unlock(&writer->lock);
    if (left) {
        circuit_missed(&writer->circuit, clock_ticks_ms());
        job->result = IDP_UNAVAILABLE;
        return;
    }
    while (sem_wait(&job->woken) != 0)
        ; /* its body may be running: there is no way back, whatever signals come */
}

/* Queues and waits. The writer's lock is held, and is given up. */
static enum idp_err wait_turn(struct sqlite_writer *writer, struct job *job)
{
    (void)sem_init(&job->woken, 0, 0);
    enqueue(writer, job);
    (void)pthread_mutex_unlock(&writer->lock);
    wait_in_queue(writer, job);
    (void)sem_destroy(&job->woken);
    return job->leads ? lead(writer, job) : job->result;
}

enum idp_err sqlite_writer_transact(struct sqlite_writer *writer,
                                    enum idp_err (*body)(struct sql_tx *tx, void *with), void *with)
{
    struct job job = {.body = body, .with = with, .result = IDP_FAULT};
    if (inside_body)
        return IDP_FAULT;
    if (!circuit_allows(&writer->circuit, clock_ticks_ms()))
        return IDP_UNAVAILABLE;
    (void)pthread_mutex_lock(&writer->lock);
    if (writer->led)
        return wait_turn(writer, &job);
    writer->led = true;
    (void)pthread_mutex_unlock(&writer->lock);
    return lead(writer, &job);
}
