/* What stands for somebody when requests are counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "http/peer.h"

static void expect(const char *given, const char *address, const char *network)
{
    struct http_peer peer;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at = {.any = {.sa_family = AF_INET}};
    if (inet_pton(AF_INET, given, &at.v4.sin_addr) != 1) {
        at.any.sa_family = AF_INET6;
        assert_int_equal(inet_pton(AF_INET6, given, &at.v6.sin6_addr), 1);
    }
    http_peer_describe(&at.any, &peer);
    assert_string_equal(peer.address, address);
    assert_string_equal(peer.network, network);
}

static void address_of_ipv4_is_its_own_network(void **state)
{
    (void)state;
    expect("127.0.0.1", "127.0.0.1", "127.0.0.1");
    expect("255.255.255.255", "255.255.255.255", "255.255.255.255");
    expect("::ffff:10.1.2.3", "10.1.2.3", "10.1.2.3");
}

/* One subscriber has 2^64 addresses: limits for each of them limited nobody. */
static void addresses_of_ipv6_are_counted_by_their_network(void **state)
{
    (void)state;
    expect("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
    expect("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2:ffff:ffff:ffff:ffff",
           "2001:db8:1:2::/64");
    expect("::1", "::1", "::/64");
    expect("ffff:eeee:dddd:cccc:1111:2222:3333:4444", "ffff:eeee:dddd:cccc:1111:2222:3333:4444",
           "ffff:eeee:dddd:cccc::/64");
}

static void what_is_no_ip_address_has_no_text(void **state)
{
    (void)state;
    struct http_peer peer;
    const struct sockaddr local = {.sa_family = AF_UNIX};
    http_peer_describe(&local, &peer);
    assert_string_equal(peer.address, "");
    assert_string_equal(peer.network, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_of_ipv4_is_its_own_network),
        cmocka_unit_test(addresses_of_ipv6_are_counted_by_their_network),
        cmocka_unit_test(what_is_no_ip_address_has_no_text),
    };
    return cmocka_run_group_tests_name("http/peer", tests, NULL, NULL);
}
