#include "store/memory_shard.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 16, FIRST_HEAP = 16 };

bool memory_shard_make(struct memory_shard *shard)
{
    *shard = (struct memory_shard){.bucket_count = FIRST_BUCKETS};
    shard->buckets = calloc(FIRST_BUCKETS, sizeof(struct memory_entry *));
    if (shard->buckets == NULL)
        return false;
    if (pthread_mutex_init(&shard->lock, NULL) == 0)
        return true;
    free(shard->buckets);
    return false;
}

void memory_shard_break(struct memory_shard *shard)
{
    for (size_t kind = 0; kind < KV_KINDS; kind++)
        free(shard->heaps[kind].entries);
    free(shard->buckets);
    (void)pthread_mutex_destroy(&shard->lock);
}

/* --- the heaps ----------------------------------------------------------------------------- */

static void put_at(struct memory_heap *heap, size_t place, struct memory_entry *entry)
{
    heap->entries[place] = entry;
    entry->place = place;
}

/* Moves entry from a free place towards the front for as long as it expires earlier. */
static void sift_up(struct memory_heap *heap, size_t place, struct memory_entry *entry)
{
    while (place > 0 && heap->entries[(place - 1) / 2]->expires > entry->expires) {
        put_at(heap, place, heap->entries[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put_at(heap, place, entry);
}

/* Moves entry from a free place towards the end for as long as it expires later. */
static void sift_down(struct memory_heap *heap, size_t place, struct memory_entry *entry)
{
    for (size_t child; (child = 2 * place + 1) < heap->count; place = child) {
        if (child + 1 < heap->count &&
            heap->entries[child + 1]->expires < heap->entries[child]->expires)
            child++;
        if (heap->entries[child]->expires >= entry->expires)
            break;
        put_at(heap, place, heap->entries[child]);
    }
    put_at(heap, place, entry);
}

/* Finds the right place for entry, given one that is free. */
static void settle(struct memory_heap *heap, size_t place, struct memory_entry *entry)
{
    if (place > 0 && heap->entries[(place - 1) / 2]->expires > entry->expires)
        sift_up(heap, place, entry);
    else
        sift_down(heap, place, entry);
}

static bool has_room(struct memory_heap *heap)
{
    if (heap->count < heap->room)
        return true;
    size_t room = heap->room > 0 ? heap->room * 2 : FIRST_HEAP;
    struct memory_entry **entries = realloc(heap->entries, room * sizeof(struct memory_entry *));
    if (entries == NULL)
        return false;
    heap->entries = entries;
    heap->room = room;
    return true;
}

static void heap_remove(struct memory_heap *heap, const struct memory_entry *entry)
{
    struct memory_entry *last = heap->entries[--heap->count];
    if (last != entry)
        settle(heap, entry->place, last);
}

struct memory_entry *memory_shard_first(const struct memory_shard *shard, enum kv_kind kind)
{
    const struct memory_heap *heap = &shard->heaps[kind];
    return heap->count > 0 ? heap->entries[0] : NULL;
}

/* --- the table ----------------------------------------------------------------------------- */

static struct memory_entry **bucket(const struct memory_shard *shard, uint64_t hash)
{
    return &shard->buckets[hash & (shard->bucket_count - 1)];
}

static bool is(const struct memory_entry *entry, const struct memory_key *key)
{
    return entry->hash == key->hash && entry->kind == key->kind && entry->key_len == key->key.len &&
           memcmp(entry->bytes, key->key.bytes, entry->key_len) == 0;
}

struct memory_entry *memory_shard_find(const struct memory_shard *shard,
                                       const struct memory_key *key)
{
    struct memory_entry *entry = *bucket(shard, key->hash);
    while (entry != NULL && !is(entry, key))
        entry = entry->next;
    return entry;
}

/* Where the pointer to entry stands. */
static struct memory_entry **link_to(const struct memory_shard *shard,
                                     const struct memory_entry *entry)
{
    struct memory_entry **at = bucket(shard, entry->hash);
    while (*at != entry)
        at = &(*at)->next;
    return at;
}

/* Doubles the table when there is an entry for each bucket. Without memory it stays as it is, and
 * only gets slower. */
static void grow(struct memory_shard *shard)
{
    size_t old_count = shard->bucket_count;
    struct memory_entry **old = shard->buckets;
    if (shard->count < old_count)
        return;
    struct memory_entry **buckets = calloc(old_count * 2, sizeof(struct memory_entry *));
    if (buckets == NULL)
        return;
    shard->buckets = buckets;
    shard->bucket_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++) {
        for (struct memory_entry *entry = old[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            entry->next = *bucket(shard, entry->hash);
            *bucket(shard, entry->hash) = entry;
        }
    }
    free(old);
}

bool memory_shard_insert(struct memory_shard *shard, struct memory_entry *entry)
{
    struct memory_heap *heap = &shard->heaps[entry->kind];
    if (!has_room(heap))
        return false;
    grow(shard);
    sift_up(heap, heap->count++, entry);
    entry->next = *bucket(shard, entry->hash);
    *bucket(shard, entry->hash) = entry;
    shard->count++;
    return true;
}

void memory_shard_replace(struct memory_shard *shard, struct memory_entry *old,
                          struct memory_entry *fresh)
{
    struct memory_entry **at = link_to(shard, old);
    fresh->next = old->next;
    *at = fresh;
    settle(&shard->heaps[fresh->kind], old->place, fresh);
}

void memory_shard_remove(struct memory_shard *shard, struct memory_entry *entry)
{
    *link_to(shard, entry) = entry->next;
    heap_remove(&shard->heaps[entry->kind], entry);
    shard->count--;
}
