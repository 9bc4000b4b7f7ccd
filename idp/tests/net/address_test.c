#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "net/address.h"

static bool is_global(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return net_address_is_global((const struct sockaddr *)&in);
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return net_address_is_global((const struct sockaddr *)&in6);
}

static void public_addresses_are_global(void **state)
{
    (void)state;
    static const char *const list[] = {
        "1.1.1.1",         "8.8.8.8",      "9.255.255.255",   "11.0.0.0",
        "100.63.255.255",  "100.128.0.0",  "126.255.255.255", "128.0.0.0",
        "169.253.255.255", "169.255.0.0",  "172.15.255.255",  "172.32.0.0",
        "192.0.1.0",       "192.0.3.0",    "192.167.255.255", "192.169.0.0",
        "198.17.255.255",  "198.20.0.0",   "203.0.112.255",   "203.0.114.0",
        "223.255.255.255", "2400:3200::1", "2606:4700::1111", "2001:200::1",
        "2001:4860::8888", "2003::1",      "3ffe::1",         "2001:db7::1",
        "2001:db9::1"};
    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
        assert_true(is_global(list[i]));
}

static void all_others_are_not(void **state)
{
    (void)state;
    static const char *const list[] = {"0.0.0.0",
                                       "0.255.255.255", /* this network */
                                       "10.0.0.0",
                                       "10.255.255.255", /* private */
                                       "172.16.0.0",
                                       "172.31.255.255",
                                       "192.168.0.0",
                                       "192.168.255.255",
                                       "100.64.0.0",
                                       "100.127.255.255", /* shared */
                                       "127.0.0.0",
                                       "127.255.255.255", /* loopback */
                                       "169.254.0.0",
                                       "169.254.169.254", /* link-local, metadata */
                                       "192.0.0.0",
                                       "192.0.0.255", /* protocol assignments */
                                       "192.0.2.0",
                                       "198.51.100.7",
                                       "203.0.113.255", /* documentation */
                                       "192.88.99.1",
                                       "198.18.0.0",
                                       "198.19.255.255", /* 6to4, benchmarks */
                                       "224.0.0.1",
                                       "239.255.255.255",
                                       "240.0.0.1",
                                       "255.255.255.255",
                                       "::",
                                       "::1",
                                       "::2",
                                       "::ffff:8.8.8.8",
                                       "::ffff:127.0.0.1",
                                       "::ffff:0:8.8.8.8", /* mapped */
                                       "::8.8.8.8",        /* compatible, withdrawn */
                                       "64:ff9b::808:808",
                                       "64:ff9b::7f00:1",
                                       "64:ff9b:1::1", /* NAT64 */
                                       "100::1",       /* discard */
                                       "2001::1",
                                       "2001:0:7f00:1::", /* Teredo */
                                       "2001:2::1",
                                       "2001:10::1",
                                       "2001:20::1",
                                       "2001:1ff:ffff::1",
                                       "2001:db8::1",
                                       "3fff::1",
                                       "3fff:fff::1", /* documentation */
                                       "2002:7f00:1::",
                                       "2002:808:808::1", /* 6to4 */
                                       "5f00::1",
                                       "fc00::1",
                                       "fdff::1", /* SRv6, unique local */
                                       "fe80::1",
                                       "febf::1",
                                       "fec0::1", /* link-, site-local */
                                       "ff02::1",
                                       "ff0e::1",
                                       "4000::1",
                                       "1fff::1"};
    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
        assert_false(is_global(list[i]));
}

static void other_families_are_not(void **state)
{
    (void)state;
    const struct sockaddr local = {.sa_family = AF_UNIX};
    assert_false(net_address_is_global(&local));
    assert_false(net_address_is_same(&local, &local));
}

static void addresses_are_compared_without_ports(void **state)
{
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = 1};
    struct sockaddr_in b = {.sin_family = AF_INET, .sin_port = 2};
    struct sockaddr_in6 c = {.sin6_family = AF_INET6};
    assert_true(net_address_is_same((struct sockaddr *)&a, (struct sockaddr *)&b));
    b.sin_addr.s_addr = 1;
    assert_false(net_address_is_same((struct sockaddr *)&a, (struct sockaddr *)&b));
    assert_false(net_address_is_same((struct sockaddr *)&a, (struct sockaddr *)&c));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_addresses_are_global),
        cmocka_unit_test(all_others_are_not),
        cmocka_unit_test(other_families_are_not),
        cmocka_unit_test(addresses_are_compared_without_ports),
    };
    return cmocka_run_group_tests_name("net/address", tests, NULL, NULL);
}
