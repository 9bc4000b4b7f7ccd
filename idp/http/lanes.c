#include "http/lanes.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/lane.h"

struct http_lanes {
    void (*run)(void *job);
    unsigned workers;
    pthread_t *threads;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool closing;
    void **jobs; /* a ring of size places */
    size_t size, first, count;
    size_t taken; /* places that are filled or about to be */
};

/* Waits for a job. Returns NULL when there is none left and there will be none. */
static void *take(struct http_lanes *lanes)
{
    void *job = NULL;
    (void)pthread_mutex_lock(&lanes->lock);
    while (lanes->count == 0 && !(lanes->closing && lanes->taken == 0))
        (void)pthread_cond_wait(&lanes->changed, &lanes->lock);
    if (lanes->count > 0) {
        job = lanes->jobs[lanes->first];
        lanes->first = (lanes->first + 1) % lanes->size;
        lanes->count--;
        lanes->taken--;
    }
    if (lanes->closing)
        (void)pthread_cond_broadcast(&lanes->changed);
    (void)pthread_mutex_unlock(&lanes->lock);
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
    (void)pthread_cond_init(&lanes->changed, NULL);
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
    (void)pthread_cond_signal(&lanes->changed);
    (void)pthread_mutex_unlock(&lanes->lock);
}

void http_lanes_close(struct http_lanes *lanes)
{
    if (lanes == NULL)
        return;
    (void)pthread_mutex_lock(&lanes->lock);
    lanes->closing = true;
    (void)pthread_cond_broadcast(&lanes->changed);
    (void)pthread_mutex_unlock(&lanes->lock);
    for (; lanes->workers > 0; lanes->workers--)
        (void)pthread_join(lanes->threads[lanes->workers - 1], NULL);
}

void http_lanes_free(struct http_lanes *lanes)
{
    if (lanes == NULL)
        return;
    (void)pthread_cond_destroy(&lanes->changed);
    (void)pthread_mutex_destroy(&lanes->lock);
    free(lanes->threads);
    free(lanes->jobs);
    free(lanes);
}
