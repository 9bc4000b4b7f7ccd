/*
 * Certificates that a trusted authority's name, key or signature might carry past the gate: what
 * the study of attacks numbers 7, 8, 9, 11, 20 and 21. Number 12 is placement_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/lock/leaf.h"
#include "pki/trust/rules.h"
#include "pki/trust/trust.h"
#include "tests/pki_region.h"

static struct region_authority first, twin; /* of one name */

static struct world {
    struct trust *trust;
    struct leaf *leaf;
    char *why;
} w;

static int make_all(void **state)
{
    (void)state;
    region_authority_make(&first, "first", "P-256");
    region_authority_make(&twin, "first", "P-256");
    twin.id = "twin";
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    region_authority_clear(&first);
    region_authority_clear(&twin);
    return 0;
}

static void forget(void)
{
    leaf_release(w.leaf);
    w.leaf = NULL;
}

static enum idp_err believe(json_t *one, json_t *other)
{
    json_t *entries[] = {one, other, NULL};
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    forget();
    trust_free(w.trust);
    free(w.why);
    w.trust = NULL;
    enum idp_err err = trust_parse("list", text, strlen(text), &w.why, &w.trust);
    free(text);
    json_decref(list);
    return err;
}

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.leaf = NULL};
    assert_int_equal(believe(region_entry(&first), NULL), IDP_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    forget();
    trust_free(w.trust);
    free(w.why);
    return 0;
}

/* Parses bytes in a block of exactly their size; IDP_OK: and judges them. */
static enum idp_err judge_der(const unsigned char *der, size_t len, enum pki_reason *why)
{
    unsigned char *exact = malloc(len);
    assert_non_null(exact);
    memcpy(exact, der, len);
    forget();
    *why = PKI_REASONS;
    enum idp_err err = leaf_parse(exact, len, why, &w.leaf);
    free(exact);
    if (err == IDP_OK) {
        assert_int_equal(leaf_judge(w.leaf, w.trust), IDP_OK);
        *why = w.leaf->verdict;
    }
    return err;
}

static enum pki_reason judge(const X509 *certificate)
{
    enum pki_reason why = PKI_REASONS;
    size_t len = 0;
    unsigned char *der = region_der(certificate, &len);
    (void)judge_der(der, len, &why);
    free(der);
    return why;
}

static void expect(enum pki_reason got, enum pki_reason wanted)
{
    if (got != wanted)
        fail_msg("%s instead of %s", got == PKI_REASONS ? "good" : pki_reasons[got].code,
                 wanted == PKI_REASONS ? "good" : pki_reasons[wanted].code);
}

/* The usual extensions with one replaced, added, or (NULL) left out. */
static const struct region_pair *with(const char *name, const char *value)
{
    static struct region_pair list[16];
    size_t n = 0;
    for (const struct region_pair *pair = region_extensions; pair->name != NULL; pair++)
        if (strcmp(pair->name, name) != 0)
            list[n++] = *pair;
    if (value != NULL)
        list[n++] = (struct region_pair){name, value};
    list[n] = (struct region_pair){NULL, NULL};
    return list;
}

static X509 *lock_of(const struct region_authority *authority, const struct region_pair *subject,
                     const struct region_pair *extensions)
{
    const struct region_certificate what = {.key = authority->responder_key,
                                            .issuer = authority->certificate,
                                            .issuer_key = authority->key,
                                            .subject = subject,
                                            .extensions = extensions,
                                            .from = REGION_NOW - REGION_DAY,
                                            .to = REGION_NOW + REGION_DAY};
    return region_issue(&what);
}

static enum pki_reason judge_lock(const struct region_pair *subject,
                                  const struct region_pair *extensions)
{
    X509 *certificate = lock_of(&first, subject, extensions);
    enum pki_reason reason = judge(certificate);
    X509_free(certificate);
    return reason;
}

/* --- attack 7 ------------------------------------------------------------------------------- */

static void every_set_of_usages_that_lets_others_decrypt_is_an_encryption_certificate(void **state)
{
    (void)state;
    static const char *const encrypts[] = {"keyEncipherment", "dataEncipherment",
                                           "keyAgreement,encipherOnly",
                                           "keyAgreement,decipherOnly"};
    static const char *const more[] = {"", "critical,", "digitalSignature,",
                                       "critical,digitalSignature,nonRepudiation,"};
    for (size_t i = 0; i < sizeof(encrypts) / sizeof(*encrypts); i++)
        for (size_t j = 0; j < sizeof(more) / sizeof(*more); j++) {
            char usage[128];
            (void)snprintf(usage, sizeof(usage), "%s%s", more[j], encrypts[i]);
            expect(judge_lock(region_subject, with("keyUsage", usage)), PKI_ENCRYPTION_CERTIFICATE);
        }
    expect(judge_lock(region_subject, region_extensions), PKI_REASONS);
}

/* --- attack 8 ------------------------------------------------------------------------------- */

static void authoritys_own_certificates_are_no_locks(void **state)
{
    (void)state;
    expect(judge(first.responder), PKI_CLASS);
    expect(judge(first.certificate), PKI_AUTHORITY_UNKNOWN); /* its issuer is no anchor */
    expect(judge(first.root), PKI_AUTHORITY_UNKNOWN);
}

static void certificates_for_other_purposes_are_no_locks(void **state)
{
    (void)state;
    static const char *const purposes[] = {"OCSPSigning",
                                           "clientAuth,OCSPSigning",
                                           "serverAuth",
                                           "codeSigning",
                                           "timeStamping",
                                           "emailProtection",
                                           "1.2.3.4",
                                           "anyExtendedKeyUsage",
                                           "serverAuth,codeSigning",
                                           "critical,OCSPSigning,clientAuth"};
    for (size_t i = 0; i < sizeof(purposes) / sizeof(*purposes); i++)
        expect(judge_lock(region_subject, with("extendedKeyUsage", purposes[i])),
               PKI_EXTENDED_KEY_USAGE);
    expect(judge_lock(region_subject, with("extendedKeyUsage", "serverAuth,clientAuth")),
           PKI_REASONS);
}

static void sub_authority_below_an_anchor_is_no_lock_and_issues_none(void **state)
{
    (void)state;
    expect(judge_lock(region_subject, with("basicConstraints", "critical,CA:TRUE")),
           PKI_CA_CERTIFICATE);
    X509 *below = lock_of(&first, region_subject, with("basicConstraints", "critical,CA:TRUE"));
    const struct region_certificate what = {.key = twin.responder_key,
                                            .issuer = below,
                                            .issuer_key = first.responder_key,
                                            .subject = region_subject,
                                            .extensions = region_extensions,
                                            .from = REGION_NOW - REGION_DAY,
                                            .to = REGION_NOW + REGION_DAY};
    X509 *lock = region_issue(&what);
    expect(judge(lock), PKI_AUTHORITY_UNKNOWN);
    X509_free(lock);
    X509_free(below);
}

/* --- attack 9 ------------------------------------------------------------------------------- */

static void every_way_to_name_a_person_keeps_a_lock_out(void **state)
{
    (void)state;
    static const char *const persons[] = {"ASN1:IMPLICIT:0,PRINTABLESTRING:150100190002300026",
                                          "ASN1:EXPLICIT:0,PRINTABLESTRING:150100190002300026",
                                          "ASN1:EXPLICIT:2,PRINTABLESTRING:E1234567",
                                          "ASN1:PRINTABLESTRING:150100190002300026", "ASN1:NULL"};
    json_t *entry = region_entry(&first);
    json_t *class = json_object_get(json_object_get(entry, "profile"), "class");
    assert_int_equal(json_object_del(class, "legal_person"), 0);
    assert_int_equal(json_array_remove(json_object_get(class, "enterprise"), 1), 0);
    for (size_t i = 0; i < sizeof(persons) / sizeof(*persons); i++)
        expect(judge_lock(region_subject, with("1.2.156.10260.4.1.1", persons[i])),
               PKI_LEGAL_PERSON);
    assert_int_equal(believe(entry, NULL), IDP_OK);
    for (size_t i = 0; i < sizeof(persons) / sizeof(*persons); i++)
        expect(judge_lock(region_subject, with("1.2.156.10260.4.1.1", persons[i])),
               PKI_NAMES_PERSON);
    expect(judge_lock(region_subject, with("certificatePolicies", "1.3.6.1.4.1.32473.1.1.2")),
           PKI_PERSONAL);
    expect(judge_lock(region_subject, with("certificatePolicies", NULL)), PKI_CLASS);
}

/* --- attack 11 ------------------------------------------------------------------------------ */

static void lenient(json_t *entry)
{
    assert_int_equal(json_object_set_new(json_object_get(entry, "profile"), "strict", json_false()),
                     0);
}

/* Two authorities of one name: the key identifier leads to the key, and the key decides. */
static void two_authorities_of_one_name_are_told_apart_by_key(void **state)
{
    (void)state;
    const struct region_authority *const both[] = {&first, &twin};
    assert_int_equal(believe(region_entry(&first), region_entry(&twin)), IDP_OK);
    for (size_t i = 0; i < 2; i++) {
        X509 *lock = lock_of(both[i], region_subject, region_extensions);
        expect(judge(lock), PKI_REASONS);
        assert_string_equal(w.leaf->authority->id, both[i]->id);
        X509_free(lock);
    }
}

static void without_a_key_identifier_the_signature_alone_tells_them_apart(void **state)
{
    (void)state;
    const struct region_authority *const both[] = {&first, &twin};
    json_t *entries[] = {region_entry(&first), region_entry(&twin)};
    lenient(entries[0]);
    lenient(entries[1]);
    assert_int_equal(believe(entries[0], entries[1]), IDP_OK);
    for (size_t i = 0; i < 2; i++) {
        X509 *lock = lock_of(both[i], region_subject, with("authorityKeyIdentifier", NULL));
        expect(judge(lock), PKI_REASONS);
        assert_string_equal(w.leaf->authority->id, both[i]->id);
        X509_free(lock);
    }
}

static void key_identifier_of_the_true_authority_does_not_help_a_forger(void **state)
{
    (void)state;
    /* Named and identified as the true one's, signed by the twin. */
    const struct region_certificate what = {.key = twin.responder_key,
                                            .issuer = first.certificate,
                                            .issuer_key = twin.key,
                                            .subject = region_subject,
                                            .extensions = region_extensions,
                                            .from = REGION_NOW - REGION_DAY,
                                            .to = REGION_NOW + REGION_DAY};
    X509 *lock = region_issue(&what);
    expect(judge(lock), PKI_PATH);
    assert_false(w.leaf->path_is_good);
    X509_free(lock);
}

/* The anchor's key under another certificate, in another entry: whose lock would it be? */
static void cross_certified_twin_of_an_anchor_is_no_second_authority(void **state)
{
    (void)state;
    static const struct region_pair subject[] = {{"CN", "first issuing"}, {NULL, NULL}};
    static const struct region_pair extensions[] = {{"basicConstraints", "critical,CA:TRUE"},
                                                    {"keyUsage", "critical,keyCertSign"},
                                                    {"subjectKeyIdentifier", "hash"},
                                                    {NULL, NULL}};
    const struct region_certificate what = {.key = first.key,
                                            .issuer = twin.root,
                                            .issuer_key = twin.root_key,
                                            .subject = subject,
                                            .extensions = extensions,
                                            .from = REGION_NOW - REGION_DAY,
                                            .to = REGION_NOW + REGION_DAY};
    X509 *crossed = region_issue(&what);
    char *pem = region_pem(crossed);
    json_t *entry = region_entry(&twin);
    assert_int_equal(json_object_set_new(entry, "anchors", json_pack("[s]", pem)), 0);
    assert_int_equal(believe(region_entry(&first), entry), IDP_BAD_REQUEST);
    assert_string_equal(
        w.why,
        "list: authorities[1].anchors: expected no anchor of an earlier authority, nor its key");
    free(pem);
    X509_free(crossed);
}

/* --- attack 20 ------------------------------------------------------------------------------ */

static void certificate_of_more_than_four_kib_is_not_read(void **state)
{
    (void)state;
    char value[LOCK_CERTIFICATE_MAX + 64] = "ASN1:UTF8String:";
    memset(value + strlen(value), 'A', LOCK_CERTIFICATE_MAX);
    expect(judge_lock(region_subject, with("1.2.3.4", value)), PKI_SHAPE);
    value[strlen("ASN1:UTF8String:") + LOCK_CERTIFICATE_MAX - 1200] = '\0';
    expect(judge_lock(region_subject, with("1.2.3.4", value)), PKI_REASONS);
}

static void certificate_of_very_many_parts_is_not_read(void **state)
{
    (void)state;
    enum { NAMES = 260 };
    static struct region_pair subject[NAMES + 1];
    for (size_t i = 0; i < NAMES; i++)
        subject[i] = (struct region_pair){"OU", "x"};
    expect(judge_lock(subject, region_extensions), PKI_SHAPE);
    subject[0] = (struct region_pair){"CN", "x"};
    subject[100] = (struct region_pair){NULL, NULL};
    expect(judge_lock(subject, region_extensions), PKI_REASONS);
}

static void nesting_without_end_is_not_read(void **state)
{
    (void)state;
    enum { DEPTH = 60 }; /* of SEQUENCEs, each of fewer than 128 bytes */
    enum pki_reason why = PKI_REASONS;
    unsigned char der[2 * DEPTH];
    for (size_t i = 0; i < DEPTH; i++) {
        der[2 * i] = 0x30;
        der[2 * i + 1] = (unsigned char)(sizeof(der) - 2 * i - 2);
    }
    assert_int_equal(judge_der(der, sizeof(der), &why), IDP_REFUSED);
    assert_int_equal(why, PKI_SHAPE);
}

/* --- attack 21 ------------------------------------------------------------------------------ */

static void hash_that_is_broken_is_refused_on_each_kind_of_authority(void **state)
{
    (void)state;
    static const char *const hashes[] = {"SHA1", "SHA224"};
    for (size_t i = 0; i < sizeof(hashes) / sizeof(*hashes); i++) {
        const struct region_certificate what = {.key = first.responder_key,
                                                .issuer = first.certificate,
                                                .issuer_key = first.key,
                                                .subject = region_subject,
                                                .extensions = region_extensions,
                                                .from = REGION_NOW - REGION_DAY,
                                                .to = REGION_NOW + REGION_DAY,
                                                .digest = hashes[i]};
        X509 *lock = region_issue(&what);
        expect(judge(lock), PKI_WEAK_HASH);
        X509_free(lock);
    }
}

static void longer_keys_than_the_usual_may_be_asked_of_an_authority(void **state)
{
    (void)state;
    struct region_holder lock;
    json_t *entry = region_entry(&first);
    json_t *limits = json_object_get(entry, "limits");
    region_lock_make(&first, &(struct region_lock){.kind = "RSA"}, &lock);
    expect(judge(lock.certificate), PKI_REASONS);
    assert_int_equal(json_object_set_new(limits, "rsa_bits", json_integer(3072)), 0);
    assert_int_equal(believe(entry, NULL), IDP_OK);
    expect(judge(lock.certificate), PKI_WEAK_KEY);
    region_lock_clear(&lock);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(every_set_of_usages_that_lets_others_decrypt_is_an_encryption_certificate),
        TEST(authoritys_own_certificates_are_no_locks),
        TEST(certificates_for_other_purposes_are_no_locks),
        TEST(sub_authority_below_an_anchor_is_no_lock_and_issues_none),
        TEST(every_way_to_name_a_person_keeps_a_lock_out),
        TEST(two_authorities_of_one_name_are_told_apart_by_key),
        TEST(without_a_key_identifier_the_signature_alone_tells_them_apart),
        TEST(key_identifier_of_the_true_authority_does_not_help_a_forger),
        TEST(cross_certified_twin_of_an_anchor_is_no_second_authority),
        TEST(certificate_of_more_than_four_kib_is_not_read),
        TEST(certificate_of_very_many_parts_is_not_read),
        TEST(nesting_without_end_is_not_read),
        TEST(hash_that_is_broken_is_refused_on_each_kind_of_authority),
        TEST(longer_keys_than_the_usual_may_be_asked_of_an_authority),
    };
    return cmocka_run_group_tests_name("pki/gate", tests, make_all, free_all);
}
