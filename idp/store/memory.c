/*
 * The key-value store in this process.
 *
 * A key belongs to one of 64 shards, each with its lock; under it every call is one step, and no
 * call holds two locks. Quotas are counts that all shards share. A write first makes its entry,
 * outside the lock, and then decides under it whether the entry goes in.
 *
 * Expired values: a look-up that meets one removes it; every write sweeps a few of its shard; a
 * write that finds its kind full sweeps that kind in all shards before it gives up. Heaps by expiry
 * make each of these a matter of the values that really have expired.
 */
#include "store/memory.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/text.h"
#include "store/kv_kinds.h"
#include "store/memory_shard.h"
#include "store/siphash.h"

enum {
    SHARDS = 64,
    SWEEP_PER_WRITE = 2,
    SWEEP_AT_ONCE = 256,
    LEAST_BYTES = 1024 * 1024,
    NUMBER_SIZE = 24, /* the digits of an int64_t, its sign and a NUL */
};

/* How much of its quota a kind uses. */
struct use {
    _Alignas(64) _Atomic size_t values;
    _Atomic size_t bytes;
    size_t most_values, most_bytes;
};

struct memory {
    struct kv kv;
    struct kv_memory_seams seams;
    uint64_t hash_key[2];
    struct use uses[KV_KINDS];
    struct memory_shard shards[SHARDS];
};

/* A write: decide() looks at the value that stands there (NULL: none) and says whether fresh goes
 * in. It may finish fresh, whose expiry and value are set to begin with. */
struct write {
    enum idp_err (*decide)(const struct write *write, const struct memory_entry *old,
                           struct memory_entry *fresh);
    struct memory_key key;
    struct kv_bytes value;
    int64_t ttl_ms;
    struct kv_bytes expected; /* swap */
    int64_t by, *sum;         /* count */
};

/* The store behind the interface: kv_memory_open() aligned it, which the compiler cannot know. */
static struct memory *memory_of(struct kv *kv)
{
    return (struct memory *)(void *)kv;
}

/* --- keys and entries ---------------------------------------------------------------------- */

static struct memory_key key_of(const struct memory *memory, enum kv_kind kind, struct kv_bytes key)
{
    /* The kind goes into the hash's key, so that a key has nothing in common with itself in
     * another kind. */
    const uint64_t hash_key[2] = {memory->hash_key[0] ^ (uint64_t)kind, memory->hash_key[1]};
    return (struct memory_key){
        .kind = kind, .hash = siphash(hash_key, key.bytes, key.len), .key = key};
}

static struct memory_shard *lock_shard(struct memory *memory, const struct memory_key *key)
{
    struct memory_shard *shard = &memory->shards[key->hash >> 58]; /* 6 bits: 64 shards */
    (void)pthread_mutex_lock(&shard->lock);
    return shard;
}

static enum idp_err unlock(struct memory_shard *shard, enum idp_err err)
{
    (void)pthread_mutex_unlock(&shard->lock);
    return err;
}

static unsigned char *value_of(struct memory_entry *entry)
{
    return entry->bytes + entry->key_len;
}

static const unsigned char *peek(const struct memory_entry *entry)
{
    return entry->bytes + entry->key_len;
}

static struct memory_entry *make_entry(const struct memory_key *key, struct kv_bytes value)
{
    size_t size = sizeof(struct memory_entry) + key->key.len + value.len;
    struct memory_entry *entry = malloc(size);
    if (entry == NULL)
        return NULL;
    *entry = (struct memory_entry){
        .hash = key->hash,
        .size = size,
        .value_len = (uint32_t)value.len,
        .key_len = (uint16_t)key->key.len,
        .kind = (uint16_t)key->kind,
    };
    memcpy(entry->bytes, key->key.bytes, key->key.len);
    if (value.len > 0)
        memcpy(value_of(entry), value.bytes, value.len);
    return entry;
}

static void discard(const struct memory *memory, struct memory_entry *entry)
{
    size_t size = entry->size;
    OPENSSL_cleanse(entry, size);
    memory->seams.release(entry, size);
}

/* --- quotas -------------------------------------------------------------------------------- */

/* Adds n unless that would make it more than most. */
static bool use_more(_Atomic size_t *used, size_t n, size_t most)
{
    size_t now = atomic_load_explicit(used, memory_order_relaxed);
    do {
        if (n > most - now)
            return false;
    } while (!atomic_compare_exchange_weak(used, &now, now + n));
    return true;
}

static bool reserve(struct use *use, size_t values, size_t bytes)
{
    if (!use_more(&use->values, values, use->most_values))
        return false;
    if (use_more(&use->bytes, bytes, use->most_bytes))
        return true;
    atomic_fetch_sub(&use->values, values);
    return false;
}

static void give_back(struct use *use, size_t values, size_t bytes)
{
    atomic_fetch_sub(&use->values, values);
    atomic_fetch_sub(&use->bytes, bytes);
}

/* --- expiry; the shard is locked ----------------------------------------------------------- */

static void drop(struct memory *memory, struct memory_shard *shard, struct memory_entry *entry)
{
    memory_shard_remove(shard, entry);
    give_back(&memory->uses[entry->kind], 1, entry->size);
    discard(memory, entry);
}

/* The entry that stands at key, or NULL; one that has expired is removed. */
static struct memory_entry *find_live(struct memory *memory, struct memory_shard *shard,
                                      const struct memory_key *key, int64_t now)
{
    struct memory_entry *entry = memory_shard_find(shard, key);
    if (entry == NULL || entry->expires > now)
        return entry;
    drop(memory, shard, entry);
    return NULL;
}

/* Removes at most `most` expired values of a kind; returns how many. */
static size_t sweep_shard(struct memory *memory, struct memory_shard *shard, enum kv_kind kind,
                          int64_t now, size_t most)
{
    size_t n = 0;
    struct memory_entry *first = NULL;
    while (n < most && (first = memory_shard_first(shard, kind)) != NULL && first->expires <= now) {
        drop(memory, shard, first);
        n++;
    }
    return n;
}

/* What a write does for the others: of its own kind and of one other in turn, so that no kind's
 * expired values lie here for ever. More may go than one write can bring. */
static void sweep_some(struct memory *memory, struct memory_shard *shard, enum kv_kind kind,
                       int64_t now)
{
    shard->turn = (shard->turn + 1) % KV_KINDS;
    (void)sweep_shard(memory, shard, kind, now, SWEEP_PER_WRITE);
    (void)sweep_shard(memory, shard, (enum kv_kind)shard->turn, now, SWEEP_PER_WRITE);
}

/* Removes expired values of a kind, wherever they are; returns how many. No shard is locked. */
static size_t sweep_kind(struct memory *memory, enum kv_kind kind)
{
    size_t n = 0;
    int64_t now = memory->seams.now_ms();
    for (size_t i = 0; i < SHARDS && n < SWEEP_AT_ONCE; i++) {
        struct memory_shard *shard = &memory->shards[i];
        (void)pthread_mutex_lock(&shard->lock);
        n += sweep_shard(memory, shard, kind, now, SWEEP_AT_ONCE - n);
        (void)pthread_mutex_unlock(&shard->lock);
    }
    return n;
}

/* --- reading ------------------------------------------------------------------------------- */

/* Copies the value out, with a NUL behind it. */
static enum idp_err copy_out(const struct memory_entry *entry, struct arena *arena,
                             struct kv_bytes *out)
{
    const char *copy = arena_strndup(arena, (const char *)peek(entry), entry->value_len);
    if (copy == NULL)
        return IDP_FAULT;
    *out = (struct kv_bytes){.bytes = copy, .len = entry->value_len};
    return IDP_OK;
}

static enum idp_err memory_get(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                               struct arena *arena, struct kv_bytes *out)
{
    struct memory *memory = memory_of(kv);
    struct memory_key k = key_of(memory, kind, key);
    struct memory_shard *shard = lock_shard(memory, &k);
    const struct memory_entry *entry = find_live(memory, shard, &k, memory->seams.now_ms());
    return unlock(shard, entry != NULL ? copy_out(entry, arena, out) : IDP_NOT_FOUND);
}

static enum idp_err memory_take(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                                struct arena *arena, struct kv_bytes *out)
{
    struct memory *memory = memory_of(kv);
    struct memory_key k = key_of(memory, kind, key);
    struct memory_shard *shard = lock_shard(memory, &k);
    struct memory_entry *entry = find_live(memory, shard, &k, memory->seams.now_ms());
    if (entry == NULL)
        return unlock(shard, IDP_NOT_FOUND);
    enum idp_err err = out != NULL && arena != NULL ? copy_out(entry, arena, out) : IDP_OK;
    if (err == IDP_OK)
        drop(memory, shard, entry);
    return unlock(shard, err);
}

/* --- writing ------------------------------------------------------------------------------- */

/* Puts fresh where old stands (NULL: nowhere yet), if the quota has room for it. */
static enum idp_err place(struct memory *memory, struct memory_shard *shard,
                          struct memory_entry *old, struct memory_entry *fresh)
{
    struct use *use = &memory->uses[fresh->kind];
    size_t before = old != NULL ? old->size : 0;
    size_t more = fresh->size > before ? fresh->size - before : 0;
    if (!reserve(use, old == NULL, more))
        return IDP_FULL;
    if (old != NULL) {
        memory_shard_replace(shard, old, fresh);
        give_back(use, 0, before + more - fresh->size);
        discard(memory, old);
        return IDP_OK;
    }
    if (memory_shard_insert(shard, fresh))
        return IDP_OK;
    give_back(use, 1, more);
    return IDP_FAULT;
}

static enum idp_err try_to_write(struct memory *memory, const struct write *write,
                                 struct memory_entry *fresh)
{
    struct memory_shard *shard = lock_shard(memory, &write->key);
    int64_t now = memory->seams.now_ms();
    sweep_some(memory, shard, write->key.kind, now);
    struct memory_entry *old = find_live(memory, shard, &write->key, now);
    fresh->expires = now + write->ttl_ms;
    enum idp_err err = write->decide(write, old, fresh);
    if (err == IDP_OK)
        err = place(memory, shard, old, fresh);
    return unlock(shard, err);
}

/* Runs a write, after sweeping its kind when that is full. */
static enum idp_err run(struct kv *kv, const struct write *write)
{
    struct memory *memory = memory_of(kv);
    struct memory_entry *fresh = make_entry(&write->key, write->value);
    enum idp_err err = IDP_FAULT;
    if (fresh == NULL)
        return IDP_FAULT;
    do
        err = try_to_write(memory, write, fresh);
    while (err == IDP_FULL && sweep_kind(memory, write->key.kind) > 0);
    if (err != IDP_OK)
        discard(memory, fresh);
    return err;
}

static enum idp_err always(const struct write *write, const struct memory_entry *old,
                           struct memory_entry *fresh)
{
    (void)write, (void)old, (void)fresh;
    return IDP_OK;
}

static enum idp_err where_none_stands(const struct write *write, const struct memory_entry *old,
                                      struct memory_entry *fresh)
{
    (void)write, (void)fresh;
    return old == NULL ? IDP_OK : IDP_CONFLICT;
}

static enum idp_err where_expected(const struct write *write, const struct memory_entry *old,
                                   struct memory_entry *fresh)
{
    (void)fresh;
    if (old == NULL)
        return IDP_NOT_FOUND;
    bool same = old->value_len == write->expected.len &&
                text_same_secret(peek(old), write->expected.bytes, old->value_len);
    return same ? IDP_OK : IDP_CONFLICT;
}

/* The number that stands at old as digits, which is how kv_get() gives it out. */
static bool read_number(const struct memory_entry *old, int64_t *out)
{
    char digits[NUMBER_SIZE];
    char *end = NULL;
    if (old->value_len == 0 || old->value_len >= sizeof(digits))
        return false;
    memcpy(digits, peek(old), old->value_len);
    digits[old->value_len] = '\0';
    *out = strtoimax(digits, &end, 10);
    return *end == '\0';
}

static enum idp_err added_up(const struct write *write, const struct memory_entry *old,
                             struct memory_entry *fresh)
{
    char digits[NUMBER_SIZE];
    int64_t before = 0;
    if (old != NULL && !read_number(old, &before))
        return IDP_FAULT;
    if (__builtin_add_overflow(before, write->by, write->sum))
        return IDP_FAULT;
    int n = snprintf(digits, sizeof(digits), "%" PRId64, *write->sum);
    if (n <= 0)
        return IDP_FAULT;
    fresh->value_len = (uint32_t)n;
    memcpy(value_of(fresh), digits, (size_t)n);
    if (old != NULL)
        fresh->expires = old->expires;
    return IDP_OK;
}

static enum idp_err memory_put(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                               struct kv_bytes value, int64_t ttl_ms)
{
    const struct write write = {.decide = always,
                                .key = key_of(memory_of(kv), kind, key),
                                .value = value,
                                .ttl_ms = ttl_ms};
    return run(kv, &write);
}

static enum idp_err memory_add(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                               struct kv_bytes value, int64_t ttl_ms)
{
    const struct write write = {.decide = where_none_stands,
                                .key = key_of(memory_of(kv), kind, key),
                                .value = value,
                                .ttl_ms = ttl_ms};
    return run(kv, &write);
}

static enum idp_err memory_swap(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                                struct kv_bytes expected, struct kv_bytes value, int64_t ttl_ms)
{
    const struct write write = {.decide = where_expected,
                                .key = key_of(memory_of(kv), kind, key),
                                .value = value,
                                .ttl_ms = ttl_ms,
                                .expected = expected};
    return run(kv, &write);
}

static enum idp_err memory_count(struct kv *kv, enum kv_kind kind, struct kv_bytes key, int64_t by,
                                 int64_t ttl_ms, int64_t *out)
{
    static const char room[NUMBER_SIZE];
    int64_t sum = 0;
    const struct write write = {.decide = added_up,
                                .key = key_of(memory_of(kv), kind, key),
                                .value = {.bytes = room, .len = sizeof(room)},
                                .ttl_ms = ttl_ms,
                                .by = by,
                                .sum = &sum};
    enum idp_err err = run(kv, &write);
    if (err == IDP_OK)
        *out = sum;
    return err;
}

/* --- opening and closing ------------------------------------------------------------------- */

static void empty_shard(struct memory *memory, struct memory_shard *shard)
{
    struct memory_entry *first = NULL;
    for (size_t kind = 0; kind < KV_KINDS; kind++)
        while ((first = memory_shard_first(shard, (enum kv_kind)kind)) != NULL)
            drop(memory, shard, first);
}

void kv_memory_clear(struct kv *kv)
{
    struct memory *memory = memory_of(kv);
    for (size_t i = 0; i < SHARDS; i++) {
        (void)pthread_mutex_lock(&memory->shards[i].lock);
        empty_shard(memory, &memory->shards[i]);
        (void)pthread_mutex_unlock(&memory->shards[i].lock);
    }
}

static void memory_close(struct kv *kv)
{
    struct memory *memory = memory_of(kv);
    kv_memory_clear(kv);
    for (size_t i = 0; i < SHARDS; i++)
        memory_shard_break(&memory->shards[i]);
    OPENSSL_cleanse(memory->hash_key, sizeof(memory->hash_key));
    free(memory);
}

static const struct kv_driver memory_driver = {
    .name = "memory",
    .get = memory_get,
    .take = memory_take,
    .put = memory_put,
    .add = memory_add,
    .swap = memory_swap,
    .count = memory_count,
    .close = memory_close,
};

/* --- looking at all ------------------------------------------------------------------------ */

/* Whom to show what. */
struct tour {
    const bool *kinds;
    int64_t now;
    enum idp_err (*visit)(void *with, const struct kv_memory_value *value);
    void *with;
};

static enum idp_err show(const struct tour *tour, const struct memory_entry *entry)
{
    const struct kv_memory_value value = {
        .kind = (enum kv_kind)entry->kind,
        .key = {.bytes = entry->bytes, .len = entry->key_len},
        .value = {.bytes = peek(entry), .len = entry->value_len},
        .left_ms = entry->expires - tour->now,
    };
    bool wanted = tour->kinds == NULL || tour->kinds[entry->kind];
    return wanted && value.left_ms > 0 ? tour->visit(tour->with, &value) : IDP_OK;
}

static enum idp_err show_shard(const struct tour *tour, const struct memory_shard *shard)
{
    enum idp_err err = IDP_OK;
    for (size_t i = 0; err == IDP_OK && i < shard->bucket_count; i++)
        for (const struct memory_entry *entry = shard->buckets[i]; err == IDP_OK && entry != NULL;
             entry = entry->next)
            err = show(tour, entry);
    return err;
}

enum idp_err kv_memory_each(struct kv *kv, const bool kinds[KV_KINDS],
                            enum idp_err (*visit)(void *with, const struct kv_memory_value *value),
                            void *with)
{
    if (kv->driver != &memory_driver)
        return IDP_BAD_REQUEST;
    enum idp_err err = IDP_OK;
    struct memory *memory = memory_of(kv);
    const struct tour tour = {
        .kinds = kinds, .now = memory->seams.now_ms(), .visit = visit, .with = with};
    for (size_t i = 0; err == IDP_OK && i < SHARDS; i++) {
        (void)pthread_mutex_lock(&memory->shards[i].lock);
        err = show_shard(&tour, &memory->shards[i]);
        (void)pthread_mutex_unlock(&memory->shards[i].lock);
    }
    return err;
}

static void just_free(void *block, size_t size)
{
    (void)size;
    free(block);
}

static void set_quotas(struct memory *memory, const size_t *quotas)
{
    for (size_t kind = 0; kind < KV_KINDS; kind++) {
        struct use *use = &memory->uses[kind];
        use->most_values = quotas != NULL ? quotas[kind] : kv_kinds[kind].values;
        if (__builtin_mul_overflow(use->most_values, kv_kinds[kind].bytes, &use->most_bytes))
            use->most_bytes = SIZE_MAX;
        if (use->most_bytes < LEAST_BYTES)
            use->most_bytes = LEAST_BYTES;
    }
}

static bool make_shards(struct memory *memory)
{
    for (size_t i = 0; i < SHARDS; i++) {
        if (memory_shard_make(&memory->shards[i]))
            continue;
        while (i-- > 0)
            memory_shard_break(&memory->shards[i]);
        return false;
    }
    return true;
}

enum idp_err kv_memory_open(const size_t quotas[KV_KINDS], const struct kv_memory_seams *seams,
                            struct kv **out)
{
    struct memory *memory = aligned_alloc(_Alignof(struct memory), sizeof(*memory));
    if (memory == NULL)
        return IDP_FAULT;
    memset(memory, 0, sizeof(*memory));
    memory->kv.driver = &memory_driver;
    memory->seams.now_ms = seams != NULL && seams->now_ms != NULL ? seams->now_ms : clock_ticks_ms;
    memory->seams.release = seams != NULL && seams->release != NULL ? seams->release : just_free;
    set_quotas(memory, quotas);
    if (random_bytes(memory->hash_key, sizeof(memory->hash_key)) != IDP_OK ||
        !make_shards(memory)) {
        free(memory);
        return IDP_FAULT;
    }
    *out = &memory->kv;
    return IDP_OK;
}
