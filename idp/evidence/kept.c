#include "evidence/kept.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 4096 };

struct kept {
    pthread_mutex_t lock;
    unsigned char hashes[PLACES][DIGEST_SIZE]; /* all zero: free */
};

struct kept *kept_new(void)
{
    struct kept *kept = calloc(1, sizeof(*kept));
    if (kept == NULL || pthread_mutex_init(&kept->lock, NULL) == 0)
        return kept;
    free(kept);
    return NULL;
}

void kept_free(struct kept *kept)
{
    if (kept == NULL)
        return;
    (void)pthread_mutex_destroy(&kept->lock);
    free(kept);
}

static unsigned char *place_of(struct kept *kept, const unsigned char *hash)
{
    return kept->hashes[((size_t)hash[0] << 8 | hash[1]) % PLACES];
}

bool kept_has(struct kept *kept, const unsigned char hash[DIGEST_SIZE])
{
    if (kept == NULL)
        return false;
    (void)pthread_mutex_lock(&kept->lock);
    bool has = memcmp(place_of(kept, hash), hash, DIGEST_SIZE) == 0;
    (void)pthread_mutex_unlock(&kept->lock);
    return has;
}

void kept_add(struct kept *kept, const unsigned char hash[DIGEST_SIZE])
{
    if (kept == NULL)
        return;
    (void)pthread_mutex_lock(&kept->lock);
    memcpy(place_of(kept, hash), hash, DIGEST_SIZE);
    (void)pthread_mutex_unlock(&kept->lock);
}
