#include "pki/ocsp/ocsp_signer.h"

#include <openssl/x509v3.h>

#include "pki/certificate_time.h"
#include "pki/crl/crls.h"
#include "pki/der.h"
#include "pki/ocsp/ocsp.h"
#include "pki/path.h"
#include "pki/pki.h"
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

/* --- whether it was revoked itself ---------------------------------------------------------- */

/* What the issuer's lists say of it; nothing where there are none. False: no memory. */
static bool look_up(const struct ocsp_question *question, const X509 *signer,
                    struct crl_finding *out)
{
    const struct pki_lists *lists = question->lists;
    unsigned char *der = NULL;
    struct der_item serial;
    *out = (struct crl_finding){.present = false};
    if (lists == NULL || lists->find == NULL)
        return true;
    int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(signer), &der);
    struct der rest = {.at = der, .left = len > 0 ? (size_t)len : 0};
    bool good = der_next(&rest, &serial);
    if (good)
        lists->find(lists->context, question->anchor->hash, serial.bytes, serial.len, out);
    OPENSSL_free(der);
    return good;
}

static bool is_short_lived(const X509 *signer)
{
    int64_t from = 0;
    int64_t to = 0;
    return certificate_time_span(signer, &from, &to) && to - from <= OCSP_DELEGATE_SHORT_S;
}

static bool is_in_time(const struct ocsp_question *question, const struct crl_finding *list,
                       int64_t now)
{
    return list->present && list->full.this_update <= now + OCSP_SKEW_S &&
           now < list->full.next_update + question->rules->revocation.crl_grace_s;
}

/*
 * RFC 6960 section 4.2.2.2.1: the issuer says by id-pkix-ocsp-nocheck that its delegate need not be
 * looked up, or lets it live shortly; everyone else has to be looked up in the issuer's list. Its
 * own service is not asked: it would vouch for itself. A list that names the delegate counts
 * whatever the certificate says: both are the issuer's word, and the list is the later one.
 */
static enum signer_problem check_revocation(const struct ocsp_question *question, X509 *signer,
                                            bool is_pinned, int64_t now)
{
    struct crl_finding list;
    if (!look_up(question, signer, &list))
        return SIGNER_UNSURE;
    if (list.present && list.entry != CRL_NOT_LISTED)
        return SIGNER_REVOKED;
    bool need_not = is_pinned || X509_get_ext_by_NID(signer, NID_id_pkix_OCSP_noCheck, -1) >= 0;
    return need_not || is_short_lived(signer) || is_in_time(question, &list, now) ? SIGNER_FITS
                                                                                  : SIGNER_UNSURE;
}

/* --- who it is ------------------------------------------------------------------------------ */

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

/* A pinned certificate may be another issuer's, whose lists are not at hand. */
static enum signer_problem check_pinned(const struct ocsp_question *question, X509 *pinned,
                                        int64_t now)
{
    bool is_issued = X509_check_issued(question->anchor->certificate, pinned) == X509_V_OK;
    if (!is_valid_at(pinned, now))
        return SIGNER_FOREIGN;
    return is_issued ? check_revocation(question, pinned, true, now) : SIGNER_FITS;
}

static enum signer_problem check(const struct ocsp_question *question, X509 *signer, int64_t now)
{
    X509 *pinned = question->rules->revocation.responder;
    if (pinned != NULL)
        return signer == pinned ? check_pinned(question, pinned, now) : SIGNER_FOREIGN;
    if (signer == question->anchor->certificate)
        return SIGNER_FITS;
    return is_delegated(question, signer, now) ? check_revocation(question, signer, false, now)
                                               : SIGNER_FOREIGN;
}

X509 *ocsp_signer_find(const struct ocsp_question *question, OCSP_BASICRESP *basic, int64_t now,
                       enum signer_problem *why)
{
    X509 *pinned = question->rules->revocation.responder;
    X509 *expected = pinned != NULL ? pinned : question->anchor->certificate;
    X509 *signer = named_signer(basic, expected);
    *why = signer != NULL ? check(question, signer, now) : SIGNER_FOREIGN;
    return *why == SIGNER_FITS ? signer : NULL;
}
