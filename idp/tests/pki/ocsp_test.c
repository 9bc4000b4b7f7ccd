#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/crl/crls.h"
#include "pki/der.h"
#include "pki/ocsp/ocsp.h"
#include "pki/ocsp/ocsp_signer.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "tests/pki_region.h"

enum { KINDS = 3 };

static const char *const kinds[KINDS] = {"RSA", "P-256", "SM2"};
static struct region_authority authorities[KINDS], other;
static struct region_holder locks[KINDS];
static struct trust *trust;

static struct world {
    int kind;
    struct authority_rules rules; /* a copy, to be changed */
    struct ocsp_question question;
    struct region_status status;
} w;

static int make_all(void **state)
{
    json_t *entries[KINDS + 1] = {NULL};
    char *why = NULL;
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        static const char *const ids[KINDS] = {"rsa", "p256", "sm2"};
        region_authority_make(&authorities[i], ids[i], kinds[i]);
        region_lock_make(&authorities[i], &(struct region_lock){.kind = NULL}, &locks[i]);
        entries[i] = region_entry(&authorities[i]);
    }
    region_authority_make(&other, "p256", "P-256"); /* the same names, other keys */
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    assert_int_equal(trust_parse("trust-list.json", text, strlen(text), &why, &trust), IDP_OK);
    free(text);
    json_decref(list);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    trust_free(trust);
    for (int i = 0; i < KINDS; i++) {
        region_authority_clear(&authorities[i]);
        region_lock_clear(&locks[i]);
    }
    region_authority_clear(&other);
    return 0;
}

static void ask_again(void)
{
    if (w.question.request != NULL)
        ocsp_question_clear(&w.question);
    assert_int_equal(ocsp_question_make(&w.rules, &w.rules.anchors.list[0], locks[w.kind].der,
                                        locks[w.kind].der_len, &w.question),
                     IDP_OK);
}

static void begin(int kind)
{
    if (w.question.request != NULL)
        ocsp_question_clear(&w.question);
    const struct region_authority *authority = &authorities[kind];
    w = (struct world){.kind = kind, .rules = *trust->authorities[kind].rules};
    w.status = (struct region_status){.key = authority->responder_key,
                                      .signer = authority->responder,
                                      .issuer = authority->certificate,
                                      .send_signer = true,
                                      .revoked_at = REGION_NOW - 5,
                                      .this_update = REGION_NOW,
                                      .next_update = REGION_NOW + 3600,
                                      .copies = 1};
    ask_again();
}

static int set_up(void **state)
{
    (void)state;
    begin(1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ocsp_question_clear(&w.question);
    return 0;
}

static struct ocsp_answer answer_at(int64_t now)
{
    size_t len = 0;
    unsigned char *bytes = region_answer(&w.status, w.question.der, w.question.der_len, &len);
    struct ocsp_answer answer = ocsp_answer_read(&w.question, bytes, len, now);
    free(bytes);
    return answer;
}

static void expect_good(void)
{
    struct ocsp_answer answer = answer_at(REGION_NOW);
    if (answer.verdict != STATUS_GOOD)
        print_message("%s\n", answer.problem);
    assert_int_equal(answer.verdict, STATUS_GOOD);
}

static void expect_unusable(const char *problem)
{
    struct ocsp_answer answer = answer_at(REGION_NOW);
    assert_int_equal(answer.verdict, STATUS_UNUSABLE);
    assert_string_equal(answer.problem, problem);
}

#define SIGNER "its signer may not answer for this issuer"
#define SIGNATURE "its signature is not good"

static void every_kind_of_authority_is_understood(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        begin(i);
        expect_good();
        w.status.by_key = true;
        expect_good();
    }
}

static void every_hash_of_a_certificate_id_is_asked_with(void **state)
{
    (void)state;
    for (int i = CERTID_SHA1; i <= CERTID_SM3; i++) {
        w.rules.revocation.digest = i;
        ask_again();
        expect_good();
    }
}

static void nonce_has_thirty_two_bytes_and_is_new_each_time(void **state)
{
    (void)state;
    unsigned char first[OCSP_NONCE_SIZE + 2];
    for (int i = 0; i < 2; i++) {
        int at = OCSP_REQUEST_get_ext_by_NID(w.question.request, NID_id_pkix_OCSP_Nonce, -1);
        const ASN1_OCTET_STRING *value =
            X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(w.question.request, at));
        /* RFC 9654 section 2.1: an OCTET STRING inside the extension's OCTET STRING. */
        assert_int_equal(ASN1_STRING_length(value), sizeof(first));
        const unsigned char *bytes = ASN1_STRING_get0_data(value);
        assert_int_equal(bytes[0], 0x04);
        assert_int_equal(bytes[1], OCSP_NONCE_SIZE);
        if (i == 1)
            assert_memory_not_equal(bytes, first, sizeof(first));
        memcpy(first, bytes, sizeof(first));
        ask_again();
    }
}

/* The next element, which has to have this tag. */
static struct der_item step(struct der *der, unsigned char tag)
{
    struct der_item item;
    assert_true(der_next_is(der, tag, &item));
    return item;
}

static struct der into(struct der *der, unsigned char tag)
{
    const struct der_item item = step(der, tag);
    return der_inside(&item);
}

/* Request ::= SEQUENCE { CertID { AlgorithmIdentifier, name hash, key hash, serial } } and no more
 * (RFC 6960 section 4.1.1). */
static void walk_request(struct der *list, size_t hash_len)
{
    struct der request = into(list, DER_SEQUENCE);
    struct der id = into(&request, DER_SEQUENCE);
    (void)step(&id, DER_SEQUENCE);
    assert_int_equal(step(&id, DER_OCTET_STRING).len, hash_len);
    assert_int_equal(step(&id, DER_OCTET_STRING).len, hash_len);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(locks[w.kind].certificate);
    struct der_item number;
    assert_true(der_next(&id, &number));
    assert_int_equal(number.tag, V_ASN1_INTEGER);
    assert_memory_equal(number.bytes + number.len - ASN1_STRING_length(serial),
                        ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    assert_int_equal(id.left, 0);
    assert_int_equal(request.left, 0); /* no singleRequestExtensions: the nonce is not there */
    assert_int_equal(list->left, 0);
}

/* RFC 9654 section 2.1: in requestExtensions, alone, not critical: an OCTET STRING of 32 bytes. */
static void walk_nonce(struct der *extensions)
{
    static const unsigned char oid[] = {0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2};
    struct der list = into(extensions, DER_SEQUENCE);
    struct der extension = into(&list, DER_SEQUENCE);
    struct der_item name = step(&extension, DER_OID);
    assert_int_equal(name.len, sizeof(oid));
    assert_memory_equal(name.bytes, oid, sizeof(oid));
    struct der value = into(&extension, DER_OCTET_STRING);
    assert_int_equal(step(&value, DER_OCTET_STRING).len, OCSP_NONCE_SIZE);
    assert_int_equal(value.left, 0);
    assert_int_equal(extension.left, 0);
    assert_int_equal(list.left, 0);
}

/* OCSPRequest { TBSRequest { requestList, [2] requestExtensions } }: version and name are left out,
 * and there is no signature. */
static void request_is_these_bytes(void **state)
{
    static const size_t hash_lens[] = {[CERTID_SHA1] = 20, [CERTID_SHA256] = 32, [CERTID_SM3] = 32};
    (void)state;
    for (int i = CERTID_SHA1; i <= CERTID_SM3; i++) {
        w.rules.revocation.digest = i;
        ask_again();
        struct der rest = {.at = w.question.der, .left = w.question.der_len};
        struct der whole = into(&rest, DER_SEQUENCE);
        struct der body = into(&whole, DER_SEQUENCE);
        struct der list = into(&body, DER_SEQUENCE);
        walk_request(&list, hash_lens[i]);
        struct der extensions = into(&body, DER_CONTEXT | DER_CONSTRUCTED | 2);
        walk_nonce(&extensions);
        assert_int_equal(extensions.left + body.left + whole.left + rest.left, 0);
    }
}

static void revoked_and_held_are_told_apart(void **state)
{
    (void)state;
    w.status.status = V_OCSP_CERTSTATUS_REVOKED;
    w.status.reason = OCSP_REVOKED_STATUS_SUPERSEDED;
    struct ocsp_answer answer = answer_at(REGION_NOW);
    assert_int_equal(answer.verdict, STATUS_REVOKED);
    assert_int_equal(answer.revoked_at, REGION_NOW - 5);
    w.status.reason = OCSP_REVOKED_STATUS_CERTIFICATEHOLD;
    assert_int_equal(answer_at(REGION_NOW).verdict, STATUS_ON_HOLD);
    w.status.reason = OCSP_REVOKED_STATUS_NOSTATUS; /* no reason given */
    assert_int_equal(answer_at(REGION_NOW).verdict, STATUS_REVOKED);
}

static void unknown_is_unknown(void **state)
{
    (void)state;
    w.status.status = V_OCSP_CERTSTATUS_UNKNOWN;
    assert_int_equal(answer_at(REGION_NOW).verdict, STATUS_UNKNOWN);
}

static void answer_about_another_serial_is_unusable(void **state)
{
    (void)state;
    w.status.about_other = true;
    expect_unusable("it is about another certificate");
}

static void answer_about_another_issuer_is_unusable(void **state)
{
    (void)state;
    w.status.id_issuer = other.certificate; /* the same name, another key */
    expect_unusable("it is about another certificate");
}

static void answer_with_another_hash_is_unusable(void **state)
{
    (void)state;
    w.status.id_digest = EVP_sha256();
    expect_unusable("it is about another certificate");
}

static void two_answers_or_none_are_unusable(void **state)
{
    (void)state;
    w.status.copies = 2;
    expect_unusable("it holds more or less than one answer");
    w.status.copies = 0;
    expect_unusable("it holds more or less than one answer");
}

static void nonce_has_to_be_ours(void **state)
{
    (void)state;
    w.status.nonce = REGION_NONCE_NONE;
    expect_unusable("the nonce is missing");
    w.status.nonce = REGION_NONCE_OTHER;
    expect_unusable("the nonce is another");
}

static void optional_nonce_may_be_missing_but_not_another(void **state)
{
    (void)state;
    w.rules.revocation.nonce = NONCE_OPTIONAL;
    w.status.nonce = REGION_NONCE_OTHER;
    expect_unusable("the nonce is another");
    w.status.nonce = REGION_NONCE_NONE;
    expect_good();
    assert_int_equal(answer_at(REGION_NOW).usable_until, REGION_NOW + OCSP_NO_NONCE_AGE_S);
    w.status.this_update = REGION_NOW - OCSP_NO_NONCE_AGE_S;
    expect_unusable("it is too old");
}

static void service_that_knows_no_nonce_is_asked_without(void **state)
{
    (void)state;
    w.rules.revocation.nonce = NONCE_OFF;
    ask_again();
    assert_int_equal(OCSP_REQUEST_get_ext_by_NID(w.question.request, NID_id_pkix_OCSP_Nonce, -1),
                     -1);
    w.status.nonce = REGION_NONCE_NONE;
    expect_good();
}

static void replayed_answer_is_unusable(void **state)
{
    (void)state;
    size_t len = 0;
    unsigned char *bytes = region_answer(&w.status, w.question.der, w.question.der_len, &len);
    ask_again();
    assert_int_equal(ocsp_answer_read(&w.question, bytes, len, REGION_NOW).verdict,
                     STATUS_UNUSABLE);
    free(bytes);
}

static void dates_are_bounded(void **state)
{
    (void)state;
    static const struct {
        int64_t this_update, next_update; /* from now; 0 for none */
        enum status_verdict verdict;
    } cases[] = {
        {0, 1, STATUS_GOOD},
        {-10, 0, STATUS_GOOD},
        {-299, 0, STATUS_GOOD},
        {-300, 0, STATUS_UNUSABLE}, /* no nextUpdate: at most five minutes */
        {-599, 3600, STATUS_GOOD},
        {-600, 3600, STATUS_UNUSABLE}, /* max_age_s */
        {300, 3600, STATUS_GOOD},      /* the authority's clock is ahead */
        {301, 3600, STATUS_UNUSABLE},
        {-20, -10, STATUS_UNUSABLE},
        {10, 5, STATUS_UNUSABLE}, /* in the wrong order */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        w.status.this_update = REGION_NOW + cases[i].this_update;
        w.status.next_update = cases[i].next_update != 0 ? REGION_NOW + cases[i].next_update : 0;
        assert_int_equal(answer_at(REGION_NOW).verdict, cases[i].verdict);
    }
}

static void answer_produced_in_the_future_is_unusable(void **state)
{
    (void)state;
    w.status.produced = REGION_NOW + OCSP_SKEW_S + 1;
    expect_unusable("it comes from the future");
}

/* Nobody can have signed what was found out later. Clocks of one house may differ a little. */
static void answer_produced_before_what_it_says_is_unusable(void **state)
{
    (void)state;
    w.status.produced = REGION_NOW - OCSP_SKEW_S;
    expect_good();
    w.status.produced = REGION_NOW - OCSP_SKEW_S - 1;
    expect_unusable("its dates are in the wrong order");
}

static void good_answer_lives_no_longer_than_it_says(void **state)
{
    (void)state;
    assert_int_equal(answer_at(REGION_NOW).usable_until, REGION_NOW + 600);
    w.status.next_update = REGION_NOW + 60;
    assert_int_equal(answer_at(REGION_NOW).usable_until, REGION_NOW + 60);
    w.status.next_update = 0;
    assert_int_equal(answer_at(REGION_NOW).usable_until, REGION_NOW + 300);
}

static void issuer_may_answer_itself(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        begin(i);
        w.status.key = authorities[i].key;
        w.status.signer = authorities[i].certificate;
        w.status.send_signer = false;
        expect_good();
    }
}

static void responder_of_another_authority_may_not_answer(void **state)
{
    (void)state;
    /* One that the list trusts, too, and one with the same names. */
    w.status.key = authorities[0].responder_key;
    w.status.signer = authorities[0].responder;
    expect_unusable(SIGNER);
    w.status.key = other.responder_key;
    w.status.signer = other.responder;
    expect_unusable(SIGNER);
    w.status.key = other.key;
    w.status.signer = other.certificate;
    w.status.send_signer = false;
    expect_unusable(SIGNATURE); /* it calls itself as the issuer is called */
}

/* A certificate of the authority that is not, or no longer, delegated to answer. */
static void expect_responder_refused(const char *usage, const char *extended, int64_t from,
                                     int64_t to)
{
    struct region_pair extensions[8] = {{"keyUsage", usage},
                                        {"subjectKeyIdentifier", "hash"},
                                        {"authorityKeyIdentifier", "keyid"},
                                        {NULL, NULL}};
    if (extended != NULL)
        extensions[3] = (struct region_pair){"extendedKeyUsage", extended};
    const struct region_pair subject[] = {{"CN", "another responder"}, {NULL, NULL}};
    const struct region_certificate what = {.key = authorities[1].responder_key,
                                            .issuer = authorities[1].certificate,
                                            .issuer_key = authorities[1].key,
                                            .subject = subject,
                                            .extensions = extensions,
                                            .from = from,
                                            .to = to};
    w.status.signer = region_issue(&what);
    expect_unusable(SIGNER);
    X509_free(w.status.signer);
}

static void responder_needs_the_usage_and_a_valid_certificate(void **state)
{
    (void)state;
    int64_t from = REGION_NOW - 100;
    int64_t to = REGION_NOW + 100;
    expect_responder_refused("digitalSignature", NULL, from, to);
    expect_responder_refused("digitalSignature", "clientAuth", from, to);
    expect_responder_refused("digitalSignature", "timeStamping", from, to);
    expect_responder_refused("digitalSignature", "anyExtendedKeyUsage", from, to);
    expect_responder_refused("digitalSignature", "OCSPSigning, anyExtendedKeyUsage", from, to);
    expect_responder_refused("keyEncipherment", "OCSPSigning", from, to);
    expect_responder_refused("digitalSignature", "OCSPSigning", from, REGION_NOW - 1);
    expect_responder_refused("digitalSignature", "OCSPSigning", REGION_NOW + 1, to);
}

/* --- whether a delegate is revoked itself (RFC 6960 section 4.2.2.2.1) ----------------------- */

/* The issuer's list of revoked certificates. */
static struct {
    struct crl_finding says;
    unsigned char issuer[DIGEST_SIZE];
    unsigned char serial[32];
    size_t serial_len;
} shelf;

static void find_on_shelf(void *context, const unsigned char *issuer, const unsigned char *serial,
                          size_t serial_len, struct crl_finding *out)
{
    (void)context;
    memcpy(shelf.issuer, issuer, DIGEST_SIZE);
    memcpy(shelf.serial, serial, serial_len);
    shelf.serial_len = serial_len;
    *out = shelf.says;
}

/* A delegate with a life of so many days whose certificate ends with this extension, or none. */
static X509 *delegate(int days, const char *extension, const char *value)
{
    const struct region_pair extensions[] = {{"keyUsage", "digitalSignature"},
                                             {"extendedKeyUsage", "OCSPSigning"},
                                             {"subjectKeyIdentifier", "hash"},
                                             {"authorityKeyIdentifier", "keyid"},
                                             {extension, value},
                                             {NULL, NULL}};
    const struct region_pair subject[] = {{"CN", "another responder"}, {NULL, NULL}};
    const struct region_certificate what = {.key = authorities[1].responder_key,
                                            .issuer = authorities[1].certificate,
                                            .issuer_key = authorities[1].key,
                                            .subject = subject,
                                            .extensions = extensions,
                                            .from = REGION_NOW - 100,
                                            .to = REGION_NOW - 100 + (int64_t)days * REGION_DAY};
    return region_issue(&what);
}

static void look_delegates_up(void)
{
    static const struct pki_lists lists = {.find = find_on_shelf};
    w.question.lists = &lists;
    memset(&shelf, 0, sizeof(shelf));
    shelf.says = (struct crl_finding){.present = true,
                                      .full.this_update = REGION_NOW - 3600,
                                      .full.next_update = REGION_NOW + 3600};
}

static void long_lived_delegate_is_looked_up_in_the_issuers_list(void **state)
{
    (void)state;
    look_delegates_up();
    w.status.signer = delegate(700, NULL, NULL);
    expect_good();
    const ASN1_INTEGER *serial = X509_get0_serialNumber(w.status.signer);
    size_t len = (size_t)ASN1_STRING_length(serial);
    assert_memory_equal(shelf.issuer, w.rules.anchors.list[0].hash, DIGEST_SIZE);
    assert_memory_equal(shelf.serial + shelf.serial_len - len, ASN1_STRING_get0_data(serial), len);
    X509_free(w.status.signer);
}

#define UNSURE "whether its signer is revoked cannot be known"

static void long_lived_delegate_without_a_list_in_time_is_not_believed(void **state)
{
    (void)state;
    w.status.signer = delegate(700, NULL, NULL);
    expect_unusable(UNSURE); /* nowhere to look */
    look_delegates_up();
    shelf.says.present = false;
    expect_unusable(UNSURE);
    shelf.says.present = true;
    shelf.says.full.next_update = REGION_NOW;
    expect_unusable(UNSURE);
    w.rules.revocation.crl_grace_s = 1;
    expect_good();
    shelf.says.full.this_update = REGION_NOW + OCSP_SKEW_S + 1;
    shelf.says.full.next_update = REGION_NOW + REGION_DAY;
    expect_unusable(UNSURE);
    X509_free(w.status.signer);
}

static void issuer_may_say_that_its_delegate_need_not_be_looked_up(void **state)
{
    (void)state;
    w.status.signer = delegate(700, "noCheck", "ignored");
    expect_good();
    X509_free(w.status.signer);
}

static void short_lived_delegate_need_not_be_looked_up(void **state)
{
    (void)state;
    w.status.signer = delegate(OCSP_DELEGATE_SHORT_S / REGION_DAY, NULL, NULL);
    expect_good();
    X509_free(w.status.signer);
    w.status.signer = delegate(OCSP_DELEGATE_SHORT_S / REGION_DAY + 1, NULL, NULL);
    expect_unusable(UNSURE);
    X509_free(w.status.signer);
}

/* Somebody has its key. What its certificate says of itself was said before that. */
static void revoked_delegate_never_answers(void **state)
{
    (void)state;
    look_delegates_up();
    for (int entry = CRL_LISTED; entry <= CRL_LISTED_ON_HOLD; entry++) {
        shelf.says.entry = (enum crl_entry)entry;
        w.status.signer = delegate(700, "noCheck", "ignored");
        expect_unusable("its signer is revoked");
        X509_free(w.status.signer);
        w.status.signer = delegate(1, NULL, NULL);
        shelf.says.full.next_update = REGION_NOW - 10 * (int64_t)REGION_DAY; /* an old list */
        expect_unusable("its signer is revoked");
        X509_free(w.status.signer);
    }
}

static void revoked_pinned_responder_does_not_answer(void **state)
{
    (void)state;
    look_delegates_up();
    w.rules.revocation.responder = authorities[1].responder;
    expect_good();
    shelf.says.entry = CRL_LISTED;
    expect_unusable("its signer is revoked");
}

/* The list pins it, whoever issued it: another issuer's list has the same serial numbers. */
static void pinned_responder_of_another_issuer_is_not_looked_up(void **state)
{
    (void)state;
    look_delegates_up();
    w.rules.revocation.responder = authorities[0].responder;
    w.status.key = authorities[0].responder_key;
    w.status.signer = authorities[0].responder;
    shelf.says.entry = CRL_LISTED;
    expect_good();
}

/* All names are the issuer's, its key identifier, too; only the signature is another's. */
static void forged_delegation_is_refused(void **state)
{
    (void)state;
    static const struct region_pair extensions[] = {{"keyUsage", "digitalSignature"},
                                                    {"extendedKeyUsage", "OCSPSigning"},
                                                    {"subjectKeyIdentifier", "hash"},
                                                    {"authorityKeyIdentifier", "keyid"},
                                                    {NULL, NULL}};
    const struct region_pair subject[] = {{"CN", "another responder"}, {NULL, NULL}};
    const struct region_certificate what = {.key = authorities[1].responder_key,
                                            .issuer = authorities[1].certificate,
                                            .issuer_key = other.key,
                                            .subject = subject,
                                            .extensions = extensions,
                                            .from = REGION_NOW - 100,
                                            .to = REGION_NOW + 100};
    w.status.signer = region_issue(&what);
    expect_unusable(SIGNER);
    X509_free(w.status.signer);
}

static void lock_of_the_authority_may_not_answer(void **state)
{
    (void)state;
    w.status.key = locks[1].key;
    w.status.signer = locks[1].certificate;
    expect_unusable(SIGNER);
}

/* Issued in error, with both purposes: no lock may vouch for locks. */
static void lock_that_may_answer_may_not(void **state)
{
    (void)state;
    expect_responder_refused("digitalSignature", "OCSPSigning, clientAuth", REGION_NOW - 100,
                             REGION_NOW + 100);
}

static void signer_that_is_not_sent_along_is_unknown(void **state)
{
    (void)state;
    w.status.send_signer = false;
    expect_unusable(SIGNER);
}

static void pinned_responder_alone_may_answer(void **state)
{
    (void)state;
    w.rules.revocation.responder = authorities[1].responder;
    expect_good();
    w.status.send_signer = false;
    expect_good();
    w.status.key = authorities[1].key;
    w.status.signer = authorities[1].certificate;
    expect_unusable(SIGNER);
}

static void expired_pinned_responder_may_not_answer(void **state)
{
    (void)state;
    const struct region_pair subject[] = {{"CN", "old responder"}, {NULL, NULL}};
    const struct region_certificate what = {.key = authorities[1].responder_key,
                                            .issuer = authorities[1].certificate,
                                            .issuer_key = authorities[1].key,
                                            .subject = subject,
                                            .from = REGION_NOW - 100,
                                            .to = REGION_NOW - 1};
    X509 *old = region_issue(&what);
    w.rules.revocation.responder = old;
    w.status.signer = old;
    expect_unusable(SIGNER);
    X509_free(old);
}

static void signature_by_another_key_is_not_good(void **state)
{
    (void)state;
    w.status.key = other.responder_key;
    w.status.signer = authorities[1].responder;
    size_t len = 0;
    /* OpenSSL refuses to sign with a key that is not the signer's, so the answer is sent as if the
     * other responder, which has the same name, had been the true one. */
    w.status.signer = other.responder;
    w.status.send_signer = false;
    unsigned char *bytes = region_answer(&w.status, w.question.der, w.question.der_len, &len);
    w.rules.revocation.responder = authorities[1].responder;
    struct ocsp_answer answer = ocsp_answer_read(&w.question, bytes, len, REGION_NOW);
    assert_int_equal(answer.verdict, STATUS_UNUSABLE);
    assert_string_equal(answer.problem, SIGNATURE);
    free(bytes);
}

static void sha1_and_other_sm2_ids_are_not_good(void **state)
{
    (void)state;
    begin(0);
    w.status.digest = "SHA1";
    expect_unusable(SIGNATURE);
    begin(2);
    w.status.sm2_id = "";
    expect_unusable(SIGNATURE);
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        size_t len = 0;
        begin(i);
        w.status.status = V_OCSP_CERTSTATUS_GOOD;
        unsigned char *bytes = region_answer(&w.status, w.question.der, w.question.der_len, &len);
        int accepted = 0;
        for (size_t at = 0; at < len; at++) {
            bytes[at] ^= (unsigned char)(1U << at % 8);
            accepted +=
                ocsp_answer_read(&w.question, bytes, len, REGION_NOW).verdict != STATUS_UNUSABLE;
            bytes[at] ^= (unsigned char)(1U << at % 8);
        }
        assert_int_equal(accepted, 0);
        free(bytes);
    }
}

static void cut_answers_are_unusable(void **state)
{
    (void)state;
    size_t len = 0;
    unsigned char *bytes = region_answer(&w.status, w.question.der, w.question.der_len, &len);
    for (size_t n = 0; n < len; n++) {
        unsigned char *cut = malloc(n + (n == 0));
        memcpy(cut, bytes, n);
        assert_int_equal(ocsp_answer_read(&w.question, cut, n, REGION_NOW).verdict,
                         STATUS_UNUSABLE);
        free(cut);
    }
    free(bytes);
}

static void service_that_declines_gave_no_answer(void **state)
{
    (void)state;
    static const char *const problems[] = {
        [1] = "the service cannot read the question",
        [2] = "the service has an error",
        [3] = "the service says to try later",
        [4] = NULL, /* not used (RFC 6960 section 4.2.1) */
        [5] = "the service wants signed questions",
        [6] = "the service does not answer for this issuer",
        [7] = NULL,
    };
    for (unsigned char status = 1; status < sizeof(problems) / sizeof(*problems); status++) {
        const unsigned char declined[] = {0x30, 0x03, 0x0a, 0x01, status};
        struct ocsp_answer answer =
            ocsp_answer_read(&w.question, declined, sizeof(declined), REGION_NOW);
        const char *problem = problems[status];
        assert_int_equal(answer.verdict, STATUS_UNUSABLE);
        assert_int_equal(answer.fault, problem != NULL ? FAULT_DECLINED : FAULT_MALFORMED);
        assert_string_equal(answer.problem,
                            problem != NULL ? problem : "it is not an OCSP response");
    }
}

/* A status of success alone, without what it says it brings. */
static void success_without_a_response_is_unusable(void **state)
{
    (void)state;
    static const unsigned char bare[] = {0x30, 0x03, 0x0a, 0x01, 0x00};
    assert_int_equal(ocsp_answer_read(&w.question, bare, sizeof(bare), REGION_NOW).fault,
                     FAULT_MALFORMED);
}

static void response_of_another_type_is_unusable(void **state)
{
    (void)state;
    w.status.type = "1.3.6.1.5.5.7.48.1.2";
    expect_unusable("it is of an unknown type");
}

/* Signed over a good answer, they would be carried along, and kept, as evidence. */
static void bytes_behind_the_answer_are_refused(void **state)
{
    (void)state;
    size_t len = 0;
    unsigned char *bytes = region_answer(&w.status, w.question.der, w.question.der_len, &len);
    unsigned char *longer = malloc(len + 2);
    memcpy(longer, bytes, len);
    memcpy(longer + len, "\x05\x00", 2);
    struct ocsp_answer answer = ocsp_answer_read(&w.question, longer, len + 2, REGION_NOW);
    assert_int_equal(answer.verdict, STATUS_UNUSABLE);
    assert_int_equal(answer.fault, FAULT_MALFORMED);
    free(longer);
    free(bytes);
}

/* RFC 6960 section 4.4: what is critical and not understood may change all the rest. */
static void critical_extension_that_is_not_known_is_unusable(void **state)
{
    (void)state;
    w.status.critical = REGION_CRITICAL_SINGLE;
    expect_unusable("it has a critical extension that is not known");
    w.status.critical = REGION_CRITICAL_WHOLE;
    expect_unusable("it has a critical extension that is not known");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(every_kind_of_authority_is_understood),
        TEST(every_hash_of_a_certificate_id_is_asked_with),
        TEST(nonce_has_thirty_two_bytes_and_is_new_each_time),
        TEST(revoked_and_held_are_told_apart),
        TEST(unknown_is_unknown),
        TEST(answer_about_another_serial_is_unusable),
        TEST(answer_about_another_issuer_is_unusable),
        TEST(answer_with_another_hash_is_unusable),
        TEST(two_answers_or_none_are_unusable),
        TEST(nonce_has_to_be_ours),
        TEST(optional_nonce_may_be_missing_but_not_another),
        TEST(service_that_knows_no_nonce_is_asked_without),
        TEST(replayed_answer_is_unusable),
        TEST(dates_are_bounded),
        TEST(answer_produced_in_the_future_is_unusable),
        TEST(good_answer_lives_no_longer_than_it_says),
        TEST(issuer_may_answer_itself),
        TEST(responder_of_another_authority_may_not_answer),
        TEST(responder_needs_the_usage_and_a_valid_certificate),
        TEST(long_lived_delegate_is_looked_up_in_the_issuers_list),
        TEST(long_lived_delegate_without_a_list_in_time_is_not_believed),
        TEST(issuer_may_say_that_its_delegate_need_not_be_looked_up),
        TEST(short_lived_delegate_need_not_be_looked_up),
        TEST(revoked_delegate_never_answers),
        TEST(revoked_pinned_responder_does_not_answer),
        TEST(pinned_responder_of_another_issuer_is_not_looked_up),
        TEST(forged_delegation_is_refused),
        TEST(lock_of_the_authority_may_not_answer),
        TEST(lock_that_may_answer_may_not),
        TEST(signer_that_is_not_sent_along_is_unknown),
        TEST(pinned_responder_alone_may_answer),
        TEST(expired_pinned_responder_may_not_answer),
        TEST(signature_by_another_key_is_not_good),
        TEST(sha1_and_other_sm2_ids_are_not_good),
        TEST(every_flipped_bit_is_noticed),
        TEST(cut_answers_are_unusable),
        TEST(service_that_declines_gave_no_answer),
        TEST(success_without_a_response_is_unusable),
        TEST(response_of_another_type_is_unusable),
        TEST(bytes_behind_the_answer_are_refused),
        TEST(critical_extension_that_is_not_known_is_unusable),
        TEST(answer_produced_before_what_it_says_is_unusable),
        TEST(request_is_these_bytes),
    };
    return cmocka_run_group_tests_name("pki/ocsp", tests, make_all, free_all);
}
