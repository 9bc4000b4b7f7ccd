#include "pki/ocsp.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "base/random.h"
#include "pki/certificate_time.h"
#include "pki/der.h"
#include "pki/path.h"
#include "pki/signed.h"

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

/* --- who signed ----------------------------------------------------------------------------- */

static bool is_valid_at(const X509 *certificate, int64_t now)
{
    int64_t from = 0;
    int64_t to = 0;
    return certificate_time_span(certificate, &from, &to) && from <= now && now <= to;
}

/* RFC 6960 section 4.2.2.2: issued by that very issuer, with the usage OCSPSigning. */
static bool is_delegated(const struct anchor *anchor, X509 *signer, int64_t now)
{
    bool is_good = false;
    if (signed_set_sm2_id(signer) != IDP_OK || !signed_algorithm_is_sound(signer) ||
        X509_check_issued(anchor->certificate, signer) != X509_V_OK ||
        path_check(anchor, signer, &is_good) != IDP_OK || !is_good)
        return false;
    uint32_t usage = X509_get_key_usage(signer); /* all bits when there is no such extension */
    uint32_t flags = X509_get_extension_flags(signer);
    return (flags & EXFLAG_XKUSAGE) != 0 && (flags & EXFLAG_CA) == 0 &&
           (X509_get_extended_key_usage(signer) & XKU_OCSP_SIGN) != 0 &&
           (usage & KU_DIGITAL_SIGNATURE) != 0 && is_valid_at(signer, now);
}

/* The certificate that the answer's responder id means: `expected`, or one sent along. */
static X509 *named_signer(OCSP_BASICRESP *basic, X509 *expected)
{
    X509 *signer = NULL;
    STACK_OF(X509) *list = sk_X509_new_null();
    if (list == NULL || sk_X509_push(list, expected) == 0 ||
        OCSP_resp_get0_signer(basic, &signer, list) != 1)
        signer = NULL;
    sk_X509_free(list);
    return signer;
}

/* Returns the signer's certificate, borrowed, or NULL when nobody may have signed it. */
static X509 *find_signer(const struct ocsp_question *question, OCSP_BASICRESP *basic, int64_t now)
{
    X509 *pinned = question->rules->revocation.responder;
    if (pinned != NULL)
        return named_signer(basic, pinned) == pinned && is_valid_at(pinned, now) ? pinned : NULL;
    X509 *issuer = question->anchor->certificate;
    X509 *signer = named_signer(basic, issuer);
    if (signer == NULL || signer == issuer)
        return signer;
    return is_delegated(question->anchor, signer, now) ? signer : NULL;
}

/* --- what it says --------------------------------------------------------------------------- */

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Returns what is wrong with the nonce, or NULL; *echoed tells whether it is in the answer. */
static const char *check_nonce(const struct ocsp_question *question, OCSP_BASICRESP *basic,
                               bool *echoed)
{
    int outcome = OCSP_check_nonce(question->request, basic); /* 1: equal, 0: differ, -1: missing */
    *echoed = outcome == 1;
    if (outcome == 1 || question->rules->revocation.nonce == NONCE_OFF)
        return NULL;
    if (outcome == -1 && question->rules->revocation.nonce == NONCE_OPTIONAL)
        return NULL;
    return outcome == -1 ? "the nonce is missing" : "the nonce is another";
}

static const char *check_dates(const struct ocsp_question *question, struct ocsp_answer *answer,
                               bool echoed, int64_t now)
{
    int64_t age = question->rules->revocation.max_age_s;
    if (!echoed)
        age = at_most(age, OCSP_NO_NONCE_AGE_S);
    if (answer->next_update == 0)
        age = at_most(age, OCSP_NO_NEXT_AGE_S);
    answer->usable_until = answer->this_update + age;
    if (answer->next_update != 0)
        answer->usable_until = at_most(answer->usable_until, answer->next_update);
    if (answer->this_update > now + OCSP_SKEW_S || answer->produced > now + OCSP_SKEW_S)
        return "it comes from the future";
    if (answer->next_update != 0 && answer->next_update < answer->this_update)
        return "its dates are in the wrong order";
    return now < answer->usable_until ? NULL : "it is too old";
}

static enum status_verdict verdict_of(int status, int reason)
{
    if (status == V_OCSP_CERTSTATUS_GOOD)
        return STATUS_GOOD;
    if (status == V_OCSP_CERTSTATUS_REVOKED)
        return reason == OCSP_REVOKED_STATUS_CERTIFICATEHOLD ? STATUS_ON_HOLD : STATUS_REVOKED;
    return STATUS_UNKNOWN;
}

static const char *read_single(const struct ocsp_question *question, OCSP_BASICRESP *basic,
                               struct ocsp_answer *answer)
{
    ASN1_GENERALIZEDTIME *revoked = NULL;
    ASN1_GENERALIZEDTIME *this_update = NULL;
    ASN1_GENERALIZEDTIME *next_update = NULL;
    int reason = -1;
    if (OCSP_resp_count(basic) != 1)
        return "it holds more or less than one answer";
    OCSP_SINGLERESP *single = OCSP_resp_get0(basic, 0);
    if (OCSP_id_cmp(question->id, OCSP_SINGLERESP_get0_id(single)) != 0)
        return "it is about another certificate";
    int status = OCSP_single_get0_status(single, &reason, &revoked, &this_update, &next_update);
    if (!certificate_time_read(this_update, &answer->this_update) ||
        (next_update != NULL && !certificate_time_read(next_update, &answer->next_update)) ||
        (revoked != NULL && !certificate_time_read(revoked, &answer->revoked_at)) ||
        !certificate_time_read(OCSP_resp_get0_produced_at(basic), &answer->produced))
        return "a date in it cannot be read";
    answer->verdict = verdict_of(status, reason);
    answer->reason = reason;
    return NULL;
}

/* Returns what is wrong, or NULL. bytes are the BasicOCSPResponse as received. */
static const char *check_basic(const struct ocsp_question *question, OCSP_BASICRESP *basic,
                               const struct der_item *bytes, int64_t now,
                               struct ocsp_answer *answer)
{
    bool echoed = false;
    X509 *signer = find_signer(question, basic, now);
    if (signer == NULL)
        return "its signer may not answer for this issuer";
    if (signed_verify(bytes->bytes, bytes->len, X509_get0_pubkey(signer)) != IDP_OK)
        return "its signature is not good";
    const char *problem = read_single(question, basic, answer);
    if (problem == NULL)
        problem = check_nonce(question, basic, &echoed);
    return problem == NULL ? check_dates(question, answer, echoed, now) : problem;
}

/* --- the envelope --------------------------------------------------------------------------- */

/*
 * OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, [0] SEQUENCE { type OID, OCTET STRING } }
 * (RFC 6960 section 4.2.1): returns what is wrong, or sets *basic to the octets inside.
 */
static const char *open_envelope(const unsigned char *bytes, size_t len, struct der_item *basic)
{
    static const unsigned char basic_type[] = {0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1};
    struct der rest = {.at = bytes, .left = len};
    struct der_item item;
    if (len > OCSP_ANSWER_MAX || !der_is_whole(bytes, len) ||
        !der_next_is(&rest, DER_SEQUENCE, &item))
        return "it is not an OCSP response";
    rest = der_inside(&item);
    if (!der_next_is(&rest, DER_ENUMERATED, &item) || item.len != 1)
        return "it is not an OCSP response";
    if (item.bytes[0] != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return "the service says it cannot answer";
    if (!der_next_is(&rest, DER_CONTEXT | DER_CONSTRUCTED, &item) || rest.left != 0)
        return "it is not an OCSP response";
    rest = der_inside(&item);
    if (!der_next_is(&rest, DER_SEQUENCE, &item) || rest.left != 0)
        return "it is not an OCSP response";
    rest = der_inside(&item);
    if (!der_next_is(&rest, DER_OID, &item) || item.len != sizeof(basic_type) ||
        memcmp(item.bytes, basic_type, sizeof(basic_type)) != 0)
        return "it is of an unknown type";
    if (!der_next_is(&rest, DER_OCTET_STRING, basic) || rest.left != 0 ||
        !der_is_whole(basic->bytes, basic->len))
        return "it is not an OCSP response";
    return NULL;
}

struct ocsp_answer ocsp_answer_read(const struct ocsp_question *question,
                                    const unsigned char *bytes, size_t len, int64_t now)
{
    struct ocsp_answer answer = {.verdict = STATUS_UNUSABLE};
    struct der_item octets = {.len = 0};
    answer.problem = open_envelope(bytes, len, &octets);
    if (answer.problem != NULL)
        return answer;
    const unsigned char *at = octets.bytes;
    OCSP_BASICRESP *basic = d2i_OCSP_BASICRESP(NULL, &at, (long)octets.len);
    if (basic == NULL || at != octets.bytes + octets.len)
        answer.problem = "it is not an OCSP response";
    else
        answer.problem = check_basic(question, basic, &octets, now, &answer);
    if (answer.problem != NULL)
        answer.verdict = STATUS_UNUSABLE;
    OCSP_BASICRESP_free(basic);
    return answer;
}
