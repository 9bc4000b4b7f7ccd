/*
 * A fixed answer that is replaced while requests are served. A request counts itself among the
 * users of what it found, under the lock that whoever replaces it takes alone; from then on it does
 * not matter when the slot is given another answer.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "http/fixed.h"
#include "http/http.h"

struct http_slot {
    pthread_rwlock_t lock; /* of fixed only */
    struct http_fixed *fixed;
};

struct http_slot *http_slot_new(void)
{
    struct http_slot *slot = calloc(1, sizeof(*slot));
    if (slot == NULL || pthread_rwlock_init(&slot->lock, NULL) != 0) {
        free(slot);
        return NULL;
    }
    return slot;
}

void http_slot_free(struct http_slot *slot)
{
    if (slot == NULL)
        return;
    http_fixed_free(slot->fixed);
    (void)pthread_rwlock_destroy(&slot->lock);
    free(slot);
}

void http_slot_put(struct http_slot *slot, struct http_fixed *fixed)
{
    (void)pthread_rwlock_wrlock(&slot->lock);
    struct http_fixed *before = slot->fixed;
    slot->fixed = fixed;
    (void)pthread_rwlock_unlock(&slot->lock);
    http_fixed_free(before);
}

static struct http_fixed *use(struct http_slot *slot)
{
    (void)pthread_rwlock_rdlock(&slot->lock);
    struct http_fixed *fixed = slot->fixed;
    if (fixed != NULL)
        (void)atomic_fetch_add(&fixed->users, 1);
    (void)pthread_rwlock_unlock(&slot->lock);
    return fixed;
}

static void leave(void *fixed)
{
    http_fixed_free(fixed);
}

enum idp_err http_respond_slot(struct request *rq, struct response *rs, struct http_slot *slot)
{
    struct http_fixed *fixed = use(slot);
    if (fixed == NULL || arena_own(rq->arena, fixed, leave) == NULL)
        return IDP_FAULT;
    return http_respond_fixed(rq, rs, fixed);
}
