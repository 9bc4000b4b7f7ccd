/*
 * Who may issue lists, by the trust list: the anchors of its authorities, and the roots above them.
 * Only authorities for which the trust list names addresses of lists are here.
 */
#pragma once

#include <openssl/x509.h>

#include "base/digest.h"
#include "base/error.h"
#include "pki/crl/crl_judge.h"
#include "pki/trust/trust.h"

enum { CRL_AUTHORITY_SIZE = 33 };

/* One certificate of one authority. A root that two authorities share stands here twice. */
struct crl_issuer {
    char authority[CRL_AUTHORITY_SIZE]; /* its id */
    unsigned char hash[DIGEST_SIZE];    /* SHA-256 of the certificate's DER */
    X509 *certificate;                  /* counted */
    unsigned kinds; /* of certificates that it issues: CRL_OF_…, added up over all authorities */
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
