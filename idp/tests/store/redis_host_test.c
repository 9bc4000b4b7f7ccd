/* Addresses of a name, from a name server of the test's own, which may be slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include <netinet/in.h>

#include "store/redis_host.h"

/* What the name server says: an address by its last byte; 0: none. */
static atomic_int answer, asked;
static sem_t may_answer;
static atomic_bool slow;

static void look_up(const struct redis_host_name *name, struct redis_addresses *out)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    (void)name;
    asked++;
    if (slow)
        (void)sem_wait(&may_answer);
    address.sin_addr.s_addr = htonl(0x7f000000U + (unsigned)answer);
    if (answer == 0)
        return;
    memcpy(&out->list[0], &address, sizeof(address));
    out->count = 1;
}

static const struct redis_host_name name = {"cache.example", "6379", look_up};
static struct redis_host *host;

static int set_up(void **state)
{
    (void)state;
    (void)sem_init(&may_answer, 0, 0);
    slow = false;
    answer = 1;
    asked = 0;
    host = NULL;
    return redis_host_new(&name, &host) != IDP_OK;
}

static int tear_down(void **state)
{
    (void)state;
    redis_host_free(host);
    (void)sem_destroy(&may_answer);
    return 0;
}

static unsigned known(void)
{
    struct redis_addresses addresses;
    struct sockaddr_in first;
    redis_host_addresses(host, &addresses);
    assert_int_equal(addresses.count, 1);
    memcpy(&first, &addresses.list[0], sizeof(first));
    return ntohl(first.sin_addr.s_addr) & 0xff;
}

static void wait_until_known(unsigned address)
{
    for (int i = 0; i < 5000 && known() != address; i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(known(), address);
}

static void a_name_is_looked_up_at_the_start(void **state)
{
    (void)state;
    assert_int_equal(known(), 1);
    assert_int_equal(asked, 1);
}

static void a_name_that_moved_is_followed(void **state)
{
    (void)state;
    answer = 2;
    assert_int_equal(known(), 1);
    redis_host_look_again(host);
    wait_until_known(2);
    answer = 3;
    redis_host_look_again(host);
    wait_until_known(3);
}

static void nobody_waits_for_a_slow_name_server_and_it_is_asked_once(void **state)
{
    (void)state;
    slow = true;
    answer = 2;
    for (int i = 0; i < 10; i++)
        redis_host_look_again(host);
    assert_int_equal(known(), 1);
    assert_in_range(asked, 1, 2);
    (void)sem_post(&may_answer);
    wait_until_known(2);
    assert_int_equal(asked, 2);
}

static void a_name_server_that_fails_takes_nothing_away(void **state)
{
    (void)state;
    answer = 0;
    redis_host_look_again(host);
    for (int i = 0; i < 5000 && asked < 2; i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(known(), 1);
}

static void a_name_without_an_address_is_no_host(void **state)
{
    (void)state;
    struct redis_host *other = NULL;
    answer = 0;
    assert_int_equal(redis_host_new(&name, &other), IDP_UNAVAILABLE);
    assert_null(other);
    redis_host_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_name_is_looked_up_at_the_start),
        TEST(a_name_that_moved_is_followed),
        TEST(nobody_waits_for_a_slow_name_server_and_it_is_asked_once),
        TEST(a_name_server_that_fails_takes_nothing_away),
        TEST(a_name_without_an_address_is_no_host),
    };
    return cmocka_run_group_tests_name("store/redis_host", tests, NULL, NULL);
}
