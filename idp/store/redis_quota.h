/*
 * Quotas in a store that has none: how many values of a kind may come into being in a window.
 *
 * The count of a window is a counter in Redis, which all nodes share. A node takes a batch from it
 * ahead and spends it by itself, so counting costs a round trip for each batch, not for each value;
 * a value that is taken out gives its place back to the node that took it. When a window is used up
 * the node knows, and refuses without asking. So of values that live no longer than a window there
 * are never more than twice the quota.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "store/kv.h"

struct redis_quota;

/* What the quotas count with. */
struct redis_counting {
    void *with;
    /* Adds to a counter of any name that all nodes share; see kv_count(). */
    enum idp_err (*count)(void *with, struct kv_bytes name, int64_t by, int64_t ttl_ms,
                          int64_t *out);
    int64_t (*now_ms)(void); /* the calendar, which nodes share; NULL: clock_now_ms() */
};

/* quotas: KV_KINDS numbers, or NULL for the usual ones. Returns NULL when there is no memory. */
struct redis_quota *redis_quota_new(const size_t *quotas, const struct redis_counting *counting);

/* NULL is allowed. */
void redis_quota_free(struct redis_quota *quota);

/* Takes a place for a value of that kind. Returns IDP_FULL when the window is used up, and what
 * count() returns. */
enum idp_err redis_quota_take(struct redis_quota *quota, enum kv_kind kind);

/* Gives a place back: a value is gone, or did not come into being. */
void redis_quota_give(struct redis_quota *quota, enum kv_kind kind);
