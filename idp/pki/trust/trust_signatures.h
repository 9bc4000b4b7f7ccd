/*
 * Who vouches for the trust list. It counts with the signatures of at least two trust managers,
 * whose keys the settings pin. Each has signed, with a lock, what locks sign at a sign-in
 * (pki/lock/lock_message.h), with
 *
 *     origin    = the issuer
 *     challenge = "trust." base64url(32 random bytes) "." base64url(H(the list's bytes))
 *
 * and the answers are kept beside the list, each with its challenge
 * (schema/trust-signatures.schema.json). A manager is a key: neither who issued its certificate nor
 * the certificate's dates are looked at (docs/decisions/trust-list.md).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/error.h"

struct trust;

enum {
    TRUST_MANAGERS_MIN = 2,
    TRUST_MANAGERS_MAX = 16,
    TRUST_SIGNATURES_MAX = 32,
    TRUST_SIGNATURES_FILE_MAX = 512 * 1024,
    TRUST_CHALLENGE_SIZE = 6 + 43 + 1 + 43 + 1, /* with its NUL */
};

/* What stands behind the list's path. */
#define TRUST_SIGNATURES_SUFFIX ".signatures"

/* By the settings. */
struct trust_managers {
    const char *origin; /* the issuer: what they sign for */
    size_t count;
    size_t needed; /* how many of them have to sign, TRUST_MANAGERS_MIN at least */
    unsigned char keys[TRUST_MANAGERS_MAX][DIGEST_SIZE]; /* SHA-256 of SubjectPublicKeyInfo */
    bool any_key; /* for tools that look at signatures: no list counts by it */
};

/* The document that holds signatures, not looked at yet. */
struct trust_signatures {
    const char *name; /* stands for it in *why */
    const char *text;
    size_t len;
};

/* What speaks against a signature. */
enum trust_fault {
    TRUST_NO_FAULT,
    TRUST_ANSWER_MALFORMED,
    TRUST_CHALLENGE_MALFORMED,
    TRUST_NO_CERTIFICATE, /* or with a key that no lock has */
    TRUST_KEY_WEAK,
    TRUST_KEY_UNKNOWN,  /* no manager's */
    TRUST_OTHER_ORIGIN, /* given for another installation */
    TRUST_OTHER_LIST,
    TRUST_SIGNATURE_BAD,
    TRUST_KEY_TWICE, /* a second one by the same key, for the same installation */
};

struct trust_signature {
    enum trust_fault fault;
    bool has_key; /* then key is set */
    unsigned char key[DIGEST_SIZE];
};

struct trust_signature_list {
    size_t count;
    struct trust_signature list[TRUST_SIGNATURES_MAX];
};

/*
 * Judges each signature of the document over the list, in the document's order. Returns
 * IDP_BAD_REQUEST when it is no such document at all, with a line in *why, to be freed with free();
 * IDP_FAULT.
 */
enum idp_err trust_signatures_judge(const struct trust_managers *managers,
                                    const struct trust_signatures *document,
                                    const struct trust *trust, char **why,
                                    struct trust_signature_list *out);

/*
 * Demands signatures of enough managers, and lets the list keep the document (trust->signatures).
 * Signatures that do not count do not harm. Returns IDP_BAD_REQUEST when there are too few, with
 * each one that does not count, and why, in *why, to be freed with free(); IDP_FAULT.
 */
enum idp_err trust_signatures_demand(const struct trust_managers *managers,
                                     const struct trust_signatures *document, struct trust *trust,
                                     char **why);

/* Reads a list (as trust_load()) and the signatures beside it, PATH.signatures, and demands them.
 */
enum idp_err trust_signatures_load(const struct trust_managers *managers, const char *path,
                                   char **why, struct trust **out);

/*
 * What a lock with this certificate is to sign for the list: a new challenge. Returns IDP_REFUSED
 * for a certificate or key that no trust manager may have, with *fault.
 */
enum idp_err trust_signatures_challenge(const struct trust *trust, const unsigned char *certificate,
                                        size_t len, enum trust_fault *fault,
                                        char out[TRUST_CHALLENGE_SIZE]);

/* The key of a certificate as managers are named: SHA-256 of its SubjectPublicKeyInfo. Returns
 * IDP_REFUSED as above. */
enum idp_err trust_signatures_key(const unsigned char *certificate, size_t len,
                                  enum trust_fault *fault, unsigned char out[DIGEST_SIZE]);

/* A few words, for operators. */
const char *trust_fault_text(enum trust_fault fault);
