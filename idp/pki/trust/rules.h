/* How the trust list says to read one authority's certificates; made by trust.c, used by the room.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/digest.h"
#include "pki/trust/trust.h"

enum {
    RULES_LIST_MAX = 16, /* entries of any list in an authority's profile */
    RULES_TEXT_MAX = 256,
    RULES_ANCHORS_MAX = 16,
    RULES_OCSP_MAX = 4,
    RULES_URL_MAX = 512,
    RULES_CRLS_MAX = 16,
    RULES_DEGRADED_MAX_S = 86400,
};

/* The ASN.1 string types that a place may hold. */
enum place_type { PLACE_PRINTABLE = 1, PLACE_UTF8 = 2, PLACE_IA5 = 4, PLACE_BMP = 8 };

/* Of an attribute for which the profile names no types (RFC 5280 section 4.1.2.4). */
enum { PLACE_USUAL = PLACE_PRINTABLE | PLACE_UTF8 };

/* Where a certificate says something: in an extension, or in an attribute of its subject. */
struct place {
    const ASN1_OBJECT *extension; /* or */
    const ASN1_OBJECT *subject;
    unsigned types;     /* of the value: enum place_type, added up; 0: PLACE_USUAL */
    bool bare;          /* the extension may hold the characters without tag and length */
    bool choice;        /* the string is tagged [0] to [2], implicitly or explicitly (GM/T 0015) */
    const char *prefix; /* what the text begins with, and is taken off; "" or NULL for nothing */
    const char *except; /* what the text must not begin with: another thing stands there then */
    const char *split;  /* one character: the attribute has `of` fields with it between them */
    int field, of;      /* the field meant, from 0 */
};

struct places {
    struct place *list;
    size_t count;
};

/* One condition on a certificate: exactly one of these is set. */
struct rule {
    const ASN1_OBJECT *subject;  /* an attribute of this type … */
    const char *equals, *starts; /* … has this text, or begins with this one */
    const ASN1_OBJECT *policy;   /* the certificate policies name it */
    const unsigned char *issuer; /* SHA-256 of the DER of the anchor that issued it */
    struct place has, lacks;     /* set when extension or subject is */
};

/* Every one of them has to hold; an empty list holds nowhere. */
struct rules {
    struct rule *list;
    size_t count;
};

struct oids {
    const ASN1_OBJECT **list;
    size_t count;
    bool absent; /* the extension may be missing */
};

/* A certificate that issues locks, and is believed without looking further up. */
struct anchor {
    X509 *certificate;
    EVP_PKEY *key;                   /* borrowed from the certificate */
    X509_STORE *store;               /* holds this anchor only */
    unsigned char hash[DIGEST_SIZE]; /* SHA-256 of the DER */
    unsigned char
        voice[DIGEST_SIZE]; /* over all that decides whose answers about its locks count */
    int64_t not_before, not_after;
    struct trust_certificate bytes;       /* its own */
    const struct trust_certificate *root; /* who issued it; NULL: not in the list */
};

struct anchors {
    struct anchor *list;
    size_t count;
};

enum certid_digest { CERTID_SHA1, CERTID_SHA256, CERTID_SM3 };

enum nonce_mode { NONCE_REQUIRED, NONCE_OPTIONAL, NONCE_OFF };

/* What makes a certificate good: one of two sources, the second only where the first has nothing
 * usable to say. Whatever the policy, what either source calls revoked is revoked. */
enum revocation_policy { POLICY_OCSP, POLICY_OCSP_ELSE_CRL, POLICY_CRL, POLICY_CRL_ELSE_OCSP };

enum ocsp_method { OCSP_POST, OCSP_GET };

struct urls {
    const char **list;
    size_t count;
};

struct certificates {
    X509 **list;
    size_t count;
};

/* While neither source can be had, a good answer that is too old for the policy passes, marked. */
struct degraded {
    int64_t until; /* seconds since 1970; 0: never */
    int max_age_s; /* of that answer */
};

struct revocation {
    int policy; /* enum revocation_policy */
    struct urls ocsp;
    struct urls crl; /* where lists are; whose and of what kind each is, its content says */
    int digest;      /* of the CertID: enum certid_digest */
    int nonce;       /* enum nonce_mode */
    int method;      /* enum ocsp_method */
    X509 *responder; /* pinned; NULL: the issuer, or whom it delegates */
    int deadline_ms;
    int max_age_s;     /* of an OCSP answer */
    int crl_max_age_s; /* of a list */
    int crl_grace_s;   /* how long a list counts after its nextUpdate */
    int recheck_s;     /* how often the locks that are signed in are looked at again */
    int ahead_s;       /* how long after its last sign-in a lock's answer is renewed ahead */
    int per_second;    /* questions ahead of time, at most */
    struct degraded degraded;
};

struct limits {
    int rsa_bits;
    unsigned keys; /* 1 << enum lock_key, added up */
    int max_days;
};

struct authority_rules {
    size_t index; /* in the list */
    struct anchors anchors;
    struct certificates
        roots; /* who issued the anchors: their lists of revoked authorities count */
    struct places uscc, name, key_number, medium_number, person;
    bool person_allowed; /* an enterprise certificate may hold a natural person's number */
    struct rules enterprise, personal, legal_person;
    struct rules region; /* count 0: every certificate counts as issued in the region */
    struct oids extended_key_usage;
    struct oids policies; /* one of these certificate policies; count 0: none is asked for */
    bool strict;          /* RFC 5280 to the letter (X509_V_FLAG_X509_STRICT) */
    struct limits limits;
    struct revocation revocation;
};
