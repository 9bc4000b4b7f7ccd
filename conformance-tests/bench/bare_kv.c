/* A key-value store with nothing to it: a hash table and its lock. */
#include "bare.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 50000, BUCKETS = 65536, KEY = 32, VALUE = 300 };

struct entry {
    struct entry *next;
    unsigned char key[KEY];
    unsigned char value[VALUE];
};

struct table {
    pthread_mutex_t lock;
    struct entry *buckets[BUCKETS];
};

/* Keys are random, as hashes and ids are, so that their first bytes serve. */
static size_t bucket_of(const unsigned char *key)
{
    return ((size_t)key[0] << 8 | key[1]) % BUCKETS;
}

static struct entry **find(struct table *table, const unsigned char *key)
{
    struct entry **at = &table->buckets[bucket_of(key)];
    while (*at != NULL && memcmp((*at)->key, key, KEY) != 0)
        at = &(*at)->next;
    return at;
}

static bool get(struct table *table, const unsigned char *key, unsigned char *value)
{
    (void)pthread_mutex_lock(&table->lock);
    const struct entry *entry = *find(table, key);
    if (entry != NULL)
        memcpy(value, entry->value, VALUE);
    (void)pthread_mutex_unlock(&table->lock);
    return entry != NULL;
}

static bool put(struct table *table, const unsigned char *key, unsigned char *value)
{
    struct entry *entry = malloc(sizeof(*entry));
    if (entry == NULL)
        return false;
    memcpy(entry->key, key, KEY);
    memcpy(entry->value, value, VALUE);
    (void)pthread_mutex_lock(&table->lock);
    struct entry **at = find(table, key);
    entry->next = *at;
    *at = entry;
    (void)pthread_mutex_unlock(&table->lock);
    return true;
}

static bool take(struct table *table, const unsigned char *key, unsigned char *value)
{
    (void)pthread_mutex_lock(&table->lock);
    struct entry **at = find(table, key);
    struct entry *entry = *at;
    if (entry != NULL) {
        memcpy(value, entry->value, VALUE);
        *at = entry->next;
    }
    (void)pthread_mutex_unlock(&table->lock);
    free(entry);
    return entry != NULL;
}

typedef bool command(struct table *table, const unsigned char *key, unsigned char *value);

/* Runs a command on every key. */
static bool run(struct table *table, unsigned char (*keys)[KEY], command *each, double *us)
{
    unsigned char value[VALUE] = {0};
    bool good = true;
    int64_t begun = bare_cpu_ns();
    for (size_t i = 0; good && i < KEYS; i++)
        good = each(table, keys[i], value);
    *us = (double)(bare_cpu_ns() - begun) / 1000.0 / KEYS;
    return good;
}

/* xorshift64: which keys they are does not matter, only that they are spread. */
static void fill(unsigned char (*keys)[KEY])
{
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < KEYS; i++)
        for (size_t j = 0; j < KEY; j++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            keys[i][j] = (unsigned char)(state >> 32);
        }
}

bool bare_kv(struct bare_kv *out)
{
    struct table *table = calloc(1, sizeof(*table));
    unsigned char(*keys)[KEY] = calloc(KEYS, sizeof(*keys));
    bool good = table != NULL && keys != NULL && pthread_mutex_init(&table->lock, NULL) == 0;
    if (good) {
        fill(keys);
        good = run(table, keys, put, &out->put_us) && run(table, keys, get, &out->get_us) &&
               run(table, keys, take, &out->take_us);
    }
    free(keys);
    free(table);
    return good;
}
