/* Which addresses librp talks to and believes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Says whether url is an absolute https address with a host and without user, password or
 * fragment; in development also http, on a loopback address (127.0.0.0/8, [::1] or localhost).
 */
bool rp_address_is_safe(const char *url, bool development);

/* The length of scheme://host[:port] in a safe address. */
size_t rp_address_origin_len(const char *url);

/*
 * Says whether url is a page of the origin of own (a safe address): the same scheme, host and port
 * byte for byte, then a path, a query or nothing; no backslash, space, control character or
 * anything outside ASCII, which browsers and libraries read differently.
 */
bool rp_address_is_own(const char *url, const char *own);
