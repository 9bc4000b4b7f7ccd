#include "pki/ocsp/services.h"

#include <stdlib.h>
#include <string.h>

void services_init(struct services *services)
{
    services->count = 0;
    if (pthread_mutex_init(&services->lock, NULL) != 0)
        abort(); /* cannot happen with default attributes */
}

void services_clear(struct services *services)
{
    (void)pthread_mutex_destroy(&services->lock);
}

/* --- with the lock held --------------------------------------------------------------------- */

static struct service *find(struct services *services, const char *url)
{
    for (size_t i = 0; i < services->count; i++)
        if (strcmp(services->list[i].url, url) == 0)
            return &services->list[i];
    return NULL;
}

/* A place for one more: a new one, or that of whoever was not asked for longest. */
static struct service *make_room(struct services *services)
{
    struct service *oldest = &services->list[0];
    if (services->count < SERVICES_MAX)
        return &services->list[services->count++];
    for (size_t i = 1; i < services->count; i++)
        if (services->list[i].used_ms < oldest->used_ms)
            oldest = &services->list[i];
    return oldest;
}

static struct service *find_or_add(struct services *services, const char *url)
{
    struct service *service = find(services, url);
    if (service != NULL)
        return service;
    service = make_room(services);
    *service = (struct service){.asked = 0};
    strncpy(service->url, url, RULES_URL_MAX);
    return service;
}

static unsigned patience_of(const struct service *service, unsigned deadline_ms)
{
    int64_t usual_us = service != NULL ? latency_quantile(&service->latency, 95) : 0;
    int64_t ms = usual_us > 0 ? (usual_us + 999) / 1000 : deadline_ms / 4;
    if (ms > deadline_ms / 2)
        ms = deadline_ms / 2;
    return ms > SERVICES_PATIENCE_MIN_MS ? (unsigned)ms : SERVICES_PATIENCE_MIN_MS;
}

/* --- order ---------------------------------------------------------------------------------- */

size_t services_order(struct services *services, const struct urls *urls, unsigned deadline_ms,
                      int64_t now_ms, struct service_turn out[RULES_OCSP_MAX])
{
    size_t n = 0;
    (void)pthread_mutex_lock(&services->lock);
    for (int down = 0; down <= 1; down++)
        for (size_t i = 0; i < urls->count && n < RULES_OCSP_MAX; i++) {
            const struct service *service = find(services, urls->list[i]);
            bool is_down = service != NULL && now_ms < service->down_until_ms;
            if (is_down == (down == 1))
                out[n++] = (struct service_turn){.url = urls->list[i],
                                                 .patience_ms = patience_of(service, deadline_ms)};
        }
    (void)pthread_mutex_unlock(&services->lock);
    return n;
}

/* --- what came of it ------------------------------------------------------------------------ */

/*
 * One that was broken off has taken longer than we know; that says something where it is more than
 * was expected. Whoever loses again and again was quick once: without this it would be asked first,
 * and everybody would wait for it in vain, for ever.
 */
static void count_loss(struct service *service, const struct service_outcome *outcome,
                       int64_t now_ms)
{
    service->lost++;
    if (outcome->hedged)
        return; /* it came later, and had less time than the winner */
    if (outcome->took_us > latency_quantile(&service->latency, 95))
        latency_add(&service->latency, outcome->took_us);
    if (++service->losses >= SERVICES_LOSSES)
        service->down_until_ms = now_ms + SERVICES_DOWN_MS;
}

static void count_win(struct service *service, const struct service_outcome *outcome)
{
    service->won++;
    service->losses = 0;
    service->down_until_ms = 0;
    latency_add(&service->latency, outcome->took_us);
}

void services_count(struct services *services, const struct service_outcome *outcome,
                    int64_t now_ms)
{
    (void)pthread_mutex_lock(&services->lock);
    struct service *service = find_or_add(services, outcome->url);
    service->asked++;
    service->hedged += outcome->hedged;
    service->used_ms = now_ms;
    if (outcome->result == SERVICE_WON) {
        count_win(service, outcome);
    } else if (outcome->result == SERVICE_LOST) {
        count_loss(service, outcome, now_ms);
    } else {
        service->unusable[outcome->fault]++;
        service->down_until_ms = now_ms + SERVICES_DOWN_MS;
    }
    (void)pthread_mutex_unlock(&services->lock);
}

void services_look(struct services *services, const char *url, struct service *out)
{
    (void)pthread_mutex_lock(&services->lock);
    const struct service *service = find(services, url);
    *out = service != NULL ? *service : (struct service){.asked = 0};
    (void)pthread_mutex_unlock(&services->lock);
}
