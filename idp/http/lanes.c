#include "http/lanes.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "base/lane.h"

struct http_lanes {
    void (*run)(void *job);
    unsigned workers;
    pthread_t *threads;
    sem_t calls;          /* idle workers sleep on it: it loses no call */
    pthread_mutex_t lock; /* guards what follows */
    bool closing;
    void **jobs; /* a ring of size places */
    size_t size, first, count;
    size_t taken; /* places that are filled or about to be */
    unsigned idle;
    bool waking; /* an idle worker was called and has not come yet */
};

/*
 * Says whether to call one idle worker. While one is on its way no other is called: it calls the
 * next when it finds more than its own job. A burst of short jobs so wakes few threads, and long
 * jobs wake all.
 */
static bool must_call(struct http_lanes *lanes)
{
    if (lanes->waking || lanes->idle == 0 || lanes->count == 0)
        return false;
    lanes->waking = true;
    return true;
}

/* Called after the lock is given back, so that who is woken does not run into it. */
static void call_worker(struct http_lanes *lanes, bool wanted)
{
    if (wanted)
        (void)sem_post(&lanes->calls);
}

static void sleep_until_called(struct http_lanes *lanes)
{
    lanes->idle++;
    (void)pthread_mutex_unlock(&lanes->lock);
    (void)sem_wait(&lanes->calls);
    (void)pthread_mutex_lock(&lanes->lock);
    lanes->idle--;
    lanes->waking = false;
}

/* Returns NULL when there is no job left and there will be none. */
static void *take(struct http_lanes *lanes)
{
    void *job = NULL;
    (void)pthread_mutex_lock(&lanes->lock);
    while (lanes->count == 0 && !(lanes->closing && lanes->taken == 0))
        sleep_until_called(lanes);
    if (lanes->count > 0) {
        job = lanes->jobs[lanes->first];
        lanes->first = (lanes->first + 1) % lanes->size;
        lanes->count--;
        lanes->taken--;
    }
    /* At the end each calls the next, so that all come to see it. */
    bool wanted = must_call(lanes) || lanes->closing;
    (void)pthread_mutex_unlock(&lanes->lock);
    call_worker(lanes, wanted);
    return job;
}

static void *work(void *arg)
{
    struct http_lanes *lanes = arg;
    void *job = NULL;
    lane_set_may_wait(true);
    while ((job = take(lanes)) != NULL)
        lanes->run(job);
    return NULL;
}

static bool start_threads(struct http_lanes *lanes, unsigned workers)
{
    for (; lanes->workers < workers; lanes->workers++)
        if (pthread_create(&lanes->threads[lanes->workers], NULL, work, lanes) != 0)
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
    (void)sem_init(&lanes->calls, 0, 0);
    lanes->jobs = calloc(queue, sizeof(*lanes->jobs));
    lanes->threads = calloc(workers, sizeof(*lanes->threads));
    if (lanes->jobs == NULL || lanes->threads == NULL || !start_threads(lanes, workers)) {
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
    bool wanted = must_call(lanes);
    (void)pthread_mutex_unlock(&lanes->lock);
    call_worker(lanes, wanted);
}

void http_lanes_close(struct http_lanes *lanes)
{
    if (lanes == NULL)
        return;
    (void)pthread_mutex_lock(&lanes->lock);
    lanes->closing = true;
    (void)pthread_mutex_unlock(&lanes->lock);
    call_worker(lanes, true);
    for (; lanes->workers > 0; lanes->workers--)
        (void)pthread_join(lanes->threads[lanes->workers - 1], NULL);
}

void http_lanes_free(struct http_lanes *lanes)
{
    if (lanes == NULL)
        return;
    (void)sem_destroy(&lanes->calls);
    (void)pthread_mutex_destroy(&lanes->lock);
    free(lanes->threads);
    free(lanes->jobs);
    free(lanes);
}
