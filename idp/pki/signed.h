/*
 * The signature of what an authority has signed. Certificate, CRL and BasicOCSPResponse are all
 * SEQUENCE { what is signed, AlgorithmIdentifier, BIT STRING, … }.
 *
 * One function of our own over the received bytes, because OpenSSL 3.0 has no way to pass the SM2
 * identifier to its checks of CRLs and OCSP responses.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/error.h"

/* GM/T 0009-2012: the identifier where nothing else is agreed. Nothing else ever is, here. */
#define SIGNED_SM2_ID "1234567812345678"
enum { SIGNED_SM2_ID_LEN = 16 };

/* A signature algorithm: its identifier, the keys it goes with, and its hash. */
struct signed_algorithm {
    const char *key; /* as EVP_PKEY_is_a() calls it */
    const char *digest;
    size_t oid_len;
    int nid;
    unsigned char oid[9]; /* contents (X.690 section 8.19) */
    bool null_parameters; /* NULL may stand there, as RFC 4055 section 5 asks for RSA */
};

/*
 * Verifies the received bytes with the signer's key (RSA, ECDSA or SM2). The outer
 * AlgorithmIdentifier has to be one of the key's own kind and of a hash that is still sound.
 * Returns IDP_DENIED when the signature is not good, IDP_FAULT when there is no memory.
 */
enum idp_err signed_verify(const unsigned char *der, size_t len, EVP_PKEY *key);

/*
 * The same, and takes one algorithm more. For the corpora of other times: NULL wherever a lock or
 * an authority of the trust list is judged.
 */
enum idp_err signed_verify_also(const unsigned char *der, size_t len, EVP_PKEY *key,
                                const struct signed_algorithm *also);

/* Says whether a certificate's signature algorithm is among those that signed_verify() takes. */
bool signed_algorithm_is_sound(const X509 *certificate);

/*
 * Gives the certificate the SM2 identifier where its signature is SM2: OpenSSL would take an empty
 * one. Returns IDP_FAULT when there is no memory.
 */
enum idp_err signed_set_sm2_id(X509 *certificate);
