/* Whether the services that a trust list names answer, and how fast: each is really asked once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct net;
struct trial;
struct trial_certificate;

enum {
    TRIAL_LIST_MS = 30000,   /* the longest that a list of revoked certificates may take */
    TRIAL_TOTAL_MS = 120000, /* nobody is asked any more after that */
};

struct trial_service {
    const char *authority, *url;
    bool is_list;        /* a list of revoked certificates; else a status service */
    bool asked;          /* false: nothing was sent, problem says why */
    bool good;           /* something of use came */
    const char *problem; /* NULL: none */
    int64_t took_ms;
    int64_t bytes; /* of a list */
};

struct trial_asking {
    const struct trial *trial;                     /* its new list is asked about */
    struct net *net;                               /* the way out */
    struct trial_certificate *const *certificates; /* of which one of each authority is needed */
    size_t count;
};

/*
 * Asks each status service about a certificate of its authority, where one was seen, and fetches
 * each list, one after the other. What a service says of the certificate does not matter, as long
 * as it may say it. The result is the arena's. Returns IDP_FAULT.
 */
enum idp_err trial_services_ask(const struct trial_asking *asking, struct arena *arena,
                                struct trial_service **out, size_t *found);
