#include "http/deadline.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

struct http_deadlines {
    pthread_t thread;
    unsigned tick_ms;
    _Atomic uint64_t cut;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool stopping;
    struct http_deadline head; /* of a ring */
};

/* libmicrohttpd closes the socket after it was removed from the ring: it cannot be another's. */
static void cut_before(struct http_deadlines *deadlines, int64_t time_ms)
{
    struct http_deadline *d = deadlines->head.next;
    for (; d != &deadlines->head; d = d->next) {
        if (atomic_load_explicit(&d->until_ms, memory_order_relaxed) >= time_ms)
            continue;
        atomic_store_explicit(&d->until_ms, INT64_MAX, memory_order_relaxed);
        atomic_fetch_add(&deadlines->cut, 1);
        (void)shutdown(d->socket, SHUT_RDWR);
    }
}

static struct timespec after(unsigned ms)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + (int64_t)ms * 1000000;
    t.tv_sec += (time_t)(ns / 1000000000);
    t.tv_nsec = (long)(ns % 1000000000);
    return t;
}

static void *watch(void *arg)
{
    struct http_deadlines *deadlines = arg;
    (void)pthread_mutex_lock(&deadlines->lock);
    while (!deadlines->stopping) {
        struct timespec next = after(deadlines->tick_ms);
        (void)pthread_cond_timedwait(&deadlines->changed, &deadlines->lock, &next);
        cut_before(deadlines, clock_ticks_ms());
    }
    (void)pthread_mutex_unlock(&deadlines->lock);
    return NULL;
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static void destroy(struct http_deadlines *deadlines)
{
    (void)pthread_cond_destroy(&deadlines->changed);
    (void)pthread_mutex_destroy(&deadlines->lock);
    free(deadlines);
}

enum idp_err http_deadlines_start(unsigned tick_ms, struct http_deadlines **out)
{
    struct http_deadlines *deadlines = calloc(1, sizeof(*deadlines));
    if (deadlines == NULL)
        return IDP_FAULT;
    deadlines->tick_ms = tick_ms;
    deadlines->head.previous = deadlines->head.next = &deadlines->head;
    (void)pthread_mutex_init(&deadlines->lock, NULL);
    init_condition(&deadlines->changed);
    if (pthread_create(&deadlines->thread, NULL, watch, deadlines) != 0) {
        destroy(deadlines);
        return IDP_FAULT;
    }
    *out = deadlines;
    return IDP_OK;
}

void http_deadlines_add(struct http_deadlines *deadlines, struct http_deadline *deadline)
{
    (void)pthread_mutex_lock(&deadlines->lock);
    deadline->previous = &deadlines->head;
    deadline->next = deadlines->head.next;
    deadline->next->previous = deadline;
    deadlines->head.next = deadline;
    (void)pthread_mutex_unlock(&deadlines->lock);
}

void http_deadlines_remove(struct http_deadlines *deadlines, struct http_deadline *deadline)
{
    (void)pthread_mutex_lock(&deadlines->lock);
    deadline->previous->next = deadline->next;
    deadline->next->previous = deadline->previous;
    (void)pthread_mutex_unlock(&deadlines->lock);
}

void http_deadlines_cut_all(struct http_deadlines *deadlines)
{
    (void)pthread_mutex_lock(&deadlines->lock);
    for (struct http_deadline *d = deadlines->head.next; d != &deadlines->head; d = d->next)
        (void)shutdown(d->socket, SHUT_RDWR);
    (void)pthread_mutex_unlock(&deadlines->lock);
}

uint64_t http_deadlines_count(const struct http_deadlines *deadlines)
{
    return atomic_load(&deadlines->cut);
}

void http_deadlines_stop(struct http_deadlines *deadlines)
{
    if (deadlines == NULL)
        return;
    (void)pthread_mutex_lock(&deadlines->lock);
    deadlines->stopping = true;
    (void)pthread_cond_signal(&deadlines->changed);
    (void)pthread_mutex_unlock(&deadlines->lock);
    (void)pthread_join(deadlines->thread, NULL);
    destroy(deadlines);
}
