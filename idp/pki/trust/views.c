/* The views are turns (base/turns.h) under names of their own, so that only views go in. */
#include "pki/trust/views.h"

#include "base/turns.h"

_Static_assert((int)VIEWS_MAX == (int)TURNS_MAX, "views are turns");

static struct turns *turns_in(struct views *views)
{
    return (struct turns *)views;
}

static void drop(void *view)
{
    view_free(view);
}

struct views *views_new(struct view *first)
{
    return (struct views *)turns_new(first, drop);
}

void views_free(struct views *views)
{
    turns_free(turns_in(views));
}

struct views_place *views_take(struct views *views)
{
    return (struct views_place *)turns_take(turns_in(views));
}

void views_leave(struct views_place *place)
{
    turns_leave((struct turns_place *)place);
}

struct view *views_of(const struct views_place *place)
{
    return turns_of((const struct turns_place *)place);
}

enum idp_err views_turn(struct views *views, struct view *next)
{
    return turns_turn(turns_in(views), next);
}
