#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "assistant/certificate.h"
#include "assistant/tests/medium.h"

static struct certificate found;

/* Reads the DER with some bytes more or fewer, from a block of exactly that size. */
static bool read_with(X509 *x509, int more)
{
    unsigned char *der = NULL;
    int len = i2d_X509(x509, &der);
    assert_true(len > 0);
    size_t size = (size_t)len + (size_t)more; /* which wraps around for fewer */
    unsigned char *exact = calloc(1, size + (size == 0));
    assert_non_null(exact);
    memcpy(exact, der, more < 0 ? size : (size_t)len);
    bool fine = certificate_read(exact, size, &found);
    free(exact);
    OPENSSL_free(der);
    return fine;
}

static void read_of(const char *kind, const char *name, const char *usage)
{
    EVP_PKEY *key = medium_key(kind);
    X509 *x509 = medium_certificate(key, name, usage);
    assert_true(read_with(x509, 0));
    X509_free(x509);
    EVP_PKEY_free(key);
}

static void key_kinds_are_told_apart(void **state)
{
    (void)state;
    read_of("RSA", "a", "");
    assert_int_equal(found.kind, KEY_RSA);
    read_of("P-256", "a", "");
    assert_int_equal(found.kind, KEY_P256);
    read_of("SM2", "a", "");
    assert_int_equal(found.kind, KEY_SM2);
    read_of("P-384", "a", "");
    assert_int_equal(found.kind, KEY_OTHER);
}

static void names_serial_and_validity_are_read(void **state)
{
    (void)state;
    read_of("P-256", "风铃建设有限公司", "digitalSignature");
    assert_string_equal(found.subject, "风铃建设有限公司");
    assert_string_equal(found.issuer, "风铃建设有限公司");
    assert_string_equal(found.organisation, "");
    assert_string_equal(found.serial, "7a");
    int64_t month = (int64_t)30 * 86400;
    assert_in_range(found.not_after - time(NULL), month - 60, month);
    assert_in_range(time(NULL) - found.not_before, 60, 120);
}

static void name_with_control_characters_is_not_shown(void **state)
{
    (void)state;
    read_of("P-256", "a\nTries left: 9", "");
    assert_string_equal(found.subject, "");
}

static void encryption_certificate_may_not_sign(void **state)
{
    (void)state;
    read_of("SM2", "a", "critical,keyEncipherment,dataEncipherment,keyAgreement");
    assert_false(found.may_sign);
    read_of("SM2", "a", "digitalSignature,nonRepudiation");
    assert_true(found.may_sign);
    read_of("SM2", "a", "");
    assert_true(found.may_sign);
}

static void cut_or_padded_certificates_are_refused(void **state)
{
    (void)state;
    EVP_PKEY *key = medium_key("P-256");
    X509 *x509 = medium_certificate(key, "a", "");
    int len = i2d_X509(x509, NULL);
    assert_false(read_with(x509, 1));
    for (int cut = 1; cut <= len; cut++)
        assert_false(read_with(x509, -cut));
    X509_free(x509);
    EVP_PKEY_free(key);
}

static void overlong_certificate_is_refused(void **state)
{
    (void)state;
    static unsigned char bytes[CERTIFICATE_MAX + 1] = {0x30, 0x82, 0x0F, 0xFD};
    assert_false(certificate_read(bytes, sizeof(bytes), &found));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_kinds_are_told_apart),
        cmocka_unit_test(names_serial_and_validity_are_read),
        cmocka_unit_test(name_with_control_characters_is_not_shown),
        cmocka_unit_test(encryption_certificate_may_not_sign),
        cmocka_unit_test(cut_or_padded_certificates_are_refused),
        cmocka_unit_test(overlong_certificate_is_refused),
    };
    return cmocka_run_group_tests_name("assistant/certificate", tests, NULL, NULL);
}
