#include "store/redis_quota.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/kv_kinds.h"

enum { BATCHES = 100, LEAST_BATCH = 8, NAME_SIZE = 48 };

/* A kind's places in one word, which is swapped as a whole: the window's number, whether no more
 * can be had in it, and how many this node has left. */
enum { LEFT_BITS = 31 };
#define LEFT_MASK ((UINT64_C(1) << LEFT_BITS) - 1)
#define USED_UP (UINT64_C(1) << LEFT_BITS)

struct places {
    _Alignas(64) _Atomic uint64_t state;
    int64_t most, batch; /* of a window */
};

struct redis_quota {
    struct redis_counting counting;
    struct places places[KV_KINDS];
};

struct redis_quota *redis_quota_new(const size_t *quotas, const struct redis_counting *counting)
{
    struct redis_quota *quota = aligned_alloc(_Alignof(struct redis_quota), sizeof(*quota));
    if (quota == NULL)
        return NULL;
    quota->counting = *counting;
    if (counting->now_ms == NULL)
        quota->counting.now_ms = clock_now_ms;
    for (size_t kind = 0; kind < KV_KINDS; kind++) {
        struct places *places = &quota->places[kind];
        size_t most = quotas != NULL ? quotas[kind] : kv_kinds[kind].values;
        places->most = most < LEFT_MASK / 2 ? (int64_t)most : (int64_t)(LEFT_MASK / 2);
        places->batch = places->most / BATCHES > LEAST_BATCH ? places->most / BATCHES : LEAST_BATCH;
        atomic_init(&places->state, 0);
    }
    return quota;
}

void redis_quota_free(struct redis_quota *quota)
{
    free(quota);
}

/* The number of the window that is open now; it has 32 bits in a state. */
static uint64_t window_now(const struct redis_quota *quota, enum kv_kind kind)
{
    return (uint64_t)(quota->counting.now_ms() / kv_kinds[kind].window_ms) & UINT32_MAX;
}

/* A state of this window: what is left of another is nothing. */
static uint64_t in_window(uint64_t state, uint64_t window)
{
    return state >> (LEFT_BITS + 1) == window ? state : window << (LEFT_BITS + 1);
}

/* Adds to what this node has left, in a window that may have been used up. */
static void put_back(struct places *places, uint64_t window, uint64_t n, uint64_t flag)
{
    uint64_t before = atomic_load(&places->state);
    uint64_t after = 0;
    do {
        after = in_window(before, window) | flag;
        if ((after & LEFT_MASK) + n <= LEFT_MASK)
            after += n;
    } while (!atomic_compare_exchange_weak(&places->state, &before, after));
}

/* Takes one of those this node has left; *empty says that there was none, *used_up that asking for
 * more is of no use. */
static bool take_own(struct places *places, uint64_t window, bool *used_up)
{
    uint64_t before = atomic_load(&places->state);
    uint64_t now = 0;
    do {
        now = in_window(before, window);
        *used_up = (now & USED_UP) != 0;
        if ((now & LEFT_MASK) == 0)
            return false;
    } while (!atomic_compare_exchange_weak(&places->state, &before, now - 1));
    return true;
}

/* Takes a batch from the window's counter; one place of it is the caller's. */
static enum idp_err take_batch(struct redis_quota *quota, enum kv_kind kind, uint64_t window)
{
    char name[NAME_SIZE];
    int64_t sum = 0;
    struct places *places = &quota->places[kind];
    (void)snprintf(name, sizeof(name), "%s:%" PRIu64, kv_kinds[kind].name, window);
    enum idp_err err = quota->counting.count(quota->counting.with, kv_text(name), places->batch,
                                             2 * kv_kinds[kind].window_ms, &sum);
    if (err != IDP_OK)
        return err;
    int64_t over = sum - places->most;
    int64_t got = over <= 0 ? places->batch : places->batch - over;
    put_back(places, window, got > 1 ? (uint64_t)got - 1 : 0, over >= 0 ? USED_UP : 0);
    return got > 0 ? IDP_OK : IDP_FULL;
}

enum idp_err redis_quota_take(struct redis_quota *quota, enum kv_kind kind)
{
    bool used_up = false;
    if (kv_kinds[kind].window_ms == 0)
        return IDP_OK;
    uint64_t window = window_now(quota, kind);
    if (take_own(&quota->places[kind], window, &used_up))
        return IDP_OK;
    if (used_up)
        return IDP_FULL;
    enum idp_err err = take_batch(quota, kind, window);
    /* Of threads that asked at once, the last got nothing, and the first more than they need. */
    return err == IDP_FULL && take_own(&quota->places[kind], window, &used_up) ? IDP_OK : err;
}

void redis_quota_give(struct redis_quota *quota, enum kv_kind kind)
{
    if (kv_kinds[kind].window_ms > 0)
        put_back(&quota->places[kind], window_now(quota, kind), 1, 0);
}
