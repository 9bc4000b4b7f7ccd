#include "pki/lock/leaves.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 8, SETS = LEAVES_MAX / WAYS, LOCKS = 16 };

struct place_in_set {
    struct leaf *leaf; /* NULL: free */
    uint64_t used;     /* the set's count when it was last found */
};

struct leaf_set {
    struct place_in_set places[WAYS];
    uint64_t count;
};

struct leaves {
    pthread_mutex_t locks[LOCKS]; /* set n is guarded by lock n modulo LOCKS */
    struct leaf_set sets[SETS];
};

struct leaves *leaves_new(void)
{
    struct leaves *leaves = calloc(1, sizeof(*leaves));
    if (leaves == NULL)
        return NULL;
    for (size_t i = 0; i < LOCKS; i++)
        if (pthread_mutex_init(&leaves->locks[i], NULL) != 0)
            abort(); /* cannot happen with default attributes */
    return leaves;
}

void leaves_free(struct leaves *leaves)
{
    if (leaves == NULL)
        return;
    for (size_t i = 0; i < SETS; i++)
        for (size_t j = 0; j < WAYS; j++)
            leaf_release(leaves->sets[i].places[j].leaf);
    for (size_t i = 0; i < LOCKS; i++)
        (void)pthread_mutex_destroy(&leaves->locks[i]);
    free(leaves);
}

static size_t set_of(const unsigned char *hash)
{
    return ((size_t)hash[0] << 8 | hash[1]) % SETS;
}

static struct place_in_set *find(struct leaf_set *set, const unsigned char *hash)
{
    for (size_t i = 0; i < WAYS; i++)
        if (set->places[i].leaf != NULL &&
            memcmp(set->places[i].leaf->hash, hash, DIGEST_SIZE) == 0)
            return &set->places[i];
    return NULL;
}

/* A free place, or the one not used for longest. */
static struct place_in_set *oldest(struct leaf_set *set)
{
    struct place_in_set *found = &set->places[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set->places[i].leaf == NULL)
            return &set->places[i];
        if (set->places[i].used < found->used)
            found = &set->places[i];
    }
    return found;
}

struct leaf *leaves_find(struct leaves *leaves, const unsigned char hash[DIGEST_SIZE])
{
    size_t n = set_of(hash);
    struct leaf *leaf = NULL;
    (void)pthread_mutex_lock(&leaves->locks[n % LOCKS]);
    struct place_in_set *place = find(&leaves->sets[n], hash);
    if (place != NULL) {
        place->used = ++leaves->sets[n].count;
        leaf = leaf_take(place->leaf);
    }
    (void)pthread_mutex_unlock(&leaves->locks[n % LOCKS]);
    return leaf;
}

void leaves_add(struct leaves *leaves, struct leaf *leaf)
{
    size_t n = set_of(leaf->hash);
    struct leaf *evicted = NULL;
    if (!leaf->path_is_good)
        return;
    (void)pthread_mutex_lock(&leaves->locks[n % LOCKS]);
    if (find(&leaves->sets[n], leaf->hash) == NULL) {
        struct place_in_set *place = oldest(&leaves->sets[n]);
        evicted = place->leaf;
        *place = (struct place_in_set){.leaf = leaf_take(leaf), .used = ++leaves->sets[n].count};
    }
    (void)pthread_mutex_unlock(&leaves->locks[n % LOCKS]);
    leaf_release(evicted);
}
