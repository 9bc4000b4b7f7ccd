/*
 * The addresses of a Redis server's name.
 *
 * Asking a name server may take longer than any deadline, so no call waits for it: a call uses the
 * addresses that are known, and when they lead nowhere the name is looked up again by a thread of
 * its own. So a server that moves to another address is followed.
 */
#pragma once

#include <stddef.h>

#include <sys/socket.h>

#include "base/error.h"

enum { REDIS_ADDRESSES_MAX = 8 };

struct redis_addresses {
    struct sockaddr_storage list[REDIS_ADDRESSES_MAX];
    size_t count;
};

struct redis_host;

/* What a host is made from. The texts are borrowed for as long as it lives. */
struct redis_host_name {
    const char *name, *port;
    /* How names become addresses, where a test puts its own; NULL: the system's. Leaves count 0
     * when there is none. */
    void (*look_up)(const struct redis_host_name *name, struct redis_addresses *out);
};

/*
 * Looks the name up, and waits for it. Returns IDP_UNAVAILABLE when it has no address, IDP_FAULT
 * without memory.
 */
enum idp_err redis_host_new(const struct redis_host_name *name, struct redis_host **out);

/* Waits for a look-up that is under way. NULL is allowed. */
void redis_host_free(struct redis_host *host);

/* What is known now. */
void redis_host_addresses(struct redis_host *host, struct redis_addresses *out);

/* Begins to look the name up again, unless that is under way. */
void redis_host_look_again(struct redis_host *host);
