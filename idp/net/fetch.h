/*
 * HTTP(S) requests to other servers, through libcurl.
 *
 * What it withstands: only http and https; http only where the host is on
 * the allow-list; a name is resolved once, every address of it is checked, and the connection goes
 * to that address; addresses that are not global unicast (loopback, private, link-local, mapped,
 * NAT64 …) are refused unless the allow-list names host:port; no redirects, no proxies from the
 * environment, no cookies; sizes of body and headers, and total time are bounded.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "net/net.h"

struct arena;

struct net_request {
    const char *url;
    const char *content_type; /* of body; NULL: GET */
    const void *body;
    size_t body_len;
    const char *accept; /* or NULL */
    /* "host:port" texts that are allowed for this request, beside the net's; or NULL. */
    const char *const *allow;
    bool plain; /* http will do for others, too, whose addresses are of the public Internet */
    /* What the server said of the answer that is here already: it may say 304 then. Or NULL. */
    const char *if_none_match, *if_modified_since;
    /* A descriptor that the body is written to, for answers that memory should not hold; or NULL.
     * Then a server that sends less than a kibibyte a second for ten seconds is given up. */
    const int *file;
    size_t answer_max;    /* bytes; more is IDP_FULL */
    unsigned deadline_ms; /* total */
};

enum { NET_VALIDATOR_MAX = 256 };

struct net_answer {
    long status;
    const char *content_type;         /* or NULL */
    const char *etag, *last_modified; /* or NULL; also when longer than NET_VALIDATOR_MAX */
    const void *body;                 /* NULL when it went to a file */
    size_t body_len;
};

/*
 * Sends it and waits. The answer is the arena's, whatever its status. Returns IDP_DENIED when the
 * address is not allowed, IDP_UNAVAILABLE when no answer came in time, IDP_FULL when it is too
 * large, IDP_WAIT on a thread that may not wait, IDP_FAULT also when the file cannot be written.
 * Each thread keeps its connections for reuse.
 */
enum idp_err net_fetch(struct net *net, struct arena *arena, const struct net_request *request,
                       struct net_answer *out);
