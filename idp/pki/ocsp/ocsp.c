#include "pki/ocsp/ocsp.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "base/random.h"
#include "pki/certificate_time.h"
#include "pki/der.h"
#include "pki/ocsp/ocsp_signer.h"
#include "pki/signed.h"

/* What is wrong with an answer. */
struct problem {
    enum ocsp_fault fault;
    const char *text;
};

const char *const ocsp_fault_names[FAULTS] = {
    [FAULT_NONE] = "none",     [FAULT_NOT_ASKED] = "not_asked", [FAULT_SILENT] = "silent",
    [FAULT_HTTP] = "http",     [FAULT_DECLINED] = "declined",   [FAULT_MALFORMED] = "malformed",
    [FAULT_SIGNER] = "signer", [FAULT_SIGNATURE] = "signature", [FAULT_SUBJECT] = "subject",
    [FAULT_NONCE] = "nonce",   [FAULT_DATES] = "dates",
};

/* --- the question --------------------------------------------------------------------------- */

/* CertIDs with SHA-1 name an issuer; nothing is signed with it, and many services know no other. */
static OCSP_CERTID *make_id(const struct authority_rules *rules, const struct anchor *anchor,
                            const X509 *leaf)
{
    static const char *const names[] = {
        [CERTID_SHA1] = "SHA1", [CERTID_SHA256] = "SHA256", [CERTID_SM3] = "SM3"};
    EVP_MD *md = EVP_MD_fetch(NULL, names[rules->revocation.digest], NULL);
    OCSP_CERTID *id = md != NULL ? OCSP_cert_to_id(md, leaf, anchor->certificate) : NULL;
    EVP_MD_free(md);
    return id;
}

static enum idp_err add_nonce(struct ocsp_question *question)
{
    unsigned char nonce[OCSP_NONCE_SIZE];
    if (question->rules->revocation.nonce == NONCE_OFF)
        return IDP_OK;
    enum idp_err err = random_bytes(nonce, sizeof(nonce));
    if (err != IDP_OK)
        return err;
    return OCSP_request_add1_nonce(question->request, nonce, sizeof(nonce)) == 1 ? IDP_OK
                                                                                 : IDP_FAULT;
}

static enum idp_err fill(struct ocsp_question *question, const X509 *leaf)
{
    OCSP_CERTID *id = make_id(question->rules, question->anchor, leaf);
    question->request = OCSP_REQUEST_new();
    if (id == NULL || question->request == NULL ||
        OCSP_request_add0_id(question->request, id) == NULL) {
        OCSP_CERTID_free(id);
        return IDP_FAULT;
    }
    question->id = id;
    enum idp_err err = add_nonce(question);
    if (err != IDP_OK)
        return err;
    int len = i2d_OCSP_REQUEST(question->request, &question->der);
    question->der_len = len > 0 ? (size_t)len : 0;
    return len > 0 ? IDP_OK : IDP_FAULT;
}

enum idp_err ocsp_question_make(const struct authority_rules *rules, const struct anchor *anchor,
                                const unsigned char *leaf, size_t leaf_len,
                                struct ocsp_question *out)
{
    struct ocsp_question question = {.rules = rules, .anchor = anchor};
    X509 *certificate = d2i_X509(NULL, &leaf, (long)leaf_len);
    enum idp_err err = certificate != NULL ? fill(&question, certificate) : IDP_FAULT;
    X509_free(certificate);
    if (err != IDP_OK)
        ocsp_question_clear(&question);
    else
        *out = question;
    return err;
}

void ocsp_question_clear(struct ocsp_question *question)
{
    OCSP_REQUEST_free(question->request);
    OPENSSL_free(question->der);
    *question = (struct ocsp_question){.request = NULL};
}

/* --- what it says --------------------------------------------------------------------------- */

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Returns what is wrong with the nonce, or NULL; *echoed tells whether it is in the answer. */
static const struct problem *check_nonce(const struct ocsp_question *question,
                                         OCSP_BASICRESP *basic, bool *echoed)
{
    static const struct problem missing = {FAULT_NONCE, "the nonce is missing"};
    static const struct problem another = {FAULT_NONCE, "the nonce is another"};
    int outcome = OCSP_check_nonce(question->request, basic); /* 1: equal, 0: differ, -1: missing */
    *echoed = outcome == 1;
    if (outcome == 1 || question->rules->revocation.nonce == NONCE_OFF)
        return NULL;
    if (outcome == -1 && question->rules->revocation.nonce == NONCE_OPTIONAL)
        return NULL;
    return outcome == -1 ? &missing : &another;
}

/* RFC 6960 section 2.4: thisUpdate is what producedAt looks back on, nextUpdate what it awaits. */
static bool are_in_order(const struct ocsp_answer *answer)
{
    return answer->produced + OCSP_SKEW_S >= answer->this_update &&
           (answer->next_update == 0 || answer->next_update >= answer->this_update);
}

int64_t ocsp_answer_until(const struct revocation *rules, const struct ocsp_answer *answer)
{
    int64_t age = rules->max_age_s;
    if (!answer->echoed)
        age = at_most(age, OCSP_NO_NONCE_AGE_S);
    if (answer->next_update == 0)
        age = at_most(age, OCSP_NO_NEXT_AGE_S);
    int64_t until = answer->this_update + age;
    return answer->next_update != 0 ? at_most(until, answer->next_update) : until;
}

static const struct problem *check_dates(const struct ocsp_question *question,
                                         struct ocsp_answer *answer, bool echoed, int64_t now)
{
    static const struct problem future = {FAULT_DATES, "it comes from the future"};
    static const struct problem order = {FAULT_DATES, "its dates are in the wrong order"};
    static const struct problem old = {FAULT_DATES, "it is too old"};
    answer->echoed = echoed;
    answer->usable_until = ocsp_answer_until(&question->rules->revocation, answer);
    if (answer->this_update > now + OCSP_SKEW_S || answer->produced > now + OCSP_SKEW_S)
        return &future;
    if (!are_in_order(answer))
        return &order;
    return now < answer->usable_until ? NULL : &old;
}

static enum status_verdict verdict_of(int status, int reason)
{
    if (status == V_OCSP_CERTSTATUS_GOOD)
        return STATUS_GOOD;
    if (status == V_OCSP_CERTSTATUS_REVOKED)
        return reason == OCSP_REVOKED_STATUS_CERTIFICATEHOLD ? STATUS_ON_HOLD : STATUS_REVOKED;
    return STATUS_UNKNOWN;
}

static bool read_dates(OCSP_BASICRESP *basic, OCSP_SINGLERESP *single, struct ocsp_answer *answer)
{
    ASN1_GENERALIZEDTIME *revoked = NULL;
    ASN1_GENERALIZEDTIME *this_update = NULL;
    ASN1_GENERALIZEDTIME *next_update = NULL;
    int reason = -1;
    int status = OCSP_single_get0_status(single, &reason, &revoked, &this_update, &next_update);
    answer->verdict = verdict_of(status, reason);
    answer->reason = reason;
    return certificate_time_read(this_update, &answer->this_update) &&
           (next_update == NULL || certificate_time_read(next_update, &answer->next_update)) &&
           (revoked == NULL || certificate_time_read(revoked, &answer->revoked_at)) &&
           certificate_time_read(OCSP_resp_get0_produced_at(basic), &answer->produced);
}

/*
 * RFC 6960 section 4.4: extensions should not be critical. One that is changes what the answer
 * means, and the only one known here is the nonce.
 */
static bool knows_its_extensions(OCSP_BASICRESP *basic, OCSP_SINGLERESP *single)
{
    for (int i = 0; i < OCSP_SINGLERESP_get_ext_count(single); i++)
        if (X509_EXTENSION_get_critical(OCSP_SINGLERESP_get_ext(single, i)))
            return false;
    for (int i = 0; i < OCSP_BASICRESP_get_ext_count(basic); i++) {
        X509_EXTENSION *extension = OCSP_BASICRESP_get_ext(basic, i);
        if (X509_EXTENSION_get_critical(extension) &&
            OBJ_obj2nid(X509_EXTENSION_get_object(extension)) != NID_id_pkix_OCSP_Nonce)
            return false;
    }
    return true;
}

static const struct problem *read_single(const struct ocsp_question *question,
                                         OCSP_BASICRESP *basic, struct ocsp_answer *answer)
{
    static const struct problem count = {FAULT_SUBJECT, "it holds more or less than one answer"};
    static const struct problem other = {FAULT_SUBJECT, "it is about another certificate"};
    static const struct problem unreadable = {FAULT_MALFORMED, "a date in it cannot be read"};
    static const struct problem critical = {FAULT_MALFORMED,
                                            "it has a critical extension that is not known"};
    if (OCSP_resp_count(basic) != 1)
        return &count;
    OCSP_SINGLERESP *single = OCSP_resp_get0(basic, 0);
    if (OCSP_id_cmp(question->id, OCSP_SINGLERESP_get0_id(single)) != 0)
        return &other;
    if (!knows_its_extensions(basic, single))
        return &critical;
    return read_dates(basic, single, answer) ? NULL : &unreadable;
}

/* Returns what is wrong, or NULL. bytes are the BasicOCSPResponse as received. */
static const struct problem *check_basic(const struct ocsp_question *question,
                                         OCSP_BASICRESP *basic, const struct der_item *bytes,
                                         int64_t now, struct ocsp_answer *answer)
{
    static const struct problem signers[SIGNER_PROBLEMS] = {
        [SIGNER_FOREIGN] = {FAULT_SIGNER, "its signer may not answer for this issuer"},
        [SIGNER_REVOKED] = {FAULT_SIGNER, "its signer is revoked"},
        [SIGNER_UNSURE] = {FAULT_SIGNER, "whether its signer is revoked cannot be known"},
    };
    static const struct problem forged = {FAULT_SIGNATURE, "its signature is not good"};
    bool echoed = false;
    enum signer_problem why = SIGNER_FITS;
    X509 *signer = ocsp_signer_find(question, basic, now, &why);
    if (signer == NULL)
        return &signers[why];
    if (signed_verify(bytes->bytes, bytes->len, X509_get0_pubkey(signer)) != IDP_OK)
        return &forged;
    const struct problem *problem = read_single(question, basic, answer);
    if (problem == NULL)
        problem = check_nonce(question, basic, &echoed);
    return problem == NULL ? check_dates(question, answer, echoed, now) : problem;
}

/* --- the envelope --------------------------------------------------------------------------- */

static const struct problem not_ocsp = {FAULT_MALFORMED, "it is not an OCSP response"};

/* OCSPResponseStatus (RFC 6960 section 4.2.1), save successful (0). */
static const struct problem *why_declined(unsigned char status)
{
    static const struct problem statuses[] = {
        [OCSP_RESPONSE_STATUS_MALFORMEDREQUEST] = {FAULT_DECLINED,
                                                   "the service cannot read the question"},
        [OCSP_RESPONSE_STATUS_INTERNALERROR] = {FAULT_DECLINED, "the service has an error"},
        [OCSP_RESPONSE_STATUS_TRYLATER] = {FAULT_DECLINED, "the service says to try later"},
        [OCSP_RESPONSE_STATUS_SIGREQUIRED] = {FAULT_DECLINED, "the service wants signed questions"},
        [OCSP_RESPONSE_STATUS_UNAUTHORIZED] = {FAULT_DECLINED,
                                               "the service does not answer for this issuer"},
    };
    bool known = status < sizeof(statuses) / sizeof(*statuses) && statuses[status].text != NULL;
    return known ? &statuses[status] : &not_ocsp;
}

/*
 * OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, [0] SEQUENCE { type OID, OCTET STRING } }
 * (RFC 6960 section 4.2.1): returns what is wrong, or sets *bytes to the [0].
 */
static const struct problem *read_status(const unsigned char *whole, size_t len,
                                         struct der_item *bytes)
{
    struct der rest = {.at = whole, .left = len};
    struct der_item item;
    if (len > OCSP_ANSWER_MAX || !der_is_whole(whole, len) ||
        !der_next_is(&rest, DER_SEQUENCE, &item))
        return &not_ocsp;
    rest = der_inside(&item);
    if (!der_next_is(&rest, DER_ENUMERATED, &item) || item.len != 1)
        return &not_ocsp;
    if (item.bytes[0] != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return why_declined(item.bytes[0]);
    return der_next_is(&rest, DER_CONTEXT | DER_CONSTRUCTED, bytes) && rest.left == 0 ? NULL
                                                                                      : &not_ocsp;
}

/* Returns what is wrong, or sets *basic to the octets of the BasicOCSPResponse. */
static const struct problem *open_envelope(const unsigned char *whole, size_t len,
                                           struct der_item *basic)
{
    static const unsigned char basic_type[] = {0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1};
    static const struct problem unknown = {FAULT_MALFORMED, "it is of an unknown type"};
    struct der_item item;
    const struct problem *problem = read_status(whole, len, &item);
    if (problem != NULL)
        return problem;
    struct der rest = der_inside(&item);
    if (!der_next_is(&rest, DER_SEQUENCE, &item) || rest.left != 0)
        return &not_ocsp;
    rest = der_inside(&item);
    if (!der_next_is(&rest, DER_OID, &item) || item.len != sizeof(basic_type) ||
        memcmp(item.bytes, basic_type, sizeof(basic_type)) != 0)
        return &unknown;
    bool good = der_next_is(&rest, DER_OCTET_STRING, basic) && rest.left == 0 &&
                der_is_whole(basic->bytes, basic->len);
    return good ? NULL : &not_ocsp;
}

static const struct problem *read_basic(const struct ocsp_question *question,
                                        const struct der_item *octets, int64_t now,
                                        struct ocsp_answer *answer)
{
    const unsigned char *at = octets->bytes;
    const struct problem *problem = &not_ocsp;
    OCSP_BASICRESP *basic = d2i_OCSP_BASICRESP(NULL, &at, (long)octets->len);
    if (basic != NULL && at == octets->bytes + octets->len)
        problem = check_basic(question, basic, octets, now, answer);
    OCSP_BASICRESP_free(basic);
    return problem;
}

struct ocsp_answer ocsp_unusable(enum ocsp_fault fault, const char *problem)
{
    return (struct ocsp_answer){.verdict = STATUS_UNUSABLE, .fault = fault, .problem = problem};
}

struct ocsp_answer ocsp_answer_read(const struct ocsp_question *question,
                                    const unsigned char *bytes, size_t len, int64_t now)
{
    struct ocsp_answer answer = {.verdict = STATUS_UNUSABLE};
    struct der_item octets;
    const struct problem *problem = open_envelope(bytes, len, &octets);
    if (problem == NULL)
        problem = read_basic(question, &octets, now, &answer);
    return problem == NULL ? answer : ocsp_unusable(problem->fault, problem->text);
}
