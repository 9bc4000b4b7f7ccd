/*
 * The addresses of one authority's status service, as this node has come to know them: how long
 * each takes, whether its answers are of use, and so in which order they are asked. Kept from one
 * trust list to the next; shared by threads.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pki/ocsp/latency.h"
#include "pki/ocsp/ocsp.h"
#include "pki/trust/rules.h"

enum {
    SERVICES_MAX = 2 * RULES_OCSP_MAX, /* known; a list's own, and those of the list before */
    SERVICES_DOWN_MS = 30000,          /* how long one that was of no use comes last */
    SERVICES_LOSSES = 3,               /* races lost in a row that are as bad as no use */
    SERVICES_PATIENCE_MIN_MS = 20,     /* nobody is joined sooner, however quick it is */
};

struct service {
    char url[RULES_URL_MAX + 1];
    uint64_t asked;
    uint64_t hedged; /* of them: because the one before it took longer than usual */
    uint64_t won;    /* of them: its answer was the one that counted */
    uint64_t lost;   /* of them: broken off, because another's answer came first */
    uint64_t unusable[FAULTS];
    struct latency latency;
    unsigned losses;       /* in a row */
    int64_t down_until_ms; /* of clock_ticks_ms(): it comes last until then */
    int64_t used_ms;       /* when it was asked last */
};

struct services {
    pthread_mutex_t lock;
    struct service list[SERVICES_MAX];
    size_t count;
};

void services_init(struct services *services);
void services_clear(struct services *services);

/* An address's turn in a question. */
struct service_turn {
    const char *url;      /* the list's */
    unsigned patience_ms; /* after which the next one is asked, too: its usual p95 */
};

/*
 * Writes the turns of a list's addresses: in the list's order, those that are down after the
 * others. An address that is not well known is given a quarter of the deadline, and none more than
 * half. Returns how many.
 */
size_t services_order(struct services *services, const struct urls *urls, unsigned deadline_ms,
                      int64_t now_ms, struct service_turn out[RULES_OCSP_MAX]);

/* What came of asking an address. */
struct service_outcome {
    const char *url;
    bool hedged; /* it was asked because another took longer than usual */
    enum { SERVICE_WON, SERVICE_LOST, SERVICE_UNUSABLE } result;
    enum ocsp_fault fault; /* of an unusable one */
    int64_t took_us;       /* until it answered, failed or was broken off */
};

void services_count(struct services *services, const struct service_outcome *outcome,
                    int64_t now_ms);

/* Copies what is known of an address; all zero when it was never asked. */
void services_look(struct services *services, const char *url, struct service *out);
