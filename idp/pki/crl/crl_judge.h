/*
 * May a list of revoked certificates speak, and of whom (RFC 5280 section 6.3)?
 *
 * A list speaks of a certificate when it is the word of who issued it (name, key, the right to sign
 * lists, signature), of now (dates), and about certificates like it (issuingDistributionPoint). The
 * questions are apart because their answers last differently long: the first is asked once when a
 * list comes in, the second whenever it is used. That the list can be understood to the last byte,
 * critical extensions included, crl_read() has said before.
 *
 * Two kinds of lists that the RFC knows never speak here: indirect ones, which a third party
 * issues, and those of only some reasons. No authority may name a third party in the trust list,
 * and a list that is silent about some reasons cannot say that a lock is good.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "pki/crl/crl_read.h"

struct signed_algorithm;

enum { CRL_SKEW_S = 300 }; /* how far an authority's clock may be ahead */

/* What speaks against a list; crl_objection_name() has their names. */
enum crl_objection {
    CRL_SPEAKS,
    CRL_OTHER_ISSUER,  /* its issuer has another name */
    CRL_OTHER_KEY,     /* its authorityKeyIdentifier means another certificate */
    CRL_NO_SIGNER,     /* the issuer's key usage has no cRLSign */
    CRL_BAD_SIGNATURE, /* or by an algorithm that is not taken */
    CRL_FROM_FUTURE,
    CRL_STALE,              /* nextUpdate is over */
    CRL_INDIRECT,           /* it may list certificates of other issuers */
    CRL_SOME_REASONS,       /* it is silent about other reasons */
    CRL_OTHER_CERTIFICATES, /* attribute certificates, or authorities' only, or users' only */
    CRL_OTHER_POINT,        /* its distribution point is not one that the certificate names */
    CRL_DELTA,              /* it says only what has changed: see crl_judge_delta() */
    CRL_OTHER_SCOPE,        /* delta and full list are about different certificates or keys */
    CRL_NO_NUMBER,          /* delta or full list has none, so their order is not known */
    CRL_BASE_TOO_OLD,       /* the delta begins after the full list */
    CRL_DELTA_TOO_OLD,      /* the full list has all that the delta says, and more */
    CRL_OBJECTIONS,
};

/* A short name for logs, such as "no_signer". */
const char *crl_objection_name(enum crl_objection objection);

/* A list with the bytes that it was read from. */
struct crl_received {
    const unsigned char *der;
    size_t len;
    struct crl_list list;
};

/*
 * Says whether the list, full or delta, is the issuer's own word: name, key identifier, key usage,
 * and the signature over the received bytes. `also` is as for signed_verify_also(): NULL.
 */
enum crl_objection crl_judge_issuer(const struct crl_received *received, X509 *issuer,
                                    const struct signed_algorithm *also);

/* Says whether it is of now; grace_s is how long it counts after its nextUpdate. */
enum crl_objection crl_judge_dates(const struct crl_list *list, int64_t now, int64_t grace_s);

enum { CRL_OF_USERS = 1, CRL_OF_AUTHORITIES = 2 };

/* Says whether a full list is about all of its issuer's certificates of these kinds, added up, for
 * as far as they name its distribution point. */
enum crl_objection crl_judge_scope(const struct crl_list *list, unsigned kinds);

/*
 * Says whether a list is about a certificate of its issuer's as far as distribution points go: it
 * has none, or the certificate names it (section 6.3.3 (b) (2) (i)). With NULL, of a certificate
 * that is not known, only the former.
 */
enum crl_objection crl_judge_point(const struct crl_list *list, const X509 *certificate);

/*
 * Says whether a delta goes on from a full list (section 5.2.4): the same issuer, key and scope,
 * and BaseCRLNumber at most the full list's number, which is below the delta's. Both are taken to
 * be the same issuer's word.
 */
enum crl_objection crl_judge_delta(const struct crl_list *full, const struct crl_list *delta);
