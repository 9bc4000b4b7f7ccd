/* Who may answer for an issuer (RFC 6960 section 4.2.2.2). */
#pragma once

#include <stdint.h>

#include <openssl/ocsp.h>

struct ocsp_question;

/*
 * How long the certificate of a delegate may live that nobody can say to be revoked: as long as a
 * list may be old by any policy.
 */
enum { OCSP_DELEGATE_SHORT_S = 31 * 86400 };

enum signer_problem {
    SIGNER_FITS,
    SIGNER_FOREIGN, /* nobody who may answer for this issuer now */
    SIGNER_REVOKED,
    SIGNER_UNSURE, /* nobody can say whether it is revoked */
    SIGNER_PROBLEMS
};

/*
 * The certificate that a response names as its signer's, borrowed from the response or the trust
 * list: the one that the list pins, and nobody else where it does; else the issuer's own, or one
 * that the issuer itself delegated to answer. Whoever stands in the issuer's list of revoked
 * certificates, however old that is, answers no more. NULL, with *why, when it is none of them;
 * whether the signature is theirs is not looked at.
 */
X509 *ocsp_signer_find(const struct ocsp_question *question, OCSP_BASICRESP *basic, int64_t now,
                       enum signer_problem *why);
