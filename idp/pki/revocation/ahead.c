#include "pki/revocation/ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "pki/lock/lock_answer.h"
#include "pki/revocation/inquiry.h"
#include "pki/state.h"

struct waiting {
    size_t len;
    unsigned char der[LOCK_CERTIFICATE_MAX];
};

struct ahead {
    struct pki *pki;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ending;
    size_t first, count; /* of the ring */
    struct waiting ring[AHEAD_QUEUE];
    int64_t second; /* the second that `looked` counts */
    unsigned looked;
    unsigned threads;
    pthread_t ids[AHEAD_THREADS_MAX];
};

/* Whether the authority has less than its share of the threads; what would take more is dropped:
 * the sign-in asks itself. */
static bool enter(struct ahead *ahead, struct line *line)
{
    (void)pthread_mutex_lock(&ahead->lock);
    bool may = line->ahead < (ahead->threads + 1) / 2;
    line->ahead += may;
    (void)pthread_mutex_unlock(&ahead->lock);
    if (!may)
        line_count_spared(line);
    return may;
}

static void leave(struct ahead *ahead, struct line *line)
{
    (void)pthread_mutex_lock(&ahead->lock);
    line->ahead--;
    (void)pthread_mutex_unlock(&ahead->lock);
}

/* Asks when the leaf is one of ours, has nothing against it, and its status is not known. */
static void look_at(struct ahead *ahead, struct arena *arena, const struct waiting *waiting)
{
    struct inquiry inquiry;
    struct leaf *leaf = NULL;
    int64_t now = clock_now();
    struct view *view = pki_view(ahead->pki, arena);
    if (view == NULL || view_leaf(view, waiting->der, waiting->len, &leaf) != IDP_OK)
        return;
    const struct asking_about about = {.view = view, .leaf = leaf, .now = now};
    bool is_ours = leaf->path_is_good && leaf->verdict == PKI_REASONS && leaf->not_before <= now &&
                   now <= leaf->not_after;
    if (is_ours && enter(ahead, view_line(view, leaf))) {
        (void)inquiry_make(ahead->pki, arena, &about, &inquiry); /* kept when good; logged if not */
        leave(ahead, view_line(view, leaf));
    }
    leaf_release(leaf);
}

/* With the lock held: takes the next one out, or returns false when it is time to end. */
static bool next(struct ahead *ahead, struct waiting *out)
{
    while (!ahead->ending && ahead->count == 0)
        (void)pthread_cond_wait(&ahead->changed, &ahead->lock);
    if (ahead->ending)
        return false;
    const struct waiting *waiting = &ahead->ring[ahead->first];
    out->len = waiting->len;
    memcpy(out->der, waiting->der, waiting->len);
    ahead->first = (ahead->first + 1) % AHEAD_QUEUE;
    ahead->count--;
    return true;
}

static void *work(void *argument)
{
    struct ahead *ahead = argument;
    struct waiting waiting;
    for (;;) {
        (void)pthread_mutex_lock(&ahead->lock);
        bool more = next(ahead, &waiting);
        (void)pthread_mutex_unlock(&ahead->lock);
        if (!more)
            return NULL;
        struct arena *arena = arena_new();
        if (arena != NULL)
            look_at(ahead, arena, &waiting);
        arena_free(arena);
    }
}

/* Signals are the main thread's business. */
static bool start(struct ahead *ahead, unsigned threads)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    while (ahead->threads < threads &&
           pthread_create(&ahead->ids[ahead->threads], NULL, work, ahead) == 0)
        ahead->threads++;
    return pthread_sigmask(SIG_SETMASK, &before, NULL) == 0 && ahead->threads == threads;
}

struct ahead *ahead_new(struct pki *pki, unsigned threads)
{
    struct ahead *ahead = calloc(1, sizeof(*ahead));
    if (ahead == NULL || threads > AHEAD_THREADS_MAX) {
        free(ahead);
        return NULL;
    }
    ahead->pki = pki;
    if (pthread_mutex_init(&ahead->lock, NULL) != 0 ||
        pthread_cond_init(&ahead->changed, NULL) != 0)
        abort(); /* cannot happen with default attributes */
    if (start(ahead, threads))
        return ahead;
    ahead_free(ahead);
    return NULL;
}

void ahead_free(struct ahead *ahead)
{
    if (ahead == NULL)
        return;
    (void)pthread_mutex_lock(&ahead->lock);
    ahead->ending = true;
    (void)pthread_cond_broadcast(&ahead->changed);
    (void)pthread_mutex_unlock(&ahead->lock);
    for (unsigned i = 0; i < ahead->threads; i++)
        (void)pthread_join(ahead->ids[i], NULL);
    (void)pthread_cond_destroy(&ahead->changed);
    (void)pthread_mutex_destroy(&ahead->lock);
    free(ahead);
}

/* With the lock held: may one more be looked at in this second? */
static bool within_rate(struct ahead *ahead)
{
    int64_t second = clock_ticks_ms() / 1000;
    if (second != ahead->second) {
        ahead->second = second;
        ahead->looked = 0;
    }
    return ahead->looked++ < AHEAD_PER_SECOND;
}

void ahead_add(struct ahead *ahead, const void *der, size_t len)
{
    if (len == 0 || len > LOCK_CERTIFICATE_MAX || ahead->threads == 0)
        return;
    (void)pthread_mutex_lock(&ahead->lock);
    if (ahead->count < AHEAD_QUEUE && within_rate(ahead)) {
        struct waiting *waiting = &ahead->ring[(ahead->first + ahead->count) % AHEAD_QUEUE];
        waiting->len = len;
        memcpy(waiting->der, der, len);
        ahead->count++;
        (void)pthread_cond_signal(&ahead->changed);
    }
    (void)pthread_mutex_unlock(&ahead->lock);
}
