#include "http/lanes.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "base/lane.h"

struct worker {
    struct http_lanes *lanes;
    pthread_t thread;
    sem_t call;           /* it sleeps on it when it is idle: no call is lost */
    struct worker *below; /* in the stack of the idle */
    bool runs;            /* a job; guarded by the lock */
};

struct http_lanes {
    void (*run)(void *job);
    unsigned count_of_workers;
    struct worker *workers;
    pthread_mutex_t lock; /* guards what follows */
    bool closing;
    void **jobs; /* a ring of size places */
    size_t size, first, count;
    unsigned busy;       /* workers that run a job */
    size_t taken;        /* places that are filled or about to be */
    struct worker *idle; /* a stack: who went to sleep last still has its memory in the cache */
    bool waking;         /* an idle worker was called and has not come yet */
};

static struct worker *pop_idle(struct http_lanes *lanes)
{
    struct worker *worker = lanes->idle;
    if (worker != NULL)
        lanes->idle = worker->below;
    return worker;
}

/*
 * The idle worker to call, or NULL. While one is on its way no other is called: it calls the next
 * when it finds more than its own job. A burst of short jobs so wakes few threads, and long jobs
 * wake all.
 */
static struct worker *choose(struct http_lanes *lanes)
{
    if (lanes->waking || lanes->count == 0)
        return NULL;
    struct worker *worker = pop_idle(lanes);
    lanes->waking = worker != NULL;
    return worker;
}

/* Called after the lock is given back, so that who is woken does not run into it. */
static void call(struct worker *worker)
{
    if (worker != NULL)
        (void)sem_post(&worker->call);
}

static void sleep_until_called(struct worker *worker)
{
    struct http_lanes *lanes = worker->lanes;
    worker->below = lanes->idle;
    lanes->idle = worker;
    (void)pthread_mutex_unlock(&lanes->lock);
    while (sem_wait(&worker->call) != 0)
        ; /* a signal */
    (void)pthread_mutex_lock(&lanes->lock);
    lanes->waking = false;
}

/* Returns NULL when there is no job left and there will be none. */
static void *take(struct worker *worker)
{
    void *job = NULL;
    struct http_lanes *lanes = worker->lanes;
    (void)pthread_mutex_lock(&lanes->lock);
    if (worker->runs)
        lanes->busy--;
    while (lanes->count == 0 && !(lanes->closing && lanes->taken == 0))
        sleep_until_called(worker);
    if (lanes->count > 0) {
        job = lanes->jobs[lanes->first];
        lanes->first = (lanes->first + 1) % lanes->size;
        lanes->count--;
        lanes->taken--;
    }
    worker->runs = job != NULL;
    if (worker->runs)
        lanes->busy++;
    /* At the end each calls the next, so that all come to see it. */
    struct worker *next = lanes->closing ? pop_idle(lanes) : choose(lanes);
    (void)pthread_mutex_unlock(&lanes->lock);
    call(next);
    return job;
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    void *job = NULL;
    lane_set_may_wait(true);
    while ((job = take(worker)) != NULL)
        worker->lanes->run(job);
    return NULL;
}

static bool start_worker(struct http_lanes *lanes, struct worker *worker)
{
    worker->lanes = lanes;
    (void)sem_init(&worker->call, 0, 0);
    if (pthread_create(&worker->thread, NULL, work, worker) == 0)
        return true;
    (void)sem_destroy(&worker->call);
    return false;
}

static bool start_workers(struct http_lanes *lanes, unsigned workers)
{
    for (; lanes->count_of_workers < workers; lanes->count_of_workers++)
        if (!start_worker(lanes, &lanes->workers[lanes->count_of_workers]))
            return false;
    return true;
}

enum idp_err http_lanes_start(unsigned workers, size_t queue, void (*run)(void *job),
                              struct http_lanes **out)
{
    struct http_lanes *lanes = calloc(1, sizeof(*lanes));
    if (lanes == NULL)
        return IDP_FAULT;
    lanes->run = run;
    lanes->size = queue;
    (void)pthread_mutex_init(&lanes->lock, NULL);
    lanes->jobs = calloc(queue, sizeof(*lanes->jobs));
    lanes->workers = calloc(workers, sizeof(*lanes->workers));
    if (lanes->jobs == NULL || lanes->workers == NULL || !start_workers(lanes, workers)) {
        http_lanes_close(lanes);
        http_lanes_free(lanes);
        return IDP_FAULT;
    }
    *out = lanes;
    return IDP_OK;
}

bool http_lanes_reserve(struct http_lanes *lanes)
{
    (void)pthread_mutex_lock(&lanes->lock);
    bool free_place = !lanes->closing && lanes->taken < lanes->size;
    if (free_place)
        lanes->taken++;
    (void)pthread_mutex_unlock(&lanes->lock);
    return free_place;
}

void http_lanes_push(struct http_lanes *lanes, void *job)
{
    (void)pthread_mutex_lock(&lanes->lock);
    lanes->jobs[(lanes->first + lanes->count) % lanes->size] = job;
    lanes->count++;
    struct worker *wanted = choose(lanes);
    (void)pthread_mutex_unlock(&lanes->lock);
    call(wanted);
}

void http_lanes_read(struct http_lanes *lanes, struct http_lanes_figures *out)
{
    (void)pthread_mutex_lock(&lanes->lock);
    *out = (struct http_lanes_figures){.queued = lanes->count, .busy = lanes->busy};
    (void)pthread_mutex_unlock(&lanes->lock);
}

void http_lanes_close(struct http_lanes *lanes)
{
    if (lanes == NULL)
        return;
    (void)pthread_mutex_lock(&lanes->lock);
    lanes->closing = true;
    struct worker *first = pop_idle(lanes);
    (void)pthread_mutex_unlock(&lanes->lock);
    call(first);
    for (unsigned i = 0; i < lanes->count_of_workers; i++) {
        (void)pthread_join(lanes->workers[i].thread, NULL);
        (void)sem_destroy(&lanes->workers[i].call);
    }
    lanes->count_of_workers = 0;
}

void http_lanes_free(struct http_lanes *lanes)
{
    if (lanes == NULL)
        return;
    (void)pthread_mutex_destroy(&lanes->lock);
    free(lanes->workers);
    free(lanes->jobs);
    free(lanes);
}
