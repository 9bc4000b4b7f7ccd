/*
 * The verdict on a lock's answer: who is it, by which authority's word, and is that still so.
 *
 * The lock has signed (first byte T: it can never be read as a CMS, CSR, seal or bid document)
 *
 *     M = "TAMGA-LOGIN/1" 0x00 || H(origin) || H(challenge) || H(certificate DER)
 *
 * H is SM3 for SM2 keys and SHA-256 otherwise. The certificate's hash is in M because an ECDSA or
 * RSA signature alone does not identify its key.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "pki/lock/lock_answer.h"

struct arena;
struct authority;
struct pki;
struct refusal;
struct trust_certificate;

enum { LOCK_HASH_SIZE = 32 };

/* What the provider asked, from its own state, never from the answer. */
struct lock_question {
    const char *origin;    /* the provider's own, as the assistant got it from the browser */
    const char *challenge; /* the whole text that was issued, purpose and all */
    int64_t now;           /* seconds; the request's one reading of the clock */
    bool lasting; /* what follows outlasts a sign-in: a degraded verdict does not do for it */
};

enum lock_key { LOCK_KEY_RSA, LOCK_KEY_P256, LOCK_KEY_SM2 };

/* A list of revoked certificates, as evidence names it. */
struct lock_list {
    const unsigned char *hash; /* SHA-256 of the CRL's DER (RFC 5280); NULL: there is none */
    const char *number;        /* its CRLNumber: upper-case hex, no leading zero byte */
    int64_t this_update, next_update;
};

enum lock_source { LOCK_BY_OCSP, LOCK_BY_CRL };

/* The proof that the certificate was not revoked: the authority's own signed word. */
struct lock_status {
    enum lock_source source;
    const char *policy; /* as the trust list names it */
    bool degraded;      /* the word is older than the policy allows: neither source could be had */
    int64_t this_update;
    int64_t next_update; /* 0: an answer that names none */

    /* LOCK_BY_OCSP */
    const unsigned char *response; /* OCSPResponse, DER (RFC 6960), as received */
    size_t response_len;
    int64_t produced;
    const unsigned char *hash; /* SHA-256 of the response, where it is known already, or NULL */

    /* LOCK_BY_CRL: the full list, and the delta over it */
    struct lock_list list, delta;
};

/* Who proved to hold the lock. Everything in it lives as long as the arena. */
struct lock_identity {
    const char *trust_version; /* of the list that it was judged by */
    int64_t trust_loading;     /* of its row: its loading; 0: it comes from none */
    const struct authority *authority;
    const char *uscc;       /* check character verified, save in a refusal */
    const char *name;       /* the enterprise's, UTF-8 */
    const char *key_number; /* the container's (证书Key号), or NULL when the profile has none */
    const char
        *medium_number; /* the token's own (介质硬件号), where certificates carry it, or NULL */
    bool names_person; /* the profile lets its enterprise certificates name a person, and it does */
    bool issued_in_region; /* always true, save in a refusal */
    const char *serial;    /* upper-case hex, no leading zero byte */
    int64_t not_before, not_after;
    enum lock_key key;
    enum lock_algorithm algorithm;
    unsigned char key_hash[LOCK_HASH_SIZE]; /* SHA-256 of the SubjectPublicKeyInfo */
    unsigned char certificate_hash[LOCK_HASH_SIZE];
    const unsigned char *certificate; /* DER */
    size_t certificate_len;
    const struct trust_certificate *anchor, *root; /* who issued it, and who issued that; the
                                                      second is NULL where the list has it not */
    struct lock_status status;
};

/*
 * To be called before the challenge is taken: finds what is known of the certificate and its
 * status, without any side effect, and remembers it in answer->known for lock_verify(). On a thread
 * that may not wait it returns IDP_WAIT when lock_verify() might have to ask an authority or spend
 * a millisecond on a certificate not seen before; after IDP_OK lock_verify() will not wait. Returns
 * IDP_UNAVAILABLE when the store does not answer.
 */
enum idp_err lock_prepare(struct pki *pki, struct arena *arena, int64_t now,
                          struct lock_answer *answer);

/*
 * Checks in this order: algorithm (of the certificate's own key) - profile (class, region, key
 * usage, identity) - path - signature - revocation - USCC. A refusal found before the signature is
 * held back until the signature is verified with the presented certificate's own key: good, and
 * *why is the true reason; bad, and it is lock.not_accepted, whatever else is wrong.
 *
 * Nothing leaves this machine for a certificate whose path is not good, and no address is ever
 * taken from one. May wait for the authority's status service, at most its deadline; on a thread
 * that may not wait it returns IDP_WAIT then (see lock_prepare()).
 *
 * Returns IDP_REFUSED with *why from pki/reasons.h and its facts, which live as long as the arena;
 * IDP_UNAVAILABLE when the store does not answer, which is neither good nor revoked; IDP_FAULT.
 * Of a refused lock whose holder has proved the key, and whose path is good, *out tells all but the
 * status, so that the refusal can be kept with its certificate; of any other out->certificate is
 * NULL.
 */
enum idp_err lock_verify(struct pki *pki, struct arena *arena, const struct lock_question *question,
                         const struct lock_answer *answer, struct refusal *why,
                         struct lock_identity *out);
