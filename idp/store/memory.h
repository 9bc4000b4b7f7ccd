/*
 * The key-value store in this process: sharded, bounded, never waiting.
 *
 * Each kind is bounded in values and in bytes. Expired values are swept by the writes that follow
 * them, so there is no thread; a kind that is full gives up its expired values before IDP_FULL.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "store/kv.h"

/* What a test may put in place of the world. Members that are NULL are the real thing. */
struct kv_memory_seams {
    int64_t (*now_ms)(void);                   /* clock_ticks_ms() */
    void (*release)(void *block, size_t size); /* free(), of a block that has been wiped */
};

/*
 * Opens an empty store. quotas may be NULL (the defaults), and so may seams. A kind may use as many
 * bytes as its quota of values of its usual size takes (kv_kinds.c), and at least a mebibyte.
 * Returns IDP_FAULT when there is no memory or no randomness.
 */
enum idp_err kv_memory_open(const size_t quotas[KV_KINDS], const struct kv_memory_seams *seams,
                            struct kv **out);
