/*
 * Questions to a status service and its answers (OCSP, RFC 6960; the nonce, RFC 9654).
 *
 * What an answer has to be, to count: about this certificate only, fresh, with our nonce, and
 * signed by the issuer itself, by whom that issuer delegated, or by the certificate that the trust
 * list pins. Signatures are verified over the received bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ocsp.h>

#include "base/error.h"
#include "pki/trust/rules.h"

enum {
    OCSP_ANSWER_MAX = 16 * 1024,
    OCSP_NONCE_SIZE = 32,
    OCSP_SKEW_S = 300,         /* how far an authority's clock may be ahead */
    OCSP_NO_NEXT_AGE_S = 300,  /* the oldest answer that names no next update */
    OCSP_NO_NONCE_AGE_S = 120, /* the oldest answer without our nonce */
};

struct pki_lists;

enum status_verdict {
    STATUS_UNUSABLE, /* no answer, or none that counts */
    STATUS_GOOD,
    STATUS_REVOKED,
    STATUS_ON_HOLD,
    STATUS_UNKNOWN, /* the authority does not know the certificate */
};

/* Why an answer is unusable, as it is counted. */
enum ocsp_fault {
    FAULT_NONE,
    FAULT_NOT_ASKED, /* nothing was sent: too many waited, no memory, an address not allowed */
    FAULT_SILENT,    /* nothing came in time, nobody listens, or nobody did a moment ago */
    FAULT_HTTP,      /* an HTTP error, or too large an answer */
    FAULT_DECLINED,  /* the service says that it does not answer */
    FAULT_MALFORMED,
    FAULT_SIGNER,    /* signed by someone who may not */
    FAULT_SIGNATURE, /* not signed by whom it names */
    FAULT_SUBJECT,   /* about another certificate, or not about exactly one */
    FAULT_NONCE,
    FAULT_DATES,
    FAULTS
};

/* The faults' names in figures, in their order. */
extern const char *const ocsp_fault_names[FAULTS];

struct ocsp_answer {
    enum status_verdict verdict;
    enum ocsp_fault fault; /* of an unusable one */
    const char *problem;   /* the same for the log, in words */
    int64_t produced, this_update;
    int64_t next_update;  /* 0: none */
    int64_t revoked_at;   /* when it is revoked or on hold */
    int reason;           /* the same: CRLReason (RFC 5280 section 5.3.1); -1: none is given */
    int64_t usable_until; /* by its own dates and the authority's max_age_s */
    bool echoed;          /* it carries the nonce of its question */
};

/* Until when an answer with these dates may be used, by this policy. */
int64_t ocsp_answer_until(const struct revocation *rules, const struct ocsp_answer *answer);

struct ocsp_question {
    const struct authority_rules *rules;
    const struct anchor *anchor;
    const struct pki_lists *lists; /* where a delegate is looked up; NULL: nowhere */
    OCSP_REQUEST *request;
    OCSP_CERTID *id;    /* the request's */
    unsigned char *der; /* the request as it is sent */
    size_t der_len;
};

/*
 * Writes a question, without lists, about a certificate that the anchor issued. Freed with
 * ocsp_question_clear(). Returns IDP_FAULT when there is no memory or randomness.
 */
enum idp_err ocsp_question_make(const struct authority_rules *rules, const struct anchor *anchor,
                                const unsigned char *leaf, size_t leaf_len,
                                struct ocsp_question *out);
void ocsp_question_clear(struct ocsp_question *question);

/* Reads the received bytes. What does not count in any way is unusable. */
struct ocsp_answer ocsp_answer_read(const struct ocsp_question *question,
                                    const unsigned char *bytes, size_t len, int64_t now);

/* An unusable answer. */
struct ocsp_answer ocsp_unusable(enum ocsp_fault fault, const char *problem);
