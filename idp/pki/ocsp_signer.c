#include "pki/ocsp_signer.h"

#include <openssl/x509v3.h>

#include "pki/certificate_time.h"
#include "pki/ocsp.h"
#include "pki/path.h"
#include "pki/signed.h"

static bool is_valid_at(const X509 *certificate, int64_t now)
{
    int64_t from = 0;
    int64_t to = 0;
    return certificate_time_span(certificate, &from, &to) && from <= now && now <= to;
}

static bool is_listed(const struct oids *oids, const ASN1_OBJECT *oid)
{
    for (size_t i = 0; i < oids->count; i++)
        if (OBJ_cmp(oids->list[i], oid) == 0)
            return true;
    return false;
}

/* Nothing that lets its holder sign in, too: a lock must not vouch for locks. */
static bool may_sign_in(const struct authority_rules *rules, const X509 *signer)
{
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(signer, NID_ext_key_usage, NULL, NULL);
    bool found = usages == NULL;
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++)
        found = found || is_listed(&rules->extended_key_usage, sk_ASN1_OBJECT_value(usages, i));
    EXTENDED_KEY_USAGE_free(usages);
    return found;
}

/* Its purpose is to answer, and no other one. */
static bool is_for_answers(const struct authority_rules *rules, X509 *signer)
{
    uint32_t usage = X509_get_key_usage(signer); /* all bits when there is no such extension */
    uint32_t flags = X509_get_extension_flags(signer);
    uint32_t extended = X509_get_extended_key_usage(signer);
    return (flags & EXFLAG_XKUSAGE) != 0 && (flags & EXFLAG_CA) == 0 &&
           (extended & XKU_OCSP_SIGN) != 0 && (extended & XKU_ANYEKU) == 0 &&
           (usage & KU_DIGITAL_SIGNATURE) != 0 && !may_sign_in(rules, signer);
}

/* RFC 6960 section 4.2.2.2: issued by that very issuer, with the usage OCSPSigning. */
static bool is_delegated(const struct ocsp_question *question, X509 *signer, int64_t now)
{
    const struct anchor *anchor = question->anchor;
    bool is_good = false;
    return signed_set_sm2_id(signer) == IDP_OK && signed_algorithm_is_sound(signer) &&
           X509_check_issued(anchor->certificate, signer) == X509_V_OK &&
           path_check(anchor, signer, &is_good) == IDP_OK && is_good &&
           is_for_answers(question->rules, signer) && is_valid_at(signer, now);
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

X509 *ocsp_signer_find(const struct ocsp_question *question, OCSP_BASICRESP *basic, int64_t now)
{
    X509 *pinned = question->rules->revocation.responder;
    if (pinned != NULL)
        return named_signer(basic, pinned) == pinned && is_valid_at(pinned, now) ? pinned : NULL;
    X509 *issuer = question->anchor->certificate;
    X509 *signer = named_signer(basic, issuer);
    if (signer == NULL || signer == issuer)
        return signer;
    return is_delegated(question, signer, now) ? signer : NULL;
}
