/*
 * Lists of revoked certificates made while a test runs, in DER of our own and with any fault that
 * is wanted; a million entries if need be.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

struct crl_making_entry {
    const char *serial; /* content octets, hex; NULL: the end */
    int64_t at;         /* 0: the list's thisUpdate */
    int reason;         /* CRLReason; 0: none is written */
};

struct crl_making {
    const X509 *issuer; /* whose subject the list names */
    EVP_PKEY *key;      /* RSA, EC or SM2: SHA-256 or SM3 */
    int64_t this_update;
    int64_t next_update;                    /* 0: none */
    const char *number;                     /* CRLNumber, content octets, hex; NULL: none */
    const char *base;                       /* BaseCRLNumber: makes a delta */
    const char *scope;                      /* issuingDistributionPoint, DER, hex; or NULL */
    const char *extensions;                 /* more of them, DER, hex; or NULL */
    const struct crl_making_entry *entries; /* or NULL */
    size_t random;      /* so many more entries, with random serials of sixteen octets */
    const char *sm2_id; /* NULL: the usual one */
    bool spoil;         /* the signature is over other bytes */
};

/* DER, malloc'ed in a block of exactly that size. */
unsigned char *crl_make(const struct crl_making *how, size_t *len);

enum { CRL_MAKE_SERIAL_SIZE = 2 * 64 + 1 };

/* A certificate's serial as an entry has it. */
void crl_make_serial(const X509 *certificate, char out[CRL_MAKE_SERIAL_SIZE]);
