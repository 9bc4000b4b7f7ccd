/*
 * getaddrinfo() has no deadline of its own, so it runs in a thread that may be left behind: the
 * question belongs to both, and whoever leaves last frees it.
 */
#include "net/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

enum { THREADS_MAX = 16 };

struct question {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned people;
    bool done;
    enum idp_err err;
    struct net_addresses addresses;
    char host[];
};

static atomic_uint threads;

static void take_list(const struct addrinfo *list, struct net_addresses *out)
{
    out->count = 0;
    for (; list != NULL && out->count < NET_ADDRESSES_MAX; list = list->ai_next) {
        if (list->ai_addrlen > sizeof(out->list[0]))
            continue;
        memset(&out->list[out->count], 0, sizeof(out->list[0]));
        memcpy(&out->list[out->count++], list->ai_addr, list->ai_addrlen);
    }
}

static enum idp_err look_up(const char *host, int flags, struct net_addresses *out)
{
    struct addrinfo *list = NULL;
    const struct addrinfo hints = {
        .ai_flags = flags, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return IDP_UNAVAILABLE;
    take_list(list, out);
    freeaddrinfo(list);
    return out->count > 0 ? IDP_OK : IDP_UNAVAILABLE;
}

static void leave(struct question *question)
{
    (void)pthread_mutex_lock(&question->lock);
    bool last = --question->people == 0;
    (void)pthread_mutex_unlock(&question->lock);
    if (!last)
        return;
    (void)pthread_cond_destroy(&question->changed);
    (void)pthread_mutex_destroy(&question->lock);
    free(question);
}

static void *work(void *argument)
{
    struct question *question = argument;
    struct net_addresses addresses = {.count = 0};
    enum idp_err err = look_up(question->host, AI_ADDRCONFIG, &addresses);
    (void)pthread_mutex_lock(&question->lock);
    question->addresses = addresses;
    question->err = err;
    question->done = true;
    (void)pthread_cond_signal(&question->changed);
    (void)pthread_mutex_unlock(&question->lock);
    leave(question);
    (void)atomic_fetch_sub(&threads, 1);
    return NULL;
}

static struct question *question_new(const char *host)
{
    pthread_condattr_t attributes;
    size_t len = strlen(host);
    struct question *question = calloc(1, sizeof(*question) + len + 1);
    if (question == NULL)
        return NULL;
    memcpy(question->host, host, len);
    question->people = 2;
    if (pthread_condattr_init(&attributes) != 0 ||
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 ||
        pthread_cond_init(&question->changed, &attributes) != 0 ||
        pthread_mutex_init(&question->lock, NULL) != 0) {
        free(question);
        return NULL;
    }
    (void)pthread_condattr_destroy(&attributes);
    return question;
}

/* Starts the thread. Returns false when there are too many, or there can be no more. */
static bool start(struct question *question)
{
    pthread_t id;
    sigset_t all;
    sigset_t before;
    if (atomic_fetch_add(&threads, 1) >= THREADS_MAX) {
        (void)atomic_fetch_sub(&threads, 1);
        return false;
    }
    (void)sigfillset(&all); /* signals are the main thread's business */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&id, NULL, work, question) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        (void)pthread_detach(id);
    else
        (void)atomic_fetch_sub(&threads, 1);
    return started;
}

static enum idp_err wait_for(struct question *question, unsigned deadline_ms,
                             struct net_addresses *out)
{
    int64_t end = clock_ticks_ms() + deadline_ms;
    const struct timespec until = {.tv_sec = (time_t)(end / 1000),
                                   .tv_nsec = (long)(end % 1000) * 1000000};
    int waited = 0;
    (void)pthread_mutex_lock(&question->lock);
    while (!question->done && waited == 0)
        waited = pthread_cond_timedwait(&question->changed, &question->lock, &until);
    enum idp_err err = question->done ? question->err : IDP_UNAVAILABLE;
    if (err == IDP_OK)
        *out = question->addresses;
    (void)pthread_mutex_unlock(&question->lock);
    return err;
}

static enum idp_err resolve(void *context, const char *host, unsigned deadline_ms,
                            struct net_addresses *out)
{
    (void)context;
    if (look_up(host, AI_NUMERICHOST, out) == IDP_OK)
        return IDP_OK;
    struct question *question = question_new(host);
    if (question == NULL)
        return IDP_FAULT;
    if (!start(question)) {
        question->people = 1;
        leave(question);
        return IDP_UNAVAILABLE;
    }
    enum idp_err err = wait_for(question, deadline_ms, out);
    leave(question);
    return err;
}

const struct net_resolver net_system_resolver = {.resolve = resolve};
