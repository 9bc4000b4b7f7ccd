/*
 * Who may issue lists, by the trust list: the anchors of its authorities, and the roots above them.
 * Only authorities for which the trust list names addresses of lists are here.
 */
#pragma once

#include <openssl/x509.h>

#include "base/digest.h"
#include "base/error.h"
#include "pki/crl_held.h"
#include "pki/trust.h"

enum { CRL_ISSUES_LOCKS = 1, CRL_ISSUES_AUTHORITIES = 2, CRL_AUTHORITY_SIZE = 33 };

/* One certificate of one authority. A root that two authorities share stands here twice. */
struct crl_issuer {
    char authority[CRL_AUTHORITY_SIZE]; /* its id */
    unsigned char hash[DIGEST_SIZE];    /* SHA-256 of the certificate's DER */
    X509 *certificate;                  /* counted */
    unsigned roles;                     /* CRL_ISSUES_…, added up: what it is to any authority */
    unsigned char serial[CRL_SERIAL_MAX]; /* of the certificate, as entries have it */
    size_t serial_len;
    const struct crl_issuer *root; /* of an anchor: who issued it, if that is here, or NULL */
};

struct crl_issuers {
    size_t count;
    struct crl_issuer *list;
};

/* Returns IDP_FAULT when there is no memory. */
enum idp_err crl_issuers_new(const struct trust *trust, struct crl_issuers **out);

/* NULL is allowed. */
void crl_issuers_free(struct crl_issuers *issuers);

/*
 * The content octets of a certificate's serial number, as entries of lists have it. Returns how
 * many (at most CRL_SERIAL_MAX), or 0 when it is longer or there is no memory.
 */
size_t crl_serial_of(const X509 *certificate, unsigned char out[CRL_SERIAL_MAX]);

/* Says whether the list names this issuer: no other key needs to be tried. */
bool crl_issuer_is_named(const struct crl_issuer *issuer, const struct crl_held *held);

/*
 * Why a list that names this issuer is not taken from it: a name for logs, or NULL. The signature
 * is verified over the received bytes. A list that covers less than the issuer's role needs is
 * refused: what it leaves out would look as if it were not revoked.
 */
const char *crl_issuer_objects(const struct crl_issuer *issuer, const struct crl_held *held);

/* Says whether a list of this scope covers all that the issuer's role needs. */
bool crl_issuer_covers(const struct crl_issuer *issuer, const struct crl_scope *scope);
