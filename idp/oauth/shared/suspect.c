#include "oauth/shared/suspect.h"

#include <stdatomic.h>
#include <stddef.h>

enum { PLACES = 4096, MINUTE = 60 };

static _Atomic int64_t minutes[PLACES]; /* of the last wrong secret */

/* FNV-1a: nothing depends on it being hard to aim at. */
static _Atomic int64_t *place_of(const char *who)
{
    uint32_t hash = 2166136261U;
    for (; *who != '\0'; who++)
        hash = (hash ^ (unsigned char)*who) * 16777619U;
    return &minutes[hash % PLACES];
}

void suspect_note(const char *who, int64_t now)
{
    atomic_store_explicit(place_of(who), now / MINUTE, memory_order_relaxed);
}

bool suspect_is(const char *who, int64_t now)
{
    return atomic_load_explicit(place_of(who), memory_order_relaxed) == now / MINUTE;
}
