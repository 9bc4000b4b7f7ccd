#include "pki/crl/crl_issuers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/crl/crls.h"
#include "pki/der.h"
#include "pki/signed.h"
#include "pki/trust/rules.h"

/* --- the table -------------------------------------------------------------------------------- */

bool crls_are_wanted(const struct trust *trust)
{
    for (size_t i = 0; i < trust->count; i++)
        if (trust->authorities[i].rules->revocation.crl.count > 0)
            return true;
    return false;
}

static size_t count_of(const struct trust *trust)
{
    size_t count = 0;
    for (size_t i = 0; i < trust->count; i++) {
        const struct authority_rules *rules = trust->authorities[i].rules;
        if (rules->revocation.crl.count > 0)
            count += rules->anchors.count + rules->roots.count;
    }
    return count;
}

/* A certificate that is anchor and root of one authority stands here once. */
static bool is_new(const struct crl_issuers *issuers, const struct crl_issuer *last)
{
    for (struct crl_issuer *earlier = issuers->list; earlier != last; earlier++) {
        if (strcmp(earlier->authority, last->authority) != 0 ||
            memcmp(earlier->hash, last->hash, DIGEST_SIZE) != 0)
            continue;
        earlier->kinds |= last->kinds;
        X509_free(last->certificate);
        return false;
    }
    return true;
}

static enum idp_err add(struct crl_issuers *issuers, const char *authority, X509 *certificate,
                        unsigned kinds)
{
    struct crl_issuer *issuer = &issuers->list[issuers->count];
    unsigned size = DIGEST_SIZE;
    *issuer = (struct crl_issuer){.kinds = kinds};
    (void)snprintf(issuer->authority, sizeof(issuer->authority), "%s", authority);
    if (X509_digest(certificate, EVP_sha256(), issuer->hash, &size) != 1 ||
        X509_up_ref(certificate) != 1)
        return IDP_FAULT;
    issuer->certificate = certificate;
    issuer->serial_len = crl_serial_of(certificate, issuer->serial);
    issuers->count += is_new(issuers, issuer);
    return IDP_OK;
}

static enum idp_err add_authority(struct crl_issuers *issuers, const struct authority *authority)
{
    const struct authority_rules *rules = authority->rules;
    enum idp_err err = IDP_OK;
    if (rules->revocation.crl.count == 0)
        return IDP_OK;
    for (size_t i = 0; i < rules->anchors.count && err == IDP_OK; i++)
        err = add(issuers, authority->id, rules->anchors.list[i].certificate, CRL_OF_USERS);
    for (size_t i = 0; i < rules->roots.count && err == IDP_OK; i++)
        err = add(issuers, authority->id, rules->roots.list[i], CRL_OF_AUTHORITIES);
    return err;
}

/* What a certificate issues for one authority, its list has to cover for all of them. */
static void share_kinds(struct crl_issuers *issuers)
{
    for (size_t i = 0; i < issuers->count; i++)
        for (size_t j = 0; j < issuers->count; j++)
            if (memcmp(issuers->list[i].hash, issuers->list[j].hash, DIGEST_SIZE) == 0)
                issuers->list[i].kinds |= issuers->list[j].kinds;
}

static bool issued(const struct crl_issuer *root, const struct crl_issuer *anchor)
{
    unsigned char *der = NULL;
    if ((root->kinds & CRL_OF_AUTHORITIES) == 0 || root == anchor ||
        strcmp(root->authority, anchor->authority) != 0 ||
        X509_NAME_cmp(X509_get_subject_name(root->certificate),
                      X509_get_issuer_name(anchor->certificate)) != 0)
        return false;
    int len = i2d_X509(anchor->certificate, &der);
    bool good =
        len > 0 && signed_verify(der, (size_t)len, X509_get0_pubkey(root->certificate)) == IDP_OK;
    OPENSSL_free(der);
    return good;
}

static void find_roots(struct crl_issuers *issuers)
{
    for (size_t i = 0; i < issuers->count; i++)
        for (size_t j = 0; j < issuers->count && issuers->list[i].root == NULL; j++)
            if (issued(&issuers->list[j], &issuers->list[i]))
                issuers->list[i].root = &issuers->list[j];
}

enum idp_err crl_issuers_new(const struct trust *trust, struct crl_issuers **out)
{
    struct crl_issuers *issuers = calloc(1, sizeof(*issuers));
    size_t count = count_of(trust);
    enum idp_err err = IDP_OK;
    if (issuers != NULL)
        issuers->list = calloc(count + 1, sizeof(*issuers->list));
    if (issuers == NULL || issuers->list == NULL)
        err = IDP_FAULT;
    for (size_t i = 0; i < trust->count && err == IDP_OK; i++)
        err = add_authority(issuers, &trust->authorities[i]);
    if (err != IDP_OK) {
        crl_issuers_free(issuers);
        return err;
    }
    share_kinds(issuers);
    find_roots(issuers);
    *out = issuers;
    return IDP_OK;
}

void crl_issuers_free(struct crl_issuers *issuers)
{
    if (issuers == NULL)
        return;
    for (size_t i = 0; i < issuers->count; i++)
        X509_free(issuers->list[i].certificate);
    free(issuers->list);
    free(issuers);
}

size_t crl_serial_of(const X509 *certificate, unsigned char out[CRL_SERIAL_MAX])
{
    unsigned char *der = NULL;
    struct der_item item;
    int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &der);
    bool good = len > 0 && der_next(&(struct der){.at = der, .left = (size_t)len}, &item) &&
                item.len <= CRL_SERIAL_MAX;
    if (good)
        memcpy(out, item.bytes, item.len);
    OPENSSL_free(der);
    return good ? item.len : 0;
}
