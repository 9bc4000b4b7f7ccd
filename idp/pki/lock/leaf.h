/*
 * A lock's certificate: parsed, with the verdict on all that does not change from one sign-in to
 * the next (profile and path). Decoding one costs as much as seven RSA verifications, so those
 * whose path is good are kept (pki/lock/leaves.h). Shared by threads and counted.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/digest.h"
#include "pki/lock/place.h"
#include "pki/lock/uscc.h"
#include "pki/lock/verify.h"
#include "pki/reasons.h"

enum { LEAF_SERIAL_SIZE = 2 * 20 + 1 };

struct sm2_key;

/* A part of a certificate, as a refusal names it. */
struct leaf_field {
    const char *name, *zh, *en;
};

struct leaf {
    atomic_uint references;
    unsigned char hash[DIGEST_SIZE];      /* SHA-256 of the DER */
    unsigned char hash_in_m[DIGEST_SIZE]; /* the DER's hash as the lock signs it */
    unsigned char key_hash[DIGEST_SIZE];
    enum lock_key kind;
    EVP_PKEY *key;
    const struct sm2_key *sm2; /* key's own; NULL: OpenSSL verifies */
    EVP_MD_CTX *ready;         /* prepared for OpenSSL: RS256, ES256 or SM2 */
    X509 *certificate;         /* NULL once judged */
    int64_t not_before, not_after;
    char serial[LEAF_SERIAL_SIZE]; /* upper-case hex; "": zero, negative or too long */

    /* By leaf_judge(). */
    const struct authority *authority; /* NULL: unknown */
    const struct anchor *anchor;
    bool path_is_good;
    enum pki_reason verdict; /* PKI_REASONS: nothing against it but times, status and USCC */
    const struct leaf_field *field;
    bool names_person;
    char uscc[PLACE_TEXT_SIZE]; /* "": none; not checked yet */
    char name[PLACE_TEXT_SIZE];
    char key_number[PLACE_TEXT_SIZE];
    char medium_number[PLACE_TEXT_SIZE];

    size_t der_len;
    unsigned char der[];
};

/*
 * Parses a certificate: DER to the last byte, readable dates, and a key of a kind that locks have,
 * so that its signature can be verified; all else that may be wrong with it is for leaf_judge().
 * Returns IDP_REFUSED with *why PKI_SHAPE, PKI_KEY_DSA, PKI_KEY_CURVE, PKI_KEY_KIND or
 * PKI_KEY_OVERSIZED; IDP_FAULT. *out has one reference.
 */
enum idp_err leaf_parse(const unsigned char *der, size_t len, enum pki_reason *why,
                        struct leaf **out);

/* One reference more; returns the leaf. */
struct leaf *leaf_take(struct leaf *leaf);

/* One reference less; NULL is allowed. */
void leaf_release(struct leaf *leaf);

/* Says whether the algorithm belongs to the leaf's kind of key. */
bool leaf_fits(const struct leaf *leaf, enum lock_algorithm algorithm);

/* Says whether the signature over n bytes of m is the leaf's, by an algorithm that fits. */
bool leaf_has_signed(const struct leaf *leaf, enum lock_algorithm algorithm, const unsigned char *m,
                     size_t n, const unsigned char *signature, size_t signature_len);

/* Finds the issuer in the list, and decides by profile and path. IDP_FAULT: no memory. */
enum idp_err leaf_judge(struct leaf *leaf, const struct trust *trust);

/* The hash that goes with a kind of key, in M and for the holder. */
enum digest_kind leaf_digest(const struct leaf *leaf);
