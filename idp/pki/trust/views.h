/*
 * The views, one of which counts. Whoever takes it keeps it, whatever comes after, and the last who
 * leaves an old one frees it. Taking and leaving cost two atomic steps each and no lock.
 */
#pragma once

#include "base/error.h"
#include "pki/trust/view.h"

struct views;
struct views_place;

enum { VIEWS_MAX = 8 /* the present one, and old ones that somebody still works by */ };

/* Takes the view over when it succeeds. Returns NULL when there is no memory. */
struct views *views_new(struct view *first);

/* Nobody may hold a view any more. NULL is allowed. */
void views_free(struct views *views);

/* Takes the present view. Left with views_leave(). */
struct views_place *views_take(struct views *views);
void views_leave(struct views_place *place);

/* The view of a place that was taken. */
struct view *views_of(const struct views_place *place);

/*
 * Makes `next` the present view, and takes it over. Returns IDP_FULL when too many old views are
 * still in use; then the present one stays.
 */
enum idp_err views_turn(struct views *views, struct view *next);
