/* Which addresses belong to the public Internet. */
#pragma once

#include <stdbool.h>

#include <sys/socket.h>

/*
 * Says whether an address is global unicast, so that no name that a stranger controls leads into
 * our own networks: not loopback, private, link-local, shared (CGNAT), documentation, benchmarking,
 * multicast or reserved, and no IPv6 address that stands for an IPv4 one (mapped, NAT64, 6to4,
 * Teredo). By the IANA registries of special-purpose addresses (RFC 6890). Other families: false.
 */
bool net_address_is_global(const struct sockaddr *address);

/* Says whether two addresses are the same, ports aside. */
bool net_address_is_same(const struct sockaddr *a, const struct sockaddr *b);
