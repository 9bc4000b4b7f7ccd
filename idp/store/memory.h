/*
 * The key-value store in this process: sharded, bounded, never waiting.
 *
 * Each kind is bounded in values and in bytes. Expired values are swept by the writes that follow
 * them, so there is no thread; a kind that is full gives up its expired values before IDP_FULL.
 */
#pragma once

#include <stdbool.h>
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

/* A value that stands in the store; key and value are borrowed for the visit. */
struct kv_memory_value {
    enum kv_kind kind;
    struct kv_bytes key, value;
    int64_t left_ms; /* until it expires; at least 1 */
};

/*
 * Shows every value of some kinds (NULL: of all) to visit(), which must not call the store. Values
 * that are written meanwhile may be left out. Returns the first thing that is not IDP_OK, and
 * IDP_BAD_REQUEST for another driver's store.
 */
enum idp_err kv_memory_each(struct kv *kv, const bool kinds[KV_KINDS],
                            enum idp_err (*visit)(void *with, const struct kv_memory_value *value),
                            void *with);

/* Removes every value. Not for another driver's store. */
void kv_memory_clear(struct kv *kv);
