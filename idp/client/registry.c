/*
 * Remembered clients: sets of four slots, chosen by a hash of the id, under a lock that readers
 * share. Ids that do not exist are remembered apart and fewer, so that strangers who try names
 * cannot push out a client. The epoch moves with each refresh: what was read from SQL before it
 * and arrives after it is handed out, but not remembered.
 */
#include "client/registry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/lane.h"
#include "client/rows.h"

enum { WAYS = 4, SETS = 256, ABSENT_SETS = 64 };

/* What is handed out: one client, or a list of all. Freed when nobody holds it any more. */
struct record {
    atomic_size_t holders;
    struct arena *arena; /* all below */
    struct client client;
    struct client_list list;
};

struct client_registry {
    struct sql *db;
    bool (*stale)(const void *with); /* or NULL */
    const void *stale_with;
    pthread_rwlock_t lock; /* of all below */
    uint64_t epoch;
    bool trusted;
    unsigned turn; /* which slot of a full set goes */
    struct record *known[SETS][WAYS];
    char absent[ABSENT_SETS][WAYS][CLIENT_ID_MAX + 1];
    struct record *all;
};

/* --- records ------------------------------------------------------------------------------- */

static void drop_record(void *with)
{
    struct record *record = with;
    if (record == NULL || atomic_fetch_sub(&record->holders, 1) > 1)
        return;
    arena_free(record->arena);
    free(record);
}

static struct record *record_new(void)
{
    struct record *record = calloc(1, sizeof(*record));
    if (record == NULL)
        return NULL;
    atomic_init(&record->holders, 1);
    record->arena = arena_new();
    if (record->arena != NULL)
        return record;
    free(record);
    return NULL;
}

static struct record *hold(struct record *record)
{
    if (record != NULL)
        (void)atomic_fetch_add(&record->holders, 1);
    return record;
}

/* --- the registry -------------------------------------------------------------------------- */

struct client_registry *client_registry_new(struct sql *db)
{
    struct client_registry *registry = calloc(1, sizeof(*registry));
    if (registry == NULL)
        return NULL;
    registry->db = db;
    registry->epoch = 1;
    registry->trusted = true;
    if (pthread_rwlock_init(&registry->lock, NULL) == 0)
        return registry;
    free(registry);
    return NULL;
}

static void forget_all(struct client_registry *registry)
{
    for (size_t set = 0; set < SETS; set++) {
        for (size_t way = 0; way < WAYS; way++) {
            drop_record(registry->known[set][way]);
            registry->known[set][way] = NULL;
        }
    }
    memset(registry->absent, 0, sizeof(registry->absent));
    drop_record(registry->all);
    registry->all = NULL;
    registry->epoch++;
}

void client_registry_free(struct client_registry *registry)
{
    if (registry == NULL)
        return;
    forget_all(registry);
    (void)pthread_rwlock_destroy(&registry->lock);
    free(registry);
}

static void begin_anew(struct client_registry *registry, bool trusted)
{
    (void)pthread_rwlock_wrlock(&registry->lock);
    forget_all(registry);
    registry->trusted = trusted;
    (void)pthread_rwlock_unlock(&registry->lock);
}

void client_registry_refresh(struct client_registry *registry)
{
    begin_anew(registry, true);
}

void client_registry_distrust(struct client_registry *registry)
{
    begin_anew(registry, false);
}

void client_registry_guard(struct client_registry *registry, bool (*stale)(const void *with),
                           const void *with)
{
    registry->stale = stale;
    registry->stale_with = with;
}

static bool is_stale(const struct client_registry *registry)
{
    return registry->stale != NULL && registry->stale(registry->stale_with);
}

/* --- slots --------------------------------------------------------------------------------- */

/* FNV-1a. Only ids that exist get into `known`, so nobody can aim at one set of it. */
static uint32_t hash_of(const char *id)
{
    uint32_t hash = 2166136261u;
    for (; *id != '\0'; id++)
        hash = (hash ^ (unsigned char)*id) * 16777619u;
    return hash ^ hash >> 16;
}

/* What is remembered of an id: a record that is held now, or that there is none. */
struct memory {
    struct record *record;
    bool absent;
    uint64_t epoch;
};

static struct memory recall(struct client_registry *registry, const char *id, uint32_t hash)
{
    struct memory memory = {.record = NULL};
    if (is_stale(registry))
        return memory; /* of no epoch, so that what is read now is not remembered */
    (void)pthread_rwlock_rdlock(&registry->lock);
    memory.epoch = registry->epoch;
    for (size_t way = 0; way < WAYS; way++) {
        struct record *record = registry->known[hash % SETS][way];
        if (record != NULL && strcmp(record->client.id, id) == 0) {
            memory.record = hold(record);
            break;
        }
        if (strcmp(registry->absent[hash % ABSENT_SETS][way], id) == 0)
            memory.absent = true;
    }
    (void)pthread_rwlock_unlock(&registry->lock);
    return memory;
}

/* The slot of a set to use: an empty one, or each in its turn. */
static size_t choose_slot(struct client_registry *registry, struct record *const set[WAYS])
{
    for (size_t way = 0; way < WAYS; way++)
        if (set[way] == NULL)
            return way;
    return registry->turn++ % WAYS;
}

/* Two threads may have read the same row: the second leaves the first one's record. */
static bool is_known(struct record *const set[WAYS], const char *id)
{
    for (size_t way = 0; way < WAYS; way++)
        if (set[way] != NULL && strcmp(set[way]->client.id, id) == 0)
            return true;
    return false;
}

static void remember(struct client_registry *registry, struct record *record, uint64_t epoch)
{
    (void)pthread_rwlock_wrlock(&registry->lock);
    struct record **set = registry->known[hash_of(record->client.id) % SETS];
    if (registry->trusted && registry->epoch == epoch && !is_known(set, record->client.id)) {
        size_t way = choose_slot(registry, set);
        drop_record(set[way]);
        set[way] = hold(record);
    }
    (void)pthread_rwlock_unlock(&registry->lock);
}

static void remember_absent(struct client_registry *registry, const char *id, uint32_t hash,
                            uint64_t epoch)
{
    (void)pthread_rwlock_wrlock(&registry->lock);
    if (registry->trusted && registry->epoch == epoch) {
        char *slot = registry->absent[hash % ABSENT_SETS][registry->turn++ % WAYS];
        (void)snprintf(slot, CLIENT_ID_MAX + 1, "%s", id);
    }
    (void)pthread_rwlock_unlock(&registry->lock);
}

/* --- look-ups ------------------------------------------------------------------------------ */

static enum idp_err read_client(struct client_registry *registry, const char *id,
                                struct record **out)
{
    struct client_row row;
    struct record *record = record_new();
    enum idp_err err =
        record != NULL ? client_row_read(registry->db, record->arena, id, &row) : IDP_FAULT;
    if (err != IDP_OK) {
        drop_record(record);
        return err;
    }
    record->client = row.client;
    *out = record;
    return IDP_OK;
}

/* Hands a held record to the arena. */
static enum idp_err hand_out(struct arena *arena, struct record *record, const struct client **out)
{
    if (arena_own(arena, record, drop_record) == NULL)
        return IDP_FAULT;
    *out = &record->client;
    return IDP_OK;
}

enum idp_err client_find(struct client_registry *registry, struct arena *arena, const char *id,
                         const struct client **out)
{
    struct record *record = NULL;
    size_t len = strlen(id);
    if (len == 0 || len > CLIENT_ID_MAX)
        return IDP_NOT_FOUND;
    uint32_t hash = hash_of(id);
    const struct memory memory = recall(registry, id, hash);
    if (memory.record != NULL)
        return hand_out(arena, memory.record, out);
    if (memory.absent)
        return IDP_NOT_FOUND;
    if (!lane_may_wait())
        return IDP_WAIT;
    enum idp_err err = read_client(registry, id, &record);
    if (err == IDP_NOT_FOUND)
        remember_absent(registry, id, hash, memory.epoch);
    if (err != IDP_OK)
        return err;
    remember(registry, record, memory.epoch);
    return hand_out(arena, record, out);
}

static enum idp_err read_all(struct client_registry *registry, struct record **out)
{
    struct client_rows rows = {.count = 0};
    const struct client **clients = NULL;
    struct record *record = record_new();
    enum idp_err err =
        record != NULL ? client_rows_read(registry->db, record->arena, &rows) : IDP_FAULT;
    if (err == IDP_OK)
        clients = arena_alloc(record->arena, (rows.count + 1) * sizeof(const void *));
    if (err == IDP_OK && clients == NULL)
        err = IDP_FAULT;
    if (err != IDP_OK) {
        drop_record(record);
        return err;
    }
    for (size_t i = 0; i < rows.count; i++)
        clients[i] = &rows.rows[i].client;
    record->list = (struct client_list){.clients = clients, .count = rows.count};
    *out = record;
    return IDP_OK;
}

static struct memory recall_all(struct client_registry *registry)
{
    struct memory memory = {.record = NULL};
    if (is_stale(registry))
        return memory;
    (void)pthread_rwlock_rdlock(&registry->lock);
    memory.record = hold(registry->all);
    memory.epoch = registry->epoch;
    (void)pthread_rwlock_unlock(&registry->lock);
    return memory;
}

static void remember_all(struct client_registry *registry, struct record *record, uint64_t epoch)
{
    (void)pthread_rwlock_wrlock(&registry->lock);
    if (registry->trusted && registry->epoch == epoch && registry->all == NULL)
        registry->all = hold(record);
    (void)pthread_rwlock_unlock(&registry->lock);
}

enum idp_err client_list(struct client_registry *registry, struct arena *arena,
                         struct client_list *out)
{
    const struct memory memory = recall_all(registry);
    struct record *record = memory.record;
    if (record == NULL) {
        if (!lane_may_wait())
            return IDP_WAIT;
        enum idp_err err = read_all(registry, &record);
        if (err != IDP_OK)
            return err;
        remember_all(registry, record, memory.epoch);
    }
    if (arena_own(arena, record, drop_record) == NULL)
        return IDP_FAULT;
    *out = record->list;
    return IDP_OK;
}
