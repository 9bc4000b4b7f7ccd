/* The listening socket. */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct http_listener {
    int socket; /* -1: none */
    uint16_t port;
};

/*
 * Takes an IP address and port (0: any free one) without listening there yet: who may not have it
 * learns so before anything else is begun. Returns IDP_UNAVAILABLE and a text for a person in *why,
 * which the caller frees.
 */
enum idp_err http_listener_take(const char *address, uint16_t port, char **why,
                                struct http_listener *out);

/* Listens. Returns IDP_UNAVAILABLE as above, also when another came before us. */
enum idp_err http_listener_open(struct http_listener *listener, const char *address, char **why);

/*
 * Lets nobody begin a connection any more and waits until those that stand have been accepted by
 * whoever accepts, for at most wait_ms. Closing a socket that still has such connections would
 * reset them, and with them requests that were sent already.
 */
void http_listener_shut(const struct http_listener *listener, unsigned wait_ms);
