/*
 * Proxies that stand before the server and say for whom they speak, in X-Forwarded-For. It is
 * believed from the addresses of the settings only, and never says more than who asks: scheme, host
 * and origin stand in the settings. "Forwarded" (RFC 7239) is not read: a proxy writes one of the
 * two, and a client could speak through the other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <netinet/in.h>

#include "base/error.h"

struct http_proxies;

/*
 * Takes a list, ended by NULL, of addresses and networks ("10.0.0.0/8", "fd00::/8"; no bits may be
 * set behind the prefix). Returns IDP_BAD_REQUEST and the index of the first that is none in *bad,
 * IDP_FAULT without memory.
 */
enum idp_err http_proxies_new(const char *const list[], size_t *bad, struct http_proxies **out);

/* NULL is allowed. */
void http_proxies_free(struct http_proxies *proxies);

/* Whether an address is a proxy's; IPv4 in its mapped form (RFC 4291 section 2.5.5.2). */
bool http_proxies_have(const struct http_proxies *proxies, const struct in6_addr *address);

enum { HTTP_FORWARDED_LINES_MAX = 4, HTTP_FORWARDED_HOPS_MAX = 16 };

/*
 * Who asked the outermost proxy, out of the header's lines (at most HTTP_FORWARDED_LINES_MAX) in
 * the order in which they came: the last address that is no proxy's or, when all are, the first.
 * What stands before it was written by strangers and is not looked at. Returns IDP_NOT_FOUND
 * without a line; IDP_BAD_REQUEST when what a proxy wrote is no address, or came through more than
 * HTTP_FORWARDED_HOPS_MAX of them.
 */
enum idp_err http_proxies_client(const struct http_proxies *proxies, const char *const lines[],
                                 size_t count, struct in6_addr *out);
