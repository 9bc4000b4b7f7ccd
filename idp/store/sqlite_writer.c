#include "store/sqlite_writer.h"

#include <pthread.h>
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

enum place { IN_QUEUE, LEADS, DONE };

/* One call of sqlite_writer_transact(); lies on its caller's stack. */
struct job {
    enum idp_err (*body)(struct sql_tx *tx, void *with);
    void *with;
    enum idp_err result;
    struct job *next;     /* in the queue, later in the group */
    pthread_mutex_t lock; /* guards place; made only for jobs that wait */
    pthread_cond_t moved;
    enum place place;
};

struct sqlite_writer {
    const struct sql_driver *driver;
    struct sqlite_connection *connection; /* the leader's */
    struct circuit circuit;
    pthread_condattr_t monotonic;
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
    (void)pthread_condattr_init(&writer->monotonic);
    (void)pthread_condattr_setclock(&writer->monotonic, CLOCK_MONOTONIC);
    return writer;
}

void sqlite_writer_free(struct sqlite_writer *writer)
{
    if (writer == NULL)
        return;
    sqlite_connection_close(writer->connection);
    (void)pthread_condattr_destroy(&writer->monotonic);
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

static void move(struct job *job, enum place place)
{
    (void)pthread_mutex_lock(&job->lock);
    job->place = place;
    (void)pthread_cond_signal(&job->moved);
    (void)pthread_mutex_unlock(&job->lock); /* from here on the job may be gone */
}

/* Leads one group, and then lets the first who waits lead the next. */
static enum idp_err lead(struct sqlite_writer *writer, struct job *own)
{
    struct group group = run_group(writer, own);
    (void)pthread_mutex_lock(&writer->lock);
    struct job *heir = dequeue(writer);
    writer->led = heir != NULL;
    (void)pthread_mutex_unlock(&writer->lock);
    if (heir != NULL)
        move(heir, LEADS);
    for (struct job *job = group.jobs, *next; job != own; job = next) {
        next = job->next;
        move(job, DONE);
    }
    return own->result;
}

/* --- one caller ---------------------------------------------------------------------------- */

/* Waits until the job's place changes, or until the time is over (NULL: never). */
static enum place wait_until(struct job *job, const struct timespec *until)
{
    int timed_out = 0;
    (void)pthread_mutex_lock(&job->lock);
    while (job->place == IN_QUEUE && timed_out == 0) {
        if (until == NULL)
            (void)pthread_cond_wait(&job->moved, &job->lock);
        else
            timed_out = pthread_cond_timedwait(&job->moved, &job->lock, until);
    }
    enum place place = job->place;
    (void)pthread_mutex_unlock(&job->lock);
    return place;
}

static enum place wait_in_queue(struct sqlite_writer *writer, struct job *job)
{
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += QUEUE_MS / 1000;
    enum place place = wait_until(job, &until);
    if (place != IN_QUEUE)
        return place;
    (void)pthread_mutex_lock(&writer->lock);
    bool left = leave_queue(writer, job);
    (void)pthread_mutex_unlock(&writer->lock);
    if (!left)
        return wait_until(job, NULL); /* its body may be running: there is no way back */
    circuit_missed(&writer->circuit, clock_ticks_ms());
    job->result = IDP_UNAVAILABLE;
    return DONE;
}

/* The queue knows the job, and nobody else has seen it yet: the writer's lock is held. */
static enum idp_err wait_turn(struct sqlite_writer *writer, struct job *job)
{
    (void)pthread_mutex_init(&job->lock, NULL);
    (void)pthread_cond_init(&job->moved, &writer->monotonic);
    job->place = IN_QUEUE;
    enqueue(writer, job);
    (void)pthread_mutex_unlock(&writer->lock);
    enum place place = wait_in_queue(writer, job);
    (void)pthread_cond_destroy(&job->moved);
    (void)pthread_mutex_destroy(&job->lock);
    return place == LEADS ? lead(writer, job) : job->result;
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
