/*
 * Things that follow one another, one of which is the present one. Whoever takes it keeps it,
 * whatever comes after, and the last who leaves an old one drops it. Taking and leaving cost two
 * atomic steps each and no lock.
 */
#pragma once

#include "base/error.h"

struct turns;
struct turns_place;

enum { TURNS_MAX = 8 /* the present one, and old ones that somebody still uses */ };

/*
 * Takes the first one over when it succeeds; drop(thing) is called for each that is over. Returns
 * NULL when there is no memory.
 */
struct turns *turns_new(void *first, void (*drop)(void *thing));

/* Drops all. Nobody may hold one any more. NULL is allowed. */
void turns_free(struct turns *turns);

/* Takes the present one. Left with turns_leave(). */
struct turns_place *turns_take(struct turns *turns);
void turns_leave(struct turns_place *place);

/* What stands in a place that was taken. */
void *turns_of(const struct turns_place *place);

/*
 * Makes `next` the present one, and takes it over. Returns IDP_FULL when too many old ones are
 * still in use; then the present one stays.
 */
enum idp_err turns_turn(struct turns *turns, void *next);
