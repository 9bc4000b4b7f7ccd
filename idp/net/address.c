#include "net/address.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

static const struct block4 {
    uint32_t network;
    unsigned bits;
} special4[] = {
    {0x00000000, 8},  /* 0.0.0.0 this network */
    {0x0a000000, 8},  /* 10.0.0.0 private */
    {0x64400000, 10}, /* 100.64.0.0 shared (CGNAT) */
    {0x7f000000, 8},  /* 127.0.0.0 loopback */
    {0xa9fe0000, 16}, /* 169.254.0.0 link-local, and the clouds' metadata services */
    {0xac100000, 12}, /* 172.16.0.0 private */
    {0xc0000000, 24}, /* 192.0.0.0 protocol assignments */
    {0xc0000200, 24}, /* 192.0.2.0 documentation */
    {0xc0586300, 24}, /* 192.88.99.0 6to4 relays, withdrawn */
    {0xc0a80000, 16}, /* 192.168.0.0 private */
    {0xc6120000, 15}, /* 198.18.0.0 benchmarking */
    {0xc6336400, 24}, /* 198.51.100.0 documentation */
    {0xcb007100, 24}, /* 203.0.113.0 documentation */
    {0xe0000000, 3},  /* 224.0.0.0 multicast, 240.0.0.0 reserved, broadcast */
};

/* Within 2000::/3, which alone is global unicast. */
static const struct block6 {
    unsigned char network[4];
    unsigned bits;
} special6[] = {
    {{0x20, 0x01, 0x00, 0x00},
     23}, /* 2001::/23 protocol assignments: Teredo, benchmarking, ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* 2001:db8::/32 documentation */
    {{0x20, 0x02, 0x00, 0x00}, 16}, /* 2002::/16 6to4 */
    {{0x3f, 0xff, 0x00, 0x00}, 20}, /* 3fff::/20 documentation */
};

static bool is_global4(const struct in_addr *address)
{
    uint32_t host = ntohl(address->s_addr);
    for (size_t i = 0; i < sizeof(special4) / sizeof(*special4); i++)
        if ((host ^ special4[i].network) >> (32 - special4[i].bits) == 0)
            return false;
    return true;
}

static uint32_t first_word(const unsigned char bytes[4])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_global6(const struct in6_addr *address)
{
    uint32_t word = first_word(address->s6_addr);
    if (word >> 29 != 1) /* 2000::/3 (RFC 4291 section 2.4) */
        return false;
    for (size_t i = 0; i < sizeof(special6) / sizeof(*special6); i++)
        if ((word ^ first_word(special6[i].network)) >> (32 - special6[i].bits) == 0)
            return false;
    return true;
}

bool net_address_is_global(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return is_global4(&in.sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        return is_global6(&in6.sin6_addr);
    }
    return false;
}

bool net_address_is_same(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return memcmp((const char *)a + offsetof(struct sockaddr_in, sin_addr),
                      (const char *)b + offsetof(struct sockaddr_in, sin_addr),
                      sizeof(struct in_addr)) == 0;
    return a->sa_family == AF_INET6 &&
           memcmp((const char *)a + offsetof(struct sockaddr_in6, sin6_addr),
                  (const char *)b + offsetof(struct sockaddr_in6, sin6_addr),
                  sizeof(struct in6_addr)) == 0;
}
