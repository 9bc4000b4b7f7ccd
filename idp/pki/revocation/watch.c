#include "pki/revocation/watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "pki/state.h"

/* An authority's lane, and the thread that takes its turns. */
struct watcher {
    struct watcher *next;
    struct watch *watch;
    struct watch_lane *lane;
    pthread_t thread;
};

struct watch {
    struct pki *pki;
    struct watch_hook hook;
    struct watcher *watchers; /* of the thread that names certificates */
    atomic_llong until_ms;    /* of clock_ticks_ms(): then this node stops watching */
    pthread_mutex_t lock;     /* guards what is below */
    pthread_cond_t wake;
    bool ending;
};

struct watch *watch_new(struct pki *pki, const struct watch_hook *hook)
{
    pthread_condattr_t monotonic;
    struct watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return NULL;
    watch->pki = pki;
    watch->hook = *hook;
    atomic_init(&watch->until_ms, 0);
    (void)pthread_mutex_init(&watch->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&watch->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return watch;
}

void watch_free(struct watch *watch)
{
    if (watch == NULL)
        return;
    (void)pthread_mutex_lock(&watch->lock);
    watch->ending = true;
    (void)pthread_cond_broadcast(&watch->wake);
    (void)pthread_mutex_unlock(&watch->lock);
    while (watch->watchers != NULL) {
        struct watcher *watcher = watch->watchers;
        watch->watchers = watcher->next;
        (void)pthread_join(watcher->thread, NULL);
        watch_lane_free(watcher->lane);
        free(watcher);
    }
    (void)pthread_cond_destroy(&watch->wake);
    (void)pthread_mutex_destroy(&watch->lock);
    free(watch);
}

/* --- turns ----------------------------------------------------------------------------------- */

/* Sleeps for a second; returns false when the thread has to end. */
static bool sleep_a_second(struct watch *watch)
{
    struct timespec until;
    int waited = 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    (void)pthread_mutex_lock(&watch->lock);
    while (!watch->ending && waited == 0)
        waited = pthread_cond_timedwait(&watch->wake, &watch->lock, &until);
    bool go_on = !watch->ending;
    (void)pthread_mutex_unlock(&watch->lock);
    return go_on;
}

static bool is_current(struct watch *watch)
{
    return clock_ticks_ms() < atomic_load(&watch->until_ms);
}

static void *take_turns(void *with)
{
    const struct watcher *watcher = with;
    while (sleep_a_second(watcher->watch))
        if (is_current(watcher->watch))
            watch_lane_turn(watcher->lane, clock_now());
    return NULL;
}

/* --- naming certificates --------------------------------------------------------------------- */

static struct watcher *begin_watcher(struct watch *watch, const char *authority)
{
    struct watcher *watcher = calloc(1, sizeof(*watcher));
    if (watcher == NULL)
        return NULL;
    watcher->watch = watch;
    watcher->lane = watch_lane_new(watch->pki, &watch->hook, authority);
    if (watcher->lane == NULL || pthread_create(&watcher->thread, NULL, take_turns, watcher) != 0) {
        watch_lane_free(watcher->lane);
        free(watcher);
        return NULL;
    }
    watcher->next = watch->watchers;
    watch->watchers = watcher;
    return watcher;
}

static struct watcher *find_watcher(struct watch *watch, const char *authority)
{
    struct watcher *watcher = watch->watchers;
    while (watcher != NULL && strcmp(watch_lane_authority(watcher->lane), authority) != 0)
        watcher = watcher->next;
    return watcher != NULL ? watcher : begin_watcher(watch, authority);
}

bool watch_begin(struct watch *watch, bool whole)
{
    bool anew = !is_current(watch);
    bool all = whole || anew;
    atomic_store(&watch->until_ms, clock_ticks_ms() + WATCH_STALE_MS);
    for (struct watcher *w = watch->watchers; all && w != NULL; w = w->next)
        watch_lane_begin(w->lane, anew);
    return all;
}

enum idp_err watch_add(struct watch *watch, const struct seen_certificate *certificate,
                       bool signed_in, int64_t now)
{
    struct watcher *watcher = find_watcher(watch, certificate->authority);
    return watcher != NULL ? watch_lane_add(watcher->lane, certificate, signed_in, now) : IDP_FAULT;
}

void watch_end(struct watch *watch, bool whole)
{
    for (struct watcher *w = watch->watchers; whole && w != NULL; w = w->next)
        watch_lane_end(w->lane);
}

size_t watch_count(struct watch *watch, const char *authority)
{
    const struct watcher *watcher = watch->watchers;
    while (watcher != NULL && strcmp(watch_lane_authority(watcher->lane), authority) != 0)
        watcher = watcher->next;
    return watcher != NULL ? watch_lane_count(watcher->lane) : 0;
}

enum idp_err watch_wants(struct pki *pki, struct arena *arena, const struct watch_want **out,
                         size_t *count)
{
    const struct view *view = pki_view(pki, arena);
    struct watch_want *list =
        view != NULL ? arena_alloc(arena, view->trust->count * sizeof(*list)) : NULL;
    if (list == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < view->trust->count; i++)
        list[i] =
            (struct watch_want){.authority = view->trust->authorities[i].id,
                                .ahead_s = view->trust->authorities[i].rules->revocation.ahead_s};
    *out = list;
    *count = view->trust->count;
    return IDP_OK;
}
