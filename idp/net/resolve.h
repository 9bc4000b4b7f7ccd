/* Names to addresses, in bounded time. The seam where tests put a name server that lies. */
#pragma once

#include <stddef.h>

#include <sys/socket.h>

#include "base/error.h"

enum { NET_ADDRESSES_MAX = 8 };

struct net_addresses {
    struct sockaddr_storage list[NET_ADDRESSES_MAX];
    size_t count;
};

struct net_resolver {
    void *context;
    /* Returns IDP_UNAVAILABLE when the name has no address, or none within the deadline. */
    enum idp_err (*resolve)(void *context, const char *host, unsigned deadline_ms,
                            struct net_addresses *out);
};

/* The system's. What is asked too slowly ends in the background; at most 16 such wait at once. */
extern const struct net_resolver net_system_resolver;

struct net;

/* Replaces the resolver of a net that nobody uses yet. */
void net_set_resolver(struct net *net, struct net_resolver resolver);
