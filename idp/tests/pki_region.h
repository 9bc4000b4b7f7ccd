/*
 * A small region made while a test runs: authorities, locks and status services, straight through
 * OpenSSL and without the rooms under test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "pki/trust/trust_signatures.h"

struct arena;

/* All dates in the tests are relative to this moment: 2026-11-22 13:20 UTC. */
enum { REGION_NOW = 1795353600, REGION_DAY = 86400 };

#define REGION_ORIGIN "http://127.0.0.1:8080"
#define REGION_CHALLENGE "login.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define REGION_USCC "91150100MA0TEAT1XD"

/*
 * RSA, RSA-1024, RSA-2040, RSA-e3 (exponent 3), RSA-e65 (one of 65 bits), RSA-PSS, DSA, P-256 and
 * other curves, SM2, ED25519. A new key; the caller's.
 */
EVP_PKEY *region_key(const char *kind);

/* A list of {name, value} that ends with NULL. */
struct region_pair {
    const char *name, *value;
};

struct region_certificate {
    EVP_PKEY *key;
    X509 *issuer; /* NULL: signs itself */
    EVP_PKEY *issuer_key;
    const struct region_pair *subject; /* {short name or OID, text}; BMP:CN, +CN: see the source */
    const struct region_pair *extensions; /* as in openssl's configuration files */
    int64_t from, to;
    int64_t serial;         /* 0: a new one; below 0: zero */
    const char *serial_hex; /* instead, of any sign and length */
    const char *digest;     /* NULL: SM3 for SM2, SHA256 otherwise */
    const char *sm2_id;     /* NULL: the usual one */
    int version;            /* 1 or 2; 0: the usual third */
};

/* The certificate; the caller's. */
X509 *region_issue(const struct region_certificate *what);

/* DER of a certificate, malloc'ed in a block of exactly that size. */
unsigned char *region_der(const X509 *certificate, size_t *len);

/* PEM text, malloc'ed. */
char *region_pem(X509 *certificate);

struct region_authority {
    const char *id, *kind;
    EVP_PKEY *root_key, *key, *responder_key;
    X509 *root, *certificate, *responder;
};

/* Root, intermediate and delegated responder with keys of that kind. */
void region_authority_make(struct region_authority *authority, const char *id, const char *kind);
void region_authority_clear(struct region_authority *authority);

/* An enterprise lock of this authority, with the default extensions replaced where not NULL. */
struct region_lock {
    const char *kind; /* NULL: the authority's */
    const struct region_pair *subject, *extensions;
    int64_t from, to;
    const char *digest;
    int64_t serial;
    const char *serial_hex;
};

struct region_holder {
    EVP_PKEY *key;
    X509 *certificate;
    unsigned char *der;
    size_t der_len;
};

extern const struct region_pair region_subject[];    /* of an enterprise lock */
extern const struct region_pair region_extensions[]; /* of an enterprise lock */

void region_lock_make(const struct region_authority *authority, const struct region_lock *how,
                      struct region_holder *out);
void region_lock_clear(struct region_holder *holder);

/* The authority's entry of a trust list; the caller's. */
json_t *region_entry(const struct region_authority *authority);

/* A trust list with these entries, which it takes over; ends with NULL. Its number is 1. */
json_t *region_trust_list(json_t *const *entries);

/* Two trust managers, with a P-256 and an SM2 lock; made at the first call. */
enum { REGION_MANAGERS = 2 };
const struct region_holder *region_manager(size_t i);

/* As the settings pin them. */
const struct trust_managers *region_managers(void);

/* SHA-256 of a key's SubjectPublicKeyInfo: 32 bytes. */
void region_key_hash(const X509 *certificate, unsigned char *out);

/* One signature for REGION_ORIGIN over a list's text, as it stands in the document; the caller's.
 */
json_t *region_signature(const struct region_holder *manager, const char *algorithm,
                         const char *text);

/* The document with the signatures of both managers over a list's text: malloc'ed. */
char *region_signatures(const char *text);

struct region_signing {
    const char *algorithm; /* RS256, PS256, ES256 or SM2 */
    const char *origin, *challenge;
    const unsigned char *certificate; /* whose hash goes into M */
    size_t certificate_len;
    const char *sm2_id; /* NULL: the usual one */
};

/* Signs M with the key: malloc'ed signature. */
unsigned char *region_sign(EVP_PKEY *key, const struct region_signing *what, size_t *len);

/* How a status service answers. */
struct region_status {
    EVP_PKEY *key;      /* signs */
    X509 *signer;       /* named as the responder */
    X509 *issuer;       /* whose certificates it is asked about */
    bool send_signer;   /* sends its certificate along */
    bool by_key;        /* names itself by its key's hash */
    int status, reason; /* V_OCSP_CERTSTATUS_… */
    int64_t revoked_at;
    int64_t this_update, next_update; /* 0: none */
    int64_t produced;                 /* 0: as this_update */
    enum {
        REGION_NONCE_ECHO,
        REGION_NONCE_NONE,
        REGION_NONCE_OTHER,
        REGION_NONCE_IN_SINGLE, /* in singleExtensions, where it means nothing */
    } nonce;
    int copies;              /* of the single answer; 1 */
    bool about_other;        /* about the next serial number */
    X509 *id_issuer;         /* NULL: issuer; whose hashes stand in the CertID */
    const EVP_MD *id_digest; /* NULL: as asked */
    const char *digest;      /* NULL: SM3 for SM2, SHA256 otherwise */
    const char *sm2_id;      /* NULL: the usual one */
    const char *type;        /* of the response, an OID; NULL: id-pkix-ocsp-basic */
    enum { REGION_NOT_CRITICAL, REGION_CRITICAL_SINGLE, REGION_CRITICAL_WHOLE } critical;
};

/* The OCSPResponse to a request: malloc'ed, in a block of exactly that size. */
unsigned char *region_answer(const struct region_status *how, const unsigned char *request,
                             size_t request_len, size_t *len);

/* The way to the status services for tests: each request of a race in turn, by this function. */
struct net_answer;
struct net_race;
struct net_request;
struct region_way {
    enum idp_err (*send)(void *context, struct arena *arena, const struct net_request *request,
                         struct net_answer *out);
};

/* For struct pki_fetch, whose context is a struct region_way, which is the context of its send. */
enum idp_err region_race(void *context, struct arena *arena, struct net_race *race);
