/* What is known of each kind of value, whichever driver keeps it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/kv.h"

struct kv_kind_facts {
    const char *name; /* in keys and files: it never changes */
    size_t values;    /* the most there may be, unless the caller says otherwise */
    size_t bytes;     /* what one usually takes, with its key and the store's own */
    /* For stores that cannot count what they hold: in so much time no more than `values` may come
     * into being. 0: not counted, because it copies rows, or stands over them. */
    int64_t window_ms;
    bool restarts; /* it comes back after a clean stop: it is no copy of a row that may change */
};

/* By enum kv_kind. */
extern const struct kv_kind_facts kv_kinds[KV_KINDS];
