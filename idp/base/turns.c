/*
 * A place is never freed, so that a reader may count itself in before it knows whether the place
 * still is the present one: if not, it counts itself out again and has touched nothing else. A
 * thing is dropped only after another place became the present one and when nobody is counted in;
 * all four steps are sequentially consistent, so either the reader sees the new place, or whoever
 * drops sees the reader.
 */
#include "base/turns.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

struct turns_place {
    struct turns *turns;
    atomic_uint readers;
    void *thing; /* changes only while nobody can have taken it */
};

struct turns {
    atomic_uint present;
    void (*drop)(void *thing);
    pthread_mutex_t turning; /* guards that things are put into places and dropped */
    struct turns_place places[TURNS_MAX];
};

struct turns *turns_new(void *first, void (*drop)(void *thing))
{
    struct turns *turns = calloc(1, sizeof(*turns));
    if (turns == NULL)
        return NULL;
    turns->drop = drop;
    (void)pthread_mutex_init(&turns->turning, NULL);
    for (size_t i = 0; i < TURNS_MAX; i++)
        turns->places[i].turns = turns;
    turns->places[0].thing = first;
    return turns;
}

void turns_free(struct turns *turns)
{
    if (turns == NULL)
        return;
    for (size_t i = 0; i < TURNS_MAX; i++)
        if (turns->places[i].thing != NULL)
            turns->drop(turns->places[i].thing);
    (void)pthread_mutex_destroy(&turns->turning);
    free(turns);
}

static bool is_present(const struct turns_place *place)
{
    struct turns *turns = place->turns;
    return place == &turns->places[atomic_load(&turns->present)];
}

struct turns_place *turns_take(struct turns *turns)
{
    for (;;) {
        struct turns_place *place = &turns->places[atomic_load(&turns->present)];
        (void)atomic_fetch_add(&place->readers, 1);
        if (is_present(place))
            return place;
        turns_leave(place);
    }
}

/* With the lock held: drops what nobody reads and nobody can take any more. */
static void tidy(struct turns_place *place)
{
    if (place->thing == NULL || is_present(place) || atomic_load(&place->readers) > 0)
        return;
    place->turns->drop(place->thing);
    place->thing = NULL;
}

void turns_leave(struct turns_place *place)
{
    if (atomic_fetch_sub(&place->readers, 1) > 1 || is_present(place))
        return;
    (void)pthread_mutex_lock(&place->turns->turning);
    tidy(place);
    (void)pthread_mutex_unlock(&place->turns->turning);
}

void *turns_of(const struct turns_place *place)
{
    return place->thing;
}

/* With the lock held: a place with nothing in it, or TURNS_MAX. */
static unsigned find_free(const struct turns *turns)
{
    unsigned i = 0;
    while (i < TURNS_MAX && turns->places[i].thing != NULL)
        i++;
    return i;
}

enum idp_err turns_turn(struct turns *turns, void *next)
{
    (void)pthread_mutex_lock(&turns->turning);
    unsigned place = find_free(turns);
    if (place < TURNS_MAX) {
        unsigned before = atomic_load(&turns->present);
        turns->places[place].thing = next;
        atomic_store(&turns->present, place);
        tidy(&turns->places[before]);
    }
    (void)pthread_mutex_unlock(&turns->turning);
    return place < TURNS_MAX ? IDP_OK : IDP_FULL;
}
