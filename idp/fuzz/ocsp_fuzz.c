/*
 * OCSP answers, and addresses with a question in them. What is fed begins with what it is:
 *
 *   0x30   an answer, as it is: nobody here has signed it, so it has to be unusable
 *   'e'    edits (offset high, low, XOR) of a good answer, signed by a delegate: with the first
 * that changes anything it has to be unusable, whether the nonce is demanded or not 'g'    length
 * of a service's address, that address, a question: what is built of them has to be an address that
 * leads back to the question
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "base/arena.h"
#include "base/base64.h"
#include "pki/ocsp/ocsp.h"
#include "pki/ocsp/ocsp_get.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1795353600, DAY = 86400 };

static EVP_PKEY *key, *delegate_key;
static X509 *certificate, *delegate;
static struct anchor anchor;
static struct anchors anchors = {.list = &anchor, .count = 1};
static struct authority_rules rules;
static struct ocsp_question question;
static unsigned char *good; /* the delegate's answer to the question */
static size_t good_len;

static void need(bool is_good)
{
    if (!is_good)
        abort();
}

/* --- the world ------------------------------------------------------------------------------ */

static void extend(X509 *made, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, certificate, made, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    need(extension != NULL && X509_add_ext(made, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static X509 *begin_certificate(EVP_PKEY *of, long serial, const char *name)
{
    X509 *made = X509_new();
    need(made != NULL && X509_set_version(made, 2) == 1 && X509_set_pubkey(made, of) == 1 &&
         ASN1_INTEGER_set(X509_get_serialNumber(made), serial) == 1 &&
         ASN1_TIME_set(X509_getm_notBefore(made), NOW - DAY) != NULL &&
         ASN1_TIME_set(X509_getm_notAfter(made), NOW + DAY) != NULL &&
         X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                                    (const unsigned char *)name, -1, -1, 0) == 1);
    return made;
}

static void make_anchor(void)
{
    key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    need(key != NULL);
    certificate = begin_certificate(key, 1, "issuer");
    extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
    extend(certificate, NID_subject_key_identifier, "hash");
    need(X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
         X509_sign(certificate, key, EVP_sha256()) != 0);
    anchor = (struct anchor){.certificate = certificate, .key = key, .store = X509_STORE_new()};
    need(anchor.store != NULL && X509_STORE_add_cert(anchor.store, certificate) == 1 &&
         X509_STORE_set_flags(anchor.store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME));
}

static void make_delegate(void)
{
    delegate_key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    need(delegate_key != NULL);
    delegate = begin_certificate(delegate_key, 2, "delegate");
    extend(delegate, NID_ext_key_usage, "OCSPSigning");
    extend(delegate, NID_key_usage, "critical,digitalSignature");
    extend(delegate, NID_authority_key_identifier, "keyid");
    need(X509_set_issuer_name(delegate, X509_get_subject_name(certificate)) == 1 &&
         X509_sign(delegate, key, EVP_sha256()) != 0);
}

static void make_answer(void)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, NOW);
    need(basic != NULL && now != NULL &&
         OCSP_basic_add1_status(basic, question.id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, now, NULL) !=
             NULL &&
         OCSP_copy_nonce(basic, question.request) == 1);
    const ASN1_GENERALIZEDTIME *produced = OCSP_resp_get0_produced_at(basic);
    need(ASN1_GENERALIZEDTIME_set((ASN1_GENERALIZEDTIME *)(uintptr_t)produced, NOW) != NULL &&
         OCSP_basic_sign(basic, delegate, delegate_key, EVP_sha256(), NULL, OCSP_NOTIME) == 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    int len = i2d_OCSP_RESPONSE(response, &good);
    need(len > 0);
    good_len = (size_t)len;
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    ASN1_TIME_free(now);
}

static void make_world(void)
{
    unsigned char *der = NULL;
    make_anchor();
    make_delegate();
    rules.anchors = anchors;
    rules.revocation.max_age_s = 600;
    int len = i2d_X509(delegate, &der); /* it may be asked about as well as any other */
    need(len > 0 && ocsp_question_make(&rules, &anchor, der, (size_t)len, &question) == IDP_OK);
    OPENSSL_free(der);
    make_answer();
    need(ocsp_answer_read(&question, good, good_len, NOW).verdict == STATUS_GOOD);
}

/* --- what is fed ---------------------------------------------------------------------------- */

static void read_answer(const uint8_t *data, size_t size)
{
    struct ocsp_answer answer = ocsp_answer_read(&question, data, size, NOW);
    need(answer.verdict == STATUS_UNUSABLE && answer.problem != NULL &&
         answer.fault != FAULT_NONE && answer.fault < FAULTS);
}

static void edit_answer(const uint8_t *data, size_t size)
{
    unsigned char *edited = malloc(good_len);
    need(edited != NULL);
    memcpy(edited, good, good_len);
    for (size_t i = 0; i + 3 <= size; i += 3)
        edited[((size_t)data[i] << 8 | data[i + 1]) % good_len] ^= data[i + 2];
    bool changed = memcmp(edited, good, good_len) != 0;
    for (int nonce = NONCE_REQUIRED; nonce <= NONCE_OFF; nonce++) {
        rules.revocation.nonce = nonce;
        struct ocsp_answer answer = ocsp_answer_read(&question, edited, good_len, NOW);
        need(answer.verdict == (changed ? STATUS_UNUSABLE : STATUS_GOOD));
    }
    rules.revocation.nonce = NONCE_REQUIRED;
    free(edited);
}

/* %XX and the letters of base64 only; returns what they say. */
static size_t read_back(const char *text, unsigned char *out)
{
    char base64[OCSP_GET_MAX + 1];
    size_t len = 0;
    size_t n = 0;
    for (; *text != '\0'; text++) {
        char hex[3] = {text[0] == '%' ? text[1] : '0', text[0] == '%' ? text[2] : '0', '\0'};
        base64[len++] = *text == '%' ? (char)strtol(hex, NULL, 16) : *text;
        text += *text == '%' ? 2 : 0;
    }
    need(base64_decode(base64, len, out, OCSP_GET_MAX, &n) == IDP_OK);
    return n;
}

static void build_address(const uint8_t *data, size_t size)
{
    char service[256] = "";
    unsigned char back[OCSP_GET_MAX];
    enum idp_err err = IDP_OK;
    size_t len = size > 0 ? data[0] : 0;
    if (len == 0 || size - 1 < len || memchr(data + 1, '\0', len) != NULL)
        return;
    memcpy(service, data + 1, len);
    unsigned char *der = malloc(size - len);
    need(der != NULL);
    memcpy(der, data + 1 + len, size - 1 - len);
    const struct ocsp_question asked = {.der = der, .der_len = size - 1 - len};
    struct arena *arena = arena_new();
    const char *address = ocsp_get_address(arena, service, &asked, &err);
    need(arena != NULL && err == IDP_OK);
    if (address != NULL) {
        need(strlen(address) <= OCSP_GET_MAX && strncmp(address, service, len) == 0);
        const char *question_part = address + len + (service[len - 1] != '/');
        need(read_back(question_part, back) == asked.der_len &&
             memcmp(back, der, asked.der_len) == 0);
    }
    arena_free(arena);
    free(der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (key == NULL)
        make_world();
    if (size > 0 && data[0] == 'e')
        edit_answer(data + 1, size - 1);
    else if (size > 0 && data[0] == 'g')
        build_address(data + 1, size - 1);
    else
        read_answer(data, size);
    return 0;
}
