#include "store/postgres_pool.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/circuit.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/postgres_connection.h"
#include "store/postgres_place.h"

enum { PROBE_PAUSE_MS = 1000, TELL_PAUSE_MS = 1000 };

/* Somebody who waits for a connection; lies on its own stack. */
struct waiter {
    struct postgres_connection *connection; /* what it is given, */
    bool may_make;                          /* or the right to make one, or neither */
    sem_t woken;
    struct waiter *next;
};

struct postgres_pool {
    const struct postgres_place *place;
    size_t most;
    struct circuit circuit;
    atomic_size_t standing;  /* connections */
    _Atomic int64_t told_ms; /* when it was last logged that all are in use */
    pthread_mutex_t lock;    /* guards what follows */
    size_t made;             /* connections, and those that are being made */
    size_t idle_count;
    struct postgres_connection **idle; /* the last used at the end: its statements are warm */
    struct waiter *first, **last;
};

/* --- waiters; the lock is held ------------------------------------------------------------- */

static void enqueue(struct postgres_pool *pool, struct waiter *waiter)
{
    waiter->next = NULL;
    *pool->last = waiter;
    pool->last = &waiter->next;
}

static struct waiter *dequeue(struct postgres_pool *pool)
{
    struct waiter *waiter = pool->first;
    if (waiter == NULL)
        return NULL;
    pool->first = waiter->next;
    if (pool->first == NULL)
        pool->last = &pool->first;
    return waiter;
}

/* Takes a waiter out that has been given nothing; false when it is not there any more. */
static bool leave_queue(struct postgres_pool *pool, const struct waiter *waiter)
{
    struct waiter **at = &pool->first;
    while (*at != NULL && *at != waiter)
        at = &(*at)->next;
    if (*at == NULL)
        return false;
    *at = waiter->next;
    if (*at == NULL)
        pool->last = at;
    return true;
}

/* --- what becomes free --------------------------------------------------------------------- */

/* Hands a connection, or without one the right to make one, to who waits longest. */
static void pass_on(struct postgres_pool *pool, struct postgres_connection *connection)
{
    (void)pthread_mutex_lock(&pool->lock);
    struct waiter *waiter = dequeue(pool);
    if (waiter != NULL) {
        waiter->connection = connection;
        waiter->may_make = connection == NULL;
        (void)sem_post(&waiter->woken);
    } else if (connection != NULL) {
        pool->idle[pool->idle_count++] = connection;
    } else {
        pool->made--;
    }
    (void)pthread_mutex_unlock(&pool->lock);
}

/* The server does not answer: nobody waits any more. */
static void open_circuit(struct postgres_pool *pool)
{
    circuit_missed(&pool->circuit, clock_ticks_ms());
    (void)pthread_mutex_lock(&pool->lock);
    for (struct waiter *waiter = dequeue(pool); waiter != NULL; waiter = dequeue(pool))
        (void)sem_post(&waiter->woken);
    (void)pthread_mutex_unlock(&pool->lock);
}

/* --- making -------------------------------------------------------------------------------- */

/* One that counted already could not be made. */
static void give_up_making(struct postgres_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    pool->made--;
    (void)pthread_mutex_unlock(&pool->lock);
}

/*
 * Makes a connection, which counts already. Returns IDP_LIMITED when the server refuses this one
 * and others stand: it may only have no room for one more, and they can be waited for.
 */
static enum idp_err make(struct postgres_pool *pool, struct postgres_connection **out)
{
    bool late = false;
    char *why = NULL;
    enum idp_err err = postgres_connection_open(pool->place, &why, &late, out);
    if (err == IDP_OK) {
        pool->standing++;
        circuit_answered(&pool->circuit);
        return IDP_OK;
    }
    log_event(LOG_ERROR, "sql_not_connected", "reason", why);
    free(why);
    give_up_making(pool);
    if (!late && pool->standing > 0)
        return IDP_LIMITED;
    open_circuit(pool);
    return err;
}

static void discard(struct postgres_pool *pool, struct postgres_connection *connection)
{
    pool->standing--;
    postgres_connection_close(connection);
}

/* One that lay idle may have been closed by the server meanwhile. */
static enum idp_err make_sure(struct postgres_pool *pool, struct postgres_connection **connection)
{
    if (*connection != NULL && postgres_connection_is_quiet(*connection))
        return IDP_OK;
    if (*connection != NULL)
        discard(pool, *connection);
    *connection = NULL;
    return make(pool, connection);
}

/* --- taking and giving --------------------------------------------------------------------- */

/* Waits to be woken; false when that takes longer than until_ms, of clock_ticks_ms(). */
static bool wait_until(struct waiter *waiter, int64_t until_ms)
{
    for (int64_t left = 0; (left = until_ms - clock_ticks_ms()) > 0;) {
        struct timespec until = {0};
        (void)clock_gettime(CLOCK_REALTIME, &until); /* the one that sem_timedwait() goes by */
        until.tv_nsec += left % 1000 * 1000000;
        until.tv_sec += left / 1000 + until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (sem_timedwait(&waiter->woken, &until) == 0)
            return true;
    }
    return false;
}

static void tell_exhausted(struct postgres_pool *pool)
{
    int64_t now = clock_ticks_ms();
    int64_t told = atomic_load(&pool->told_ms);
    if (now - told >= TELL_PAUSE_MS && atomic_compare_exchange_strong(&pool->told_ms, &told, now))
        log_event(LOG_WARN, "sql_connections_all_in_use", NULL, NULL);
}

static enum idp_err wait_turn(struct postgres_pool *pool, struct waiter *waiter)
{
    bool left = false;
    if (!wait_until(waiter, clock_ticks_ms() + pool->place->deadline_ms)) {
        (void)pthread_mutex_lock(&pool->lock);
        left = leave_queue(pool, waiter);
        (void)pthread_mutex_unlock(&pool->lock);
        if (left)
            tell_exhausted(pool);
    }
    return waiter->connection != NULL || waiter->may_make ? IDP_OK : IDP_UNAVAILABLE;
}

/* Whether one has to be waited for; not when there is none that could be. The lock is held. */
static bool has_to_wait(const struct postgres_pool *pool, bool rather)
{
    bool rather_waits = pool->made > 0 && (rather || pool->first != NULL);
    return pool->idle_count == 0 && (pool->made == pool->most || rather_waits);
}

/* Finds a connection, or NULL with the right to make one. */
static enum idp_err find(struct postgres_pool *pool, bool rather_waits,
                         struct postgres_connection **out)
{
    struct waiter waiter = {.connection = NULL};
    (void)pthread_mutex_lock(&pool->lock);
    bool waits = has_to_wait(pool, rather_waits);
    if (waits) {
        (void)sem_init(&waiter.woken, 0, 0);
        enqueue(pool, &waiter);
    } else if (pool->idle_count > 0) {
        waiter.connection = pool->idle[--pool->idle_count];
    } else {
        pool->made++;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    enum idp_err err = waits ? wait_turn(pool, &waiter) : IDP_OK;
    if (waits)
        (void)sem_destroy(&waiter.woken);
    *out = waiter.connection;
    return err;
}

enum idp_err postgres_pool_take(struct postgres_pool *pool, struct postgres_connection **out)
{
    enum idp_err err = IDP_LIMITED;
    struct postgres_connection *connection = NULL;
    if (!circuit_allows(&pool->circuit, clock_ticks_ms()))
        return IDP_UNAVAILABLE;
    for (int tries = 0; err == IDP_LIMITED && tries < 2; tries++) {
        err = find(pool, tries > 0, &connection);
        if (err == IDP_OK)
            err = make_sure(pool, &connection);
    }
    if (err == IDP_OK)
        *out = connection;
    return err == IDP_LIMITED ? IDP_UNAVAILABLE : err;
}

void postgres_pool_give(struct postgres_pool *pool, struct postgres_connection *connection)
{
    bool good = postgres_connection_is_good(connection);
    if (good)
        circuit_answered(&pool->circuit);
    if (postgres_connection_is_late(connection))
        open_circuit(pool);
    if (!good) {
        discard(pool, connection);
        connection = NULL;
    }
    pass_on(pool, connection);
}

/* --- the pool ------------------------------------------------------------------------------ */

enum idp_err postgres_pool_new(const struct postgres_place *place, size_t most, char **why,
                               struct postgres_pool **out)
{
    bool late = false;
    struct postgres_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return IDP_FAULT;
    pool->place = place;
    pool->most = most;
    pool->last = &pool->first;
    (void)pthread_mutex_init(&pool->lock, NULL);
    circuit_init(&pool->circuit, "postgresql", PROBE_PAUSE_MS);
    pool->idle = calloc(most, sizeof(struct postgres_connection *));
    enum idp_err err = pool->idle != NULL
                           ? postgres_connection_open(place, why, &late, &pool->idle[0])
                           : IDP_FAULT;
    if (err != IDP_OK) {
        postgres_pool_free(pool);
        return err;
    }
    pool->made = pool->idle_count = 1;
    pool->standing = 1;
    *out = pool;
    return IDP_OK;
}

void postgres_pool_free(struct postgres_pool *pool)
{
    if (pool == NULL)
        return;
    for (size_t i = 0; pool->idle != NULL && i < pool->idle_count; i++)
        postgres_connection_close(pool->idle[i]);
    free(pool->idle);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}
