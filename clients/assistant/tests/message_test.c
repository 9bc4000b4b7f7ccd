#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "assistant/message.h"
#include "base/text.h"

static struct certificate abc(enum key_kind kind)
{
    return (struct certificate){.der = "abc", .len = 3, .kind = kind};
}

static void expect(enum key_kind kind, const char *hex)
{
    unsigned char m[MESSAGE_SIZE];
    char text[2 * MESSAGE_SIZE + 1];
    struct certificate certificate = abc(kind);
    assert_true(message_build(&certificate, "https://idp.example", "login.x", m));
    text_to_hex(m, sizeof(m), text);
    assert_string_equal(text, hex);
}

/* printf %s TEXT | openssl dgst -sha256 */
static void message_is_what_the_provider_rebuilds(void **state)
{
    (void)state;
    static const char hex[] = "54414d47412d4c4f47494e2f3100"
                              "512a336b79b57eb3ade003f3f510bcac23fa4b0f0b964d02d92aa005d06b91c6"
                              "c874aca05d693b6e50895912b034d38d893b5984a23015a6d68a45549ea2da4b"
                              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(KEY_RSA, hex);
    expect(KEY_P256, hex);
}

/* printf %s TEXT | openssl dgst -sm3 */
static void sm2_keys_use_sm3(void **state)
{
    (void)state;
    expect(KEY_SM2, "54414d47412d4c4f47494e2f3100"
                    "94659063b484ae2a4ca1103852f85fa0dae8039b11d27cdb6634dd5deb54a748"
                    "245f25416db4ca9603cfd14df4ca04cf59ef9ba1d59f30b647a69c6242a9b4f1"
                    "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
}

/* GB/T 32918.5 annex A.2: public key, message and e. */
static void sm2_digest_is_the_standards(void **state)
{
    (void)state;
    static const char point[] = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
                                "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
    unsigned char e[MESSAGE_DIGEST_SIZE];
    char text[2 * MESSAGE_DIGEST_SIZE + 1];
    struct certificate certificate = abc(KEY_SM2);
    assert_true(text_from_hex(point, certificate.point, POINT_SIZE));
    assert_true(message_digest(&certificate, "message digest", 14, e));
    text_to_hex(e, sizeof(e), text);
    assert_string_equal(text, "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640");
}

static void other_keys_sign_the_sha256_of_the_message(void **state)
{
    (void)state;
    unsigned char e[MESSAGE_DIGEST_SIZE];
    char text[2 * MESSAGE_DIGEST_SIZE + 1];
    struct certificate certificate = abc(KEY_P256);
    assert_true(message_digest(&certificate, "abc", 3, e));
    text_to_hex(e, sizeof(e), text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_is_what_the_provider_rebuilds),
        cmocka_unit_test(sm2_keys_use_sm3),
        cmocka_unit_test(sm2_digest_is_the_standards),
        cmocka_unit_test(other_keys_sign_the_sha256_of_the_message),
    };
    return cmocka_run_group_tests_name("assistant/message", tests, NULL, NULL);
}
