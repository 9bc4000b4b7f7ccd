#include "net/pool.h"

#include <stdlib.h>

void net_pool_init(struct net_pool *pool)
{
    pool->count = 0;
    if (pthread_mutex_init(&pool->lock, NULL) != 0)
        abort(); /* cannot happen with default attributes */
}

void net_pool_clear(struct net_pool *pool)
{
    while (pool->count > 0)
        (void)curl_multi_cleanup(pool->sets[--pool->count]);
    (void)pthread_mutex_destroy(&pool->lock);
}

static CURLM *make(void)
{
    CURLM *set = curl_multi_init();
    if (set == NULL ||
        curl_multi_setopt(set, CURLMOPT_MAXCONNECTS, (long)NET_POOL_CONNECTIONS) == CURLM_OK)
        return set;
    (void)curl_multi_cleanup(set);
    return NULL;
}

CURLM *net_pool_take(struct net_pool *pool)
{
    CURLM *set = NULL;
    (void)pthread_mutex_lock(&pool->lock);
    if (pool->count > 0)
        set = pool->sets[--pool->count];
    (void)pthread_mutex_unlock(&pool->lock);
    return set != NULL ? set : make();
}

void net_pool_give(struct net_pool *pool, CURLM *set)
{
    (void)pthread_mutex_lock(&pool->lock);
    if (pool->count < NET_POOL_SETS) {
        pool->sets[pool->count++] = set;
        set = NULL;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    if (set != NULL)
        (void)curl_multi_cleanup(set);
}
