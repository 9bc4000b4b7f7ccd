/* Who is at the other end of a connection, as text. */
#pragma once

#include <netinet/in.h>

struct http_peer {
    struct in6_addr bytes; /* IPv4 in its mapped form; zeros for anything else */
    char address[INET6_ADDRSTRLEN];
    char network[INET6_ADDRSTRLEN + 3]; /* as in struct request */
};

struct sockaddr;

/*
 * Describes an IPv4 or IPv6 address. Whoever has one address of IPv6 has the 2^64 of its network
 * (RFC 6177), so that network is what stands for somebody. All texts are empty for anything else.
 */
void http_peer_describe(const struct sockaddr *address, struct http_peer *out);

/* The same of an address alone, with IPv4 in its mapped form. */
void http_peer_describe_bytes(const struct in6_addr *address, struct http_peer *out);
