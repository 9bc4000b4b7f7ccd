/*
 * A place is never freed, so that a reader may count itself in before it knows whether the place
 * still is the present one: if not, it counts itself out again and has touched nothing else. A
 * view is freed only after another place became the present one and when nobody is counted in; all
 * four steps are sequentially consistent, so either the reader sees the new place, or whoever frees
 * sees the reader.
 */
#include "pki/views.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct views_place {
    struct views *views;
    atomic_uint readers;
    struct view *view; /* changes only while nobody can have taken it */
};

struct views {
    atomic_uint present;
    pthread_mutex_t turning; /* guards that views are put into places and freed */
    struct views_place places[VIEWS_MAX];
};

struct views *views_new(struct view *first)
{
    struct views *views = calloc(1, sizeof(*views));
    if (views == NULL)
        return NULL;
    (void)pthread_mutex_init(&views->turning, NULL);
    for (size_t i = 0; i < VIEWS_MAX; i++)
        views->places[i].views = views;
    views->places[0].view = first;
    return views;
}

void views_free(struct views *views)
{
    if (views == NULL)
        return;
    for (size_t i = 0; i < VIEWS_MAX; i++)
        view_free(views->places[i].view);
    (void)pthread_mutex_destroy(&views->turning);
    free(views);
}

static bool is_present(const struct views_place *place)
{
    struct views *views = place->views;
    return place == &views->places[atomic_load(&views->present)];
}

struct views_place *views_take(struct views *views)
{
    for (;;) {
        struct views_place *place = &views->places[atomic_load(&views->present)];
        (void)atomic_fetch_add(&place->readers, 1);
        if (is_present(place))
            return place;
        views_leave(place);
    }
}

/* With the lock held: frees what nobody reads and nobody can take any more. */
static void tidy(struct views_place *place)
{
    if (place->view == NULL || is_present(place) || atomic_load(&place->readers) > 0)
        return;
    view_free(place->view);
    place->view = NULL;
}

void views_leave(struct views_place *place)
{
    if (atomic_fetch_sub(&place->readers, 1) > 1 || is_present(place))
        return;
    (void)pthread_mutex_lock(&place->views->turning);
    tidy(place);
    (void)pthread_mutex_unlock(&place->views->turning);
}

struct view *views_of(const struct views_place *place)
{
    return place->view;
}

/* With the lock held: a place without a view, or VIEWS_MAX. */
static unsigned find_free(const struct views *views)
{
    unsigned i = 0;
    while (i < VIEWS_MAX && views->places[i].view != NULL)
        i++;
    return i;
}

enum idp_err views_turn(struct views *views, struct view *next)
{
    (void)pthread_mutex_lock(&views->turning);
    unsigned place = find_free(views);
    if (place < VIEWS_MAX) {
        unsigned before = atomic_load(&views->present);
        views->places[place].view = next;
        atomic_store(&views->present, place);
        tidy(&views->places[before]);
    }
    (void)pthread_mutex_unlock(&views->turning);
    return place < VIEWS_MAX ? IDP_OK : IDP_FULL;
}
