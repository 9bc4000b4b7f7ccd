/*
 * A part of the key-value store in memory: a hash table, and for each kind a heap by expiry. The
 * caller holds the shard's lock for everything but making and breaking it, and counts quotas.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/kv.h"

struct memory_entry {
    struct memory_entry *next; /* in its bucket */
    uint64_t hash;
    int64_t expires; /* gone from this millisecond on */
    size_t place;    /* in the heap of its kind */
    size_t size;     /* of the whole block */
    uint32_t value_len;
    uint16_t key_len;
    uint16_t kind;
    unsigned char bytes[]; /* the key, then the value */
};

/* A key, with the kind in it and hashed once. */
struct memory_key {
    enum kv_kind kind;
    uint64_t hash;
    struct kv_bytes key;
};

struct memory_heap {
    struct memory_entry **entries; /* the one that expires first in front */
    size_t count, room;
};

struct memory_shard {
    _Alignas(64) pthread_mutex_t lock; /* shards do not share cache lines */
    struct memory_entry **buckets;
    size_t bucket_count, count;
    unsigned turn; /* the kind whose expired values are swept next */
    struct memory_heap heaps[KV_KINDS];
};

/* Returns false when there is no memory; then there is nothing to break. */
bool memory_shard_make(struct memory_shard *shard);

/* Frees the tables. The entries have been removed before. */
void memory_shard_break(struct memory_shard *shard);

/* The entry, expired or not, or NULL. */
struct memory_entry *memory_shard_find(const struct memory_shard *shard,
                                       const struct memory_key *key);

/* Takes entry in, whose key must not be there. Returns false, changing nothing, without memory. */
bool memory_shard_insert(struct memory_shard *shard, struct memory_entry *entry);

/* Puts fresh, of the same key, where old stood; old is the caller's again. */
void memory_shard_replace(struct memory_shard *shard, struct memory_entry *old,
                          struct memory_entry *fresh);

/* Takes entry out; it is the caller's again. */
void memory_shard_remove(struct memory_shard *shard, struct memory_entry *entry);

/* The entry of a kind that expires first, or NULL when there is none. */
struct memory_entry *memory_shard_first(const struct memory_shard *shard, enum kv_kind kind);
