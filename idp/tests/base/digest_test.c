#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/text.h"

static void expect_hex(const unsigned char *bytes, const char *hex)
{
    char text[2 * DIGEST_SIZE + 1];
    text_to_hex(bytes, DIGEST_SIZE, text);
    assert_string_equal(text, hex);
}

static void expect_digest(enum digest_kind kind, const char *text, const char *hex)
{
    unsigned char out[DIGEST_SIZE];
    assert_int_equal(digest(kind, text, strlen(text), out), IDP_OK);
    expect_hex(out, hex);
}

static void sha256_gives_the_known_answers(void **state)
{
    (void)state; /* FIPS 180-4's examples */
    expect_digest(DIGEST_SHA256, "",
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_digest(DIGEST_SHA256, "abc",
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_digest(DIGEST_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void sm3_gives_the_known_answers(void **state)
{
    (void)state; /* GB/T 32905-2016 appendix A */
    expect_digest(DIGEST_SM3, "abc",
                  "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    expect_digest(DIGEST_SM3, "abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd",
                  "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
}

static void pieces_hash_like_the_whole(void **state)
{
    (void)state;
    const struct digest_piece pieces[] = {{"a", 1}, {"", 0}, {"bc", 2}, {NULL, 0}};
    unsigned char out[DIGEST_SIZE];
    assert_int_equal(digest_pieces(DIGEST_SHA256, pieces, out), IDP_OK);
    expect_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void expect_mac(const char *key, size_t key_len, const char *data, const char *hex)
{
    unsigned char out[DIGEST_SIZE];
    const struct digest_piece pieces[] = {{data, strlen(data)}, {NULL, 0}};
    struct mac_key *prepared = mac_key_new(key, key_len);
    assert_non_null(prepared);
    for (int i = 0; i < 2; i++) { /* a key is not used up */
        assert_int_equal(mac(prepared, pieces, out), IDP_OK);
        expect_hex(out, hex);
    }
    mac_key_free(prepared);
}

static void hmac_gives_the_answers_of_rfc_4231(void **state)
{
    (void)state;
    static const char key1[] = "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
                               "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b";
    char key6[131];
    memset(key6, 0xaa, sizeof(key6));
    expect_mac(key1, 20, "Hi There",
               "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    expect_mac("Jefe", 4, "what do ya want for nothing?",
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    expect_mac(key6, sizeof(key6), "Test Using Larger Than Block-Size Key - Hash Key First",
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void *many_macs(void *arg)
{
    static const struct digest_piece pieces[] = {{"Hi", 2}, {" There", 6}, {NULL, 0}};
    static const unsigned char wanted[4] = {0xb0, 0x34, 0x4c, 0x61};
    unsigned char out[DIGEST_SIZE];
    for (int i = 0; i < 500; i++)
        if (mac(arg, pieces, out) != IDP_OK || memcmp(out, wanted, sizeof(wanted)) != 0)
            return arg;
    return NULL;
}

static void key_is_shared_by_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    unsigned char key[20];
    memset(key, 0x0b, sizeof(key));
    struct mac_key *prepared = mac_key_new(key, sizeof(key));
    assert_non_null(prepared);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, many_macs, prepared), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong = prepared;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    mac_key_free(prepared);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_known_answers),
        cmocka_unit_test(sm3_gives_the_known_answers),
        cmocka_unit_test(pieces_hash_like_the_whole),
        cmocka_unit_test(hmac_gives_the_answers_of_rfc_4231),
        cmocka_unit_test(key_is_shared_by_threads),
    };
    return cmocka_run_group_tests_name("base/digest", tests, NULL, NULL);
}
