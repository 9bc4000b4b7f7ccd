#include "stop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "app.h"
#include "base/log.h"
#include "http/server.h"
#include "listeners.h"

/* What handlers, jobs and stores may take after the requests' time is over. */
enum { CLOSING_MS = 15000 };

struct stop {
    pthread_t thread;
    sigset_t signals;
    int64_t wait_ms;
    atomic_bool over;
    pthread_mutex_t lock;
    struct http_server *server; /* that may be hurried, under the lock; NULL: it is gone */
};

/* Returns the signal that came within that time, or 0. */
static int wait_for_signal(const sigset_t *signals, int64_t ms)
{
    const struct timespec limit = {.tv_sec = (time_t)(ms / 1000),
                                   .tv_nsec = (long)(ms % 1000 * 1000000)};
    int got = sigtimedwait(signals, NULL, &limit);
    while (got < 0 && errno == EINTR)
        got = sigtimedwait(signals, NULL, &limit);
    return got < 0 ? 0 : got;
}

static void hurry(struct stop *stop)
{
    log_event(LOG_WARN, "stopping_at_once", NULL, NULL);
    (void)pthread_mutex_lock(&stop->lock);
    if (stop->server != NULL)
        http_server_hurry(stop->server);
    (void)pthread_mutex_unlock(&stop->lock);
}

static void *guard(void *arg)
{
    struct stop *stop = arg;
    int64_t wait_ms = stop->wait_ms + CLOSING_MS;
    bool hurried = wait_for_signal(&stop->signals, wait_ms) != 0;
    if (hurried && !atomic_load(&stop->over)) {
        hurry(stop);
        (void)wait_for_signal(&stop->signals, CLOSING_MS);
    }
    if (atomic_load(&stop->over))
        return NULL;
    log_event(LOG_ERROR, "stop_abandoned", NULL, NULL);
    _exit(EXIT_FAILURE);
}

static struct stop *start_guard(struct app *app, const sigset_t *signals, int64_t wait_ms)
{
    struct stop *stop = calloc(1, sizeof(*stop));
    if (stop == NULL)
        return NULL;
    stop->signals = *signals;
    stop->wait_ms = wait_ms;
    stop->server = app->server;
    (void)pthread_mutex_init(&stop->lock, NULL);
    if (pthread_create(&stop->thread, NULL, guard, stop) == 0)
        return stop;
    (void)pthread_mutex_destroy(&stop->lock);
    free(stop);
    return NULL;
}

static void forget_server(struct stop *stop)
{
    if (stop == NULL)
        return;
    (void)pthread_mutex_lock(&stop->lock);
    stop->server = NULL;
    (void)pthread_mutex_unlock(&stop->lock);
}

void stop_begin(struct app *app, const sigset_t *signals, struct stop **out)
{
    sigset_t heard = *signals;
    (void)sigdelset(&heard, SIGHUP); /* asks for nothing any more */
    int64_t wait_ms = app->config.stop_ms;
    atomic_store(&app->draining, true);
    http_server_drain(app->server);
    if (app->config.drain_ms > 0 && wait_for_signal(&heard, app->config.drain_ms) != 0) {
        log_event(LOG_WARN, "stopping_at_once", NULL, NULL);
        wait_ms = 0;
    }
    *out = start_guard(app, &heard, wait_ms);
    http_server_cease(app->server, (unsigned)wait_ms);
    forget_server(*out);
    listeners_close(app);
}

void stop_end(struct stop *stop)
{
    if (stop == NULL)
        return;
    atomic_store(&stop->over, true);
    (void)pthread_kill(stop->thread, SIGINT); /* blocked there, and waited for */
    (void)pthread_join(stop->thread, NULL);
    (void)pthread_mutex_destroy(&stop->lock);
    free(stop);
}
