#include "store/redis_host.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <netdb.h>

struct redis_host {
    struct redis_host_name name;
    pthread_mutex_t lock; /* guards what follows */
    struct redis_addresses known;
    pthread_t thread;
    bool running; /* the thread looks the name up */
    bool started; /* the thread has to be joined */
};

/* The system's way. */
static void ask_system(const struct redis_host_name *name, struct redis_addresses *out)
{
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    if (getaddrinfo(name->name, name->port, &hints, &found) != 0)
        return;
    for (const struct addrinfo *one = found; one != NULL && out->count < REDIS_ADDRESSES_MAX;
         one = one->ai_next)
        if (one->ai_addrlen <= sizeof(*out->list))
            memcpy(&out->list[out->count++], one->ai_addr, one->ai_addrlen);
    freeaddrinfo(found);
}

/* A name that cannot be looked up now keeps the addresses it had. */
static void look_up(struct redis_host *host)
{
    struct redis_addresses found = {.count = 0};
    host->name.look_up(&host->name, &found);
    (void)pthread_mutex_lock(&host->lock);
    if (found.count > 0)
        host->known = found;
    host->running = false;
    (void)pthread_mutex_unlock(&host->lock);
}

static void *look_up_aside(void *with)
{
    look_up(with);
    return NULL;
}

enum idp_err redis_host_new(const struct redis_host_name *name, struct redis_host **out)
{
    struct redis_host *host = calloc(1, sizeof(*host));
    if (host == NULL)
        return IDP_FAULT;
    host->name = *name;
    if (host->name.look_up == NULL)
        host->name.look_up = ask_system;
    (void)pthread_mutex_init(&host->lock, NULL);
    look_up(host);
    if (host->known.count == 0) {
        redis_host_free(host);
        return IDP_UNAVAILABLE;
    }
    *out = host;
    return IDP_OK;
}

void redis_host_free(struct redis_host *host)
{
    if (host == NULL)
        return;
    if (host->started)
        (void)pthread_join(host->thread, NULL);
    (void)pthread_mutex_destroy(&host->lock);
    free(host);
}

void redis_host_addresses(struct redis_host *host, struct redis_addresses *out)
{
    (void)pthread_mutex_lock(&host->lock);
    *out = host->known;
    (void)pthread_mutex_unlock(&host->lock);
}

void redis_host_look_again(struct redis_host *host)
{
    (void)pthread_mutex_lock(&host->lock);
    if (!host->running) {
        if (host->started)
            (void)pthread_join(host->thread, NULL); /* it has ended, or is about to */
        host->running = true;
        host->started = pthread_create(&host->thread, NULL, look_up_aside, host) == 0;
        host->running = host->started;
    }
    (void)pthread_mutex_unlock(&host->lock);
}
