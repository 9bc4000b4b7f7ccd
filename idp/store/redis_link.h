/*
 * A stream to a Redis server: TCP or a unix socket, with TLS or without. Everything ends at a time
 * that the caller names (clock_ticks_ms()), whatever the other side does. A link that is open stays
 * where it is in memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "base/error.h"

struct redis_host;
struct redis_place;

/* Where to. */
struct redis_target {
    const struct redis_place *place;
    struct redis_host *host; /* NULL: the place is a unix socket */
    SSL_CTX *tls;            /* NULL: without */
};

struct redis_link {
    int fd; /* -1: closed */
    SSL *tls;
    const char *problem; /* why the last call failed, a text that stays */
    bool late;           /* it was the deadline */
};

/* A closed one. */
extern const struct redis_link redis_link_closed;

/*
 * Connects, to one address after the other, and makes the TLS session. Returns IDP_UNAVAILABLE with
 * link->problem, IDP_FAULT without memory; the link is closed then. It must be closed before.
 */
enum idp_err redis_link_open(struct redis_link *link, const struct redis_target *target,
                             int64_t until);

/* Sends all; *sent is how much the system has taken, also when it fails. IDP_UNAVAILABLE with
 * link->problem; the link is good for nothing but closing then. */
enum idp_err redis_link_send(struct redis_link *link, const void *bytes, size_t len, int64_t until,
                             size_t *sent);

/* Waits for some bytes, at most size; *got is at least 1. Fails as redis_link_send() does; the end
 * of the stream is a failure. */
enum idp_err redis_link_receive(struct redis_link *link, void *bytes, size_t size, int64_t until,
                                size_t *got);

/* Whether the other side has neither closed nor sent anything: what it may have after a reply was
 * read whole. Does not wait. */
bool redis_link_is_quiet(struct redis_link *link);

void redis_link_close(struct redis_link *link);
