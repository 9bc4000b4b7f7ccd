/*
 * The decision about revocation: what an authority's policy makes of all that is known of a
 * certificate. A pure function, so that the whole truth table is a test (SECURITY row 34).
 *
 * Only good passes. What either source calls revoked is revoked, whatever the policy, however old
 * the list that says so, and whatever was said since. (An answer that is too old, or lacks our
 * nonce, says nothing: pki/ocsp/ocsp.h.) A service that does not know the certificate is never
 * outvoted by a list.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pki/crl/crls.h"
#include "pki/ocsp/ocsp.h"
#include "pki/trust/rules.h"

/* That a certificate was called revoked once. */
struct revoked_fact {
    int64_t revoked_at; /* as the authority said */
    int reason;         /* CRLReason (RFC 5280 section 5.3.1); -1: none was given */
};

struct verdict_facts {
    const struct revocation *rules;
    bool issuer_revoked;              /* the anchor is in its root's list */
    const struct revoked_fact *known; /* NULL: nobody has called it revoked yet */
    const struct crl_finding *list;
    const struct ocsp_answer *ocsp; /* NULL: the service has not been asked */
    /* The last good answer, too old for the policy; NULL: none. None may be handed in that the
     * service has taken back since. */
    const struct ocsp_answer *old;
    int64_t now;
};

enum verdict_says {
    VERDICT_ASK, /* it depends on what the service says: to be decided again with its answer */
    VERDICT_GOOD,
    VERDICT_REVOKED,
    VERDICT_ISSUER_REVOKED, /* by its root: nothing that it issued counts */
    VERDICT_ON_HOLD,        /* may be lifted by a person at the authority */
    VERDICT_UNKNOWN,        /* the service does not know the certificate */
    VERDICT_UNAVAILABLE,
};

enum verdict_source { VERDICT_BY_NOBODY, VERDICT_BY_OCSP, VERDICT_BY_CRL, VERDICT_BY_RECORD };

struct verdict {
    enum verdict_says says;
    enum verdict_source source; /* whose word it is */
    bool degraded;              /* good by a word that is older than the policy allows */
    int64_t since;              /* revoked or on hold */
    int reason;                 /* the same: CRLReason; -1: none was given */
    const char *problem;        /* unavailable: why, for the log */
};

/*
 * What counts as a list in use is in time (nextUpdate and the authority's grace) and young
 * (crl_max_age_s since its thisUpdate, or its delta's while that is in time). The degraded mode
 * (struct degraded) lets the newest good word pass when neither source can be had; never one that a
 * list, even an old one, contradicts.
 */
struct verdict verdict_decide(const struct verdict_facts *facts);
