/* Who may answer for an issuer (RFC 6960 section 4.2.2.2). */
#pragma once

#include <stdint.h>

#include <openssl/ocsp.h>

struct ocsp_question;

/*
 * The certificate that a response names as its signer's, borrowed from the response or the trust
 * list: the one that the list pins, and nobody else where it does; else the issuer's own, or one
 * that the issuer itself delegated to answer. NULL when nobody of them is named; whether the
 * signature is theirs is not looked at.
 */
X509 *ocsp_signer_find(const struct ocsp_question *question, OCSP_BASICRESP *basic, int64_t now);
