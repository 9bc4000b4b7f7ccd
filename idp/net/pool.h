/*
 * Sets of connections that are kept open. Whoever sends takes the set that was used last, so that
 * the fewest connections serve the most. For this room only.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>

#include <curl/curl.h>

enum {
    NET_POOL_SETS = 8,        /* kept; more are in use at times */
    NET_POOL_CONNECTIONS = 8, /* open in a set */
};

struct net_pool {
    pthread_mutex_t lock;
    CURLM *sets[NET_POOL_SETS]; /* the last one was used last */
    size_t count;
};

void net_pool_init(struct net_pool *pool);

/* Closes the connections; nobody uses one now. */
void net_pool_clear(struct net_pool *pool);

/* A set for the caller alone. Returns NULL when there is no memory. */
CURLM *net_pool_take(struct net_pool *pool);

/* Gives it back, without handles. */
void net_pool_give(struct net_pool *pool, CURLM *set);
