#include "http/peer.h"

#include <string.h>

#include <arpa/inet.h>

enum { V4_AT = 12, NETWORK_BYTES = 8 }; /* of the 16 of an IPv6 address */

static void describe_v4(const void *bytes, struct http_peer *out)
{
    if (inet_ntop(AF_INET, bytes, out->address, sizeof(out->address)) != NULL)
        memcpy(out->network, out->address, INET_ADDRSTRLEN);
}

static void describe_v6(struct in6_addr whole, struct http_peer *out)
{
    if (inet_ntop(AF_INET6, &whole, out->address, sizeof(out->address)) == NULL)
        return;
    memset(whole.s6_addr + NETWORK_BYTES, 0, sizeof(whole.s6_addr) - NETWORK_BYTES);
    if (inet_ntop(AF_INET6, &whole, out->network, INET6_ADDRSTRLEN) != NULL)
        memcpy(out->network + strlen(out->network), "/64", sizeof("/64"));
}

void http_peer_describe_bytes(const struct in6_addr *address, struct http_peer *out)
{
    *out = (struct http_peer){.bytes = *address};
    if (IN6_IS_ADDR_V4MAPPED(address))
        describe_v4(address->s6_addr + V4_AT, out);
    else
        describe_v6(*address, out);
}

void http_peer_describe(const struct sockaddr *address, struct http_peer *out)
{
    union {
        const struct sockaddr *any;
        const struct sockaddr_in *v4;
        const struct sockaddr_in6 *v6;
    } peer = {.any = address};
    struct in6_addr mapped = {.s6_addr = {[10] = 0xFF, [11] = 0xFF}};
    *out = (struct http_peer){0};
    if (address->sa_family == AF_INET) {
        memcpy(mapped.s6_addr + V4_AT, &peer.v4->sin_addr, sizeof(peer.v4->sin_addr));
        http_peer_describe_bytes(&mapped, out);
    } else if (address->sa_family == AF_INET6) {
        http_peer_describe_bytes(&peer.v6->sin6_addr, out);
    }
}
