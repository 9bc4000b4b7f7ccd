/*
 * A reader of certificate revocation lists (CRL, RFC 5280 section 5) over received bytes.
 *
 * It decides whether the bytes are a list that can be understood to the last one, and says what
 * stands in it. It verifies no signature (pki/signed.h) and has no opinion: whether a list of some
 * scope, age or version is used is its caller's business. Nothing is copied: what it returns points
 * into the bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pki/der.h"

enum {
    CRL_NUMBER_OCTETS = 20, /* RFC 5280 section 5.2.3 */
    CRL_SERIAL_MAX = 64,    /* octets; 20 are allowed (section 4.1.2.2), some issuers have more */
};

/* Why a list is refused; crl_fault_name() has their names. */
enum crl_fault {
    CRL_SOUND,
    CRL_SHAPE,   /* not DER, not a CertificateList, or something behind it */
    CRL_VERSION, /* neither 1 (absent) nor 2; or extensions in version 1 */
    CRL_ALGORITHMS_DIFFER,
    CRL_ISSUER,
    CRL_DATE, /* one cannot be read, or nextUpdate is before thisUpdate */
    CRL_NO_NEXT_UPDATE,
    CRL_EXTENSION_SHAPE, /* of any that is known, or all of them */
    CRL_EXTENSION_TWICE,
    CRL_EXTENSION_UNKNOWN, /* and critical (section 5.2) */
    CRL_NUMBER,            /* CRLNumber or BaseCRLNumber is negative or too long */
    CRL_SCOPE,             /* issuingDistributionPoint cannot be read, or contradicts itself */
    CRL_ENTRY_SHAPE,
    CRL_ENTRY_SERIAL,
    CRL_ENTRY_DATE,
    CRL_ENTRY_EXTENSION_SHAPE,
    CRL_ENTRY_EXTENSION_TWICE,
    CRL_ENTRY_EXTENSION_UNKNOWN, /* and critical (section 5.3) */
    CRL_ENTRY_REASON,
    CRL_FAULTS,
};

/* A short name for logs, such as "no_next_update". */
const char *crl_fault_name(enum crl_fault fault);

/* A part of the list's bytes; at is NULL when there is no such part. */
struct crl_part {
    const unsigned char *at;
    size_t len;
};

/* A CRLNumber with its highest octet first and zeros before it: memcmp() tells which is newer. */
struct crl_number {
    unsigned char octets[CRL_NUMBER_OCTETS];
};

/* issuingDistributionPoint (section 5.2.5): what the list covers. Absent: all of the issuer's. */
struct crl_scope {
    bool present;
    struct crl_part whole; /* the extension's value, DER */
    struct crl_part
        distribution_point; /* DistributionPointName, DER: [0] fullName or [1] relative */
    bool only_user_certificates, only_authorities, only_attribute_certificates;
    bool indirect;
    bool some_reasons; /* onlySomeReasons is there */
    unsigned reasons;  /* of onlySomeReasons: 1 << bit of ReasonFlags (section 4.2.1.13) */
};

struct crl_list {
    int version;               /* 1 or 2 */
    struct crl_part issuer;    /* Name, DER */
    struct crl_part algorithm; /* AlgorithmIdentifier, DER; inside and outside the same */
    int64_t this_update, next_update;
    bool has_number;
    struct crl_number number;
    bool is_delta;                  /* deltaCRLIndicator (section 5.2.4) … */
    struct crl_number base;         /* … with BaseCRLNumber */
    struct crl_part authority_key;  /* AuthorityKeyIdentifier, DER */
    struct crl_part key_identifier; /* of it: the octets */
    struct crl_scope scope;
    struct crl_part freshest; /* freshestCRL: CRLDistributionPoints, DER */
    struct der entries;       /* for crl_read_entry() */
    size_t count;
    bool names_issuers; /* an entry has certificateIssuer: only an indirect list may */
};

/* CRLReason (section 5.3.1). */
enum crl_reason {
    CRL_REASON_UNSAID = -1, /* the entry says none: unspecified */
    CRL_REASON_ON_HOLD = 6,
    CRL_REASON_REMOVED = 8, /* removeFromCRL: a delta says that an entry is over */
};

/* One entry. */
struct crl_record {
    struct crl_part serial; /* content octets of the INTEGER */
    int64_t revoked_at;
    int reason; /* CRLReason, or CRL_REASON_UNSAID */
    bool has_invalidity;
    int64_t invalid_since;              /* invalidityDate */
    struct crl_part certificate_issuer; /* GeneralNames, DER (section 5.3.3) */
    bool has_extensions;                /* these or others */
};

/*
 * Reads a list whole, every entry as well. Returns CRL_SOUND, or what is wrong with it; then *out
 * says nothing. Time goes with the length; no memory is taken.
 */
enum crl_fault crl_read(const void *der, size_t len, struct crl_list *out);

/*
 * Steps to the next entry of a list that crl_read() found sound: begin with a copy of its
 * `entries`. Returns false behind the last one.
 */
bool crl_read_entry(struct der *entries, struct crl_record *out);
