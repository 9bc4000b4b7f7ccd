#include "pki/crl/crl_judge.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "pki/signed.h"

const char *crl_objection_name(enum crl_objection objection)
{
    static const char *const names[CRL_OBJECTIONS] = {
        [CRL_SPEAKS] = "speaks",
        [CRL_OTHER_ISSUER] = "other_issuer",
        [CRL_OTHER_KEY] = "other_key",
        [CRL_NO_SIGNER] = "no_signer",
        [CRL_BAD_SIGNATURE] = "bad_signature",
        [CRL_FROM_FUTURE] = "from_future",
        [CRL_STALE] = "stale",
        [CRL_INDIRECT] = "indirect",
        [CRL_SOME_REASONS] = "some_reasons",
        [CRL_OTHER_CERTIFICATES] = "other_certificates",
        [CRL_OTHER_POINT] = "other_point",
        [CRL_DELTA] = "delta",
        [CRL_OTHER_SCOPE] = "other_scope",
        [CRL_NO_NUMBER] = "no_number",
        [CRL_BASE_TOO_OLD] = "base_too_old",
        [CRL_DELTA_TOO_OLD] = "delta_too_old",
    };
    return names[objection];
}

/* --- whose word ----------------------------------------------------------------------------- */

/* Names are compared as RFC 5280 section 7.1 says: by content, whatever the string types. */
static bool is_named(const struct crl_part *name, X509 *issuer)
{
    const unsigned char *at = name->at;
    X509_NAME *own = d2i_X509_NAME(NULL, &at, (long)name->len);
    bool same = own != NULL && X509_NAME_cmp(own, X509_get_subject_name(issuer)) == 0;
    X509_NAME_free(own);
    return same;
}

/* An identifier that is absent says nothing; the signature still has to be by that key. */
static bool is_by_key(const struct crl_part *identifier, X509 *issuer)
{
    const unsigned char *at = identifier->at;
    if (at == NULL)
        return true;
    AUTHORITY_KEYID *key = d2i_AUTHORITY_KEYID(NULL, &at, (long)identifier->len);
    bool fits = key != NULL && X509_check_akid(issuer, key) == X509_V_OK;
    AUTHORITY_KEYID_free(key);
    return fits;
}

enum crl_objection crl_judge_issuer(const struct crl_received *received, X509 *issuer,
                                    const struct signed_algorithm *also)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    if (!is_named(&received->list.issuer, issuer))
        return CRL_OTHER_ISSUER;
    /* Section 6.3.3 (f); all bits are set when there is no such extension. To be asked before the
     * key identifier: OpenSSL compares with what this call has read from the issuer's extensions.
     */
    if ((X509_get_key_usage(issuer) & KU_CRL_SIGN) == 0)
        return CRL_NO_SIGNER;
    if (!is_by_key(&received->list.authority_key, issuer))
        return CRL_OTHER_KEY;
    if (key == NULL || signed_verify_also(received->der, received->len, key, also) != IDP_OK)
        return CRL_BAD_SIGNATURE;
    return CRL_SPEAKS;
}

enum crl_objection crl_judge_dates(const struct crl_list *list, int64_t now, int64_t grace_s)
{
    if (list->this_update > now + CRL_SKEW_S)
        return CRL_FROM_FUTURE;
    return now < list->next_update + grace_s ? CRL_SPEAKS : CRL_STALE;
}

/* --- about whom ----------------------------------------------------------------------------- */

enum crl_objection crl_judge_scope(const struct crl_list *list, unsigned kinds)
{
    const struct crl_scope *scope = &list->scope;
    if (list->is_delta)
        return CRL_DELTA;
    if (scope->indirect || list->names_issuers)
        return CRL_INDIRECT;
    if (scope->some_reasons)
        return CRL_SOME_REASONS;
    if (scope->only_attribute_certificates ||
        (scope->only_authorities && (kinds & CRL_OF_USERS) != 0) ||
        (scope->only_user_certificates && (kinds & CRL_OF_AUTHORITIES) != 0))
        return CRL_OTHER_CERTIFICATES;
    return CRL_SPEAKS;
}

/* A directoryName in a list of its own; takes nothing over. NULL: no memory. */
static GENERAL_NAMES *names_of(const X509_NAME *name)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *one = GENERAL_NAME_new();
    X509_NAME *copy = X509_NAME_dup(name);
    if (names != NULL && one != NULL && copy != NULL && sk_GENERAL_NAME_push(names, one) > 0) {
        GENERAL_NAME_set0_value(one, GEN_DIRNAME, copy);
        return names;
    }
    X509_NAME_free(copy);
    GENERAL_NAME_free(one);
    sk_GENERAL_NAME_free(names);
    return NULL;
}

/* Every name of a distribution point: fullName, or its relative name below the issuer's (section
 * 4.2.1.13). The caller's; NULL: no memory, or names that cannot be. */
static GENERAL_NAMES *point_names(DIST_POINT_NAME *point, const X509_NAME *issuer)
{
    if (point->type == 0)
        return sk_GENERAL_NAME_deep_copy(point->name.fullname, GENERAL_NAME_dup, GENERAL_NAME_free);
    if (DIST_POINT_set_dpname(point, issuer) != 1 || point->dpname == NULL)
        return NULL;
    return names_of(point->dpname);
}

static bool share_a_name(const GENERAL_NAMES *a, const GENERAL_NAMES *b)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(a); i++)
        for (int j = 0; j < sk_GENERAL_NAME_num(b); j++)
            if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a, i), sk_GENERAL_NAME_value(b, j)) == 0)
                return true;
    return false;
}

/*
 * One distribution point of a certificate. One with cRLIssuer is served by a third party, and one
 * with reasons by a list of some of them: neither kind speaks here.
 */
static bool point_fits(const DIST_POINT *point, const X509_NAME *issuer,
                       const GENERAL_NAMES *wanted)
{
    if (point->distpoint == NULL || point->CRLissuer != NULL || point->reasons != NULL)
        return false;
    GENERAL_NAMES *names = point_names(point->distpoint, issuer);
    bool fits = names != NULL && share_a_name(names, wanted);
    GENERAL_NAMES_free(names);
    return fits;
}

/* Section 6.3.3: without distribution points the issuer's name stands for one. */
static bool issuer_fits(const X509_NAME *issuer, const GENERAL_NAMES *wanted)
{
    GENERAL_NAMES *names = names_of(issuer);
    bool fits = names != NULL && share_a_name(names, wanted);
    GENERAL_NAMES_free(names);
    return fits;
}

static bool any_point_fits(const X509 *certificate, const GENERAL_NAMES *wanted)
{
    int critical = -1; /* absent; -2: more than one, and anything else cannot be read */
    CRL_DIST_POINTS *points =
        X509_get_ext_d2i(certificate, NID_crl_distribution_points, &critical, NULL);
    const X509_NAME *issuer = X509_get_issuer_name(certificate);
    bool fits = points == NULL && critical == -1 && issuer_fits(issuer, wanted);
    for (int i = 0; i < sk_DIST_POINT_num(points) && !fits; i++)
        fits = point_fits(sk_DIST_POINT_value(points, i), issuer, wanted);
    CRL_DIST_POINTS_free(points);
    return fits;
}

enum crl_objection crl_judge_point(const struct crl_list *list, const X509 *certificate)
{
    const struct crl_part *part = &list->scope.distribution_point;
    const unsigned char *at = part->at;
    if (at == NULL)
        return CRL_SPEAKS;
    if (certificate == NULL)
        return CRL_OTHER_POINT;
    DIST_POINT_NAME *point = d2i_DIST_POINT_NAME(NULL, &at, (long)part->len);
    GENERAL_NAMES *wanted =
        point != NULL ? point_names(point, X509_get_issuer_name(certificate)) : NULL;
    bool fits = wanted != NULL && any_point_fits(certificate, wanted);
    GENERAL_NAMES_free(wanted);
    DIST_POINT_NAME_free(point);
    return fits ? CRL_SPEAKS : CRL_OTHER_POINT;
}

/* --- delta ---------------------------------------------------------------------------------- */

static bool same_part(const struct crl_part *a, const struct crl_part *b)
{
    if (a->at == NULL || b->at == NULL)
        return a->at == b->at;
    return a->len == b->len && memcmp(a->at, b->at, a->len) == 0;
}

static int compare(const struct crl_number *a, const struct crl_number *b)
{
    return memcmp(a->octets, b->octets, CRL_NUMBER_OCTETS);
}

enum crl_objection crl_judge_delta(const struct crl_list *full, const struct crl_list *delta)
{
    if (full->is_delta || !delta->is_delta)
        return CRL_DELTA;
    /* Section 6.3.3 (c): the same issuer, scope and key. */
    if (!same_part(&full->issuer, &delta->issuer) ||
        !same_part(&full->scope.whole, &delta->scope.whole) ||
        !same_part(&full->authority_key, &delta->authority_key))
        return CRL_OTHER_SCOPE;
    if (!full->has_number || !delta->has_number)
        return CRL_NO_NUMBER;
    if (compare(&full->number, &delta->base) < 0)
        return CRL_BASE_TOO_OLD;
    return compare(&full->number, &delta->number) < 0 ? CRL_SPEAKS : CRL_DELTA_TOO_OLD;
}
