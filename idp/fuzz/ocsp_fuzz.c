/*
 * Feeds any bytes to the reader of OCSP answers. The authority is made once, so saved inputs reach
 * the shape of an answer, never a good signature: whatever is fed has to be unusable.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <openssl/ocsp.h>

#include "pki/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static EVP_PKEY *key;
static X509 *certificate;
static struct anchor anchor;
static struct anchors anchors = {.list = &anchor, .count = 1};
static struct authority_rules rules;
static struct ocsp_question question;

static void make_world(void)
{
    unsigned char *der = NULL;
    key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    certificate = X509_new();
    if (key == NULL || certificate == NULL || X509_set_pubkey(certificate, key) != 1 ||
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) != 1 ||
        X509_gmtime_adj(X509_getm_notBefore(certificate), 0) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(certificate), 86400) == NULL ||
        X509_sign(certificate, key, EVP_sha256()) == 0)
        abort();
    anchor.certificate = certificate;
    anchor.key = key;
    anchor.store = X509_STORE_new();
    rules.anchors = anchors;
    rules.revocation.max_age_s = 600;
    int len = i2d_X509(certificate, &der);
    if (anchor.store == NULL || len <= 0 ||
        ocsp_question_make(&rules, &anchor, der, (size_t)len, &question) != IDP_OK)
        abort();
    OPENSSL_free(der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (key == NULL)
        make_world();
    struct ocsp_answer answer = ocsp_answer_read(&question, data, size, 1795353600);
    if (answer.verdict != STATUS_UNUSABLE || answer.problem == NULL)
        abort(); /* nobody here has signed anything */
    return 0;
}
