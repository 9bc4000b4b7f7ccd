/*
 * Where a transfer goes: the host of an address, resolved once, and the last gate before a
 * connection. For this room only.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include <curl/curl.h>

#include "base/error.h"
#include "net/net.h"
#include "net/pool.h"
#include "net/resolve.h"

enum { NET_HOST_MAX = 253 }; /* RFC 1035 section 2.3.4 */

struct net {
    char **allow; /* ends with NULL */
    struct net_resolver resolver;
    atomic_bool interrupted;
    struct net_pool pool;
};

struct net_target {
    char host[NET_HOST_MAX + 3]; /* as in the address, without brackets */
    char port[6];
    char scheme[8];
    struct net_addresses addresses;
    bool denied; /* curl wanted to go elsewhere */
};

/* Starts libcurl, once; without memory it ends the program. */
void net_start(void);

/* Takes an address apart. IDP_DENIED when it is none, has a user or password, or has a scheme that
 * is not in the space-separated list. */
enum idp_err net_target_read(const char *url, const char *schemes, struct net_target *out);

/* Says whether the net's allow-list names it, or another one, which may be NULL. */
bool net_target_is_allowed(const struct net *net, const char *const *more,
                           const struct net_target *target);

/* Asks the resolver for its addresses. Returns what that does. */
enum idp_err net_target_resolve(const struct net *net, struct net_target *target,
                                unsigned deadline_ms);

/*
 * Tells curl to connect to the target's addresses only, to ask no name server, no proxy and no
 * file, to use no signals, and to end at the deadline or when the net is interrupted. *pins is
 * what the caller frees with curl_slist_free_all() after the transfer. Returns false when there is
 * no memory. net and target must live until curl_easy_reset().
 */
bool net_target_bind(CURL *handle, struct net *net, struct net_target *target, unsigned deadline_ms,
                     struct curl_slist **pins);

/* This thread's handle, which keeps its connections for reuse; NULL when there is no memory. */
CURL *net_handle(void);
