#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/siphash.h"

/* The key of the paper's appendix A and of the authors' vectors: the bytes 0 to 15. */
static const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

static const unsigned char message[15] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};

static void the_papers_vectors_hold(void **state)
{
    (void)state;
    assert_true(siphash(key, message, 0) == UINT64_C(0x726fdb47dd0e0e31));
    assert_true(siphash(key, message, 15) == UINT64_C(0xa129ca6149be45e5));
}

static void another_key_gives_another_hash(void **state)
{
    (void)state;
    const uint64_t other[2] = {key[0] ^ 1, key[1]};
    assert_true(siphash(other, message, 15) != siphash(key, message, 15));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_papers_vectors_hold),
        cmocka_unit_test(another_key_gives_another_hash),
    };
    return cmocka_run_group_tests_name("store/siphash", tests, NULL, NULL);
}
