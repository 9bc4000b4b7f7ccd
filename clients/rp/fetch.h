/* Calls to the provider: the only file that knows libcurl's transfers. */
#pragma once

#include <stddef.h>

#include <jansson.h>

#include "rp/rp.h"

struct arena;

struct rp_call {
    const char *url;
    const char *form;          /* POST with this body; NULL: GET */
    const char *authorization; /* the header's value, or NULL */
};

struct rp_reply {
    long status;
    json_t *json; /* the arena's; NULL when the body is not a JSON object */
};

/* What every call keeps to. */
struct rp_limits {
    const char *ca_file; /* NULL: the system's */
    unsigned timeout_ms;
    bool development; /* http is allowed */
};

/* libcurl's global state, once for the program. Returns false when that fails. */
bool rp_fetch_ready(void);

/*
 * Makes one call; redirects are not followed, proxies of the environment not used, bodies of more
 * than 128 KiB refused. Duplicate members make JSON bad. Returns RP_UNREACHABLE (also for a status
 * of 500 and above, and 429), RP_BAD_PROVIDER when the body is too long, RP_FAULT.
 */
enum rp_err rp_fetch(struct arena *arena, const struct rp_limits *limits,
                     const struct rp_call *call, struct rp_note *note, struct rp_reply *out);
