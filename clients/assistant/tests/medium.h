/*
 * Locks for tests, made on the spot: SoftHSM2 tokens behind PKCS#11, and folders for the SKF double
 * of conformance-tests/doubles/skf. Everything lies in one temporary folder, which the environment
 * variables of both libraries name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

enum { MEDIUM_PATH = 512 };

#define MEDIUM_PIN "123456"
#define MEDIUM_ORIGIN "https://idp.example"
#define MEDIUM_SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"
#define MEDIUM_CHALLENGE "login.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* The temporary folder. */
extern char medium_folder[MEDIUM_PATH];

/* Makes the folder and points SOFTHSM2_CONF and TAMGA_SKF_DOUBLE at it. cmocka's group set-up. */
int medium_set_up(void **state);

/* Removes the folder. cmocka's group tear-down. */
int medium_tear_down(void **state);

/* Sets an environment variable, which the libraries look up at each call. */
void medium_tell(const char *variable, const char *value);

/* Writes the path of something in the temporary folder to out, MEDIUM_PATH bytes. */
void medium_path(const char *name, char *out);

/* Writes a line to folder/name, which is made; an empty file for "". */
void medium_write(const char *folder, const char *name, const char *line);

void medium_remove(const char *folder, const char *name);

/* Writes softhsm2.conf, with one more line. */
void medium_configure(const char *line);

/* A new key: "RSA", "P-256" or "SM2". */
EVP_PKEY *medium_key(const char *kind);

/* A certificate of key for that name, signed by itself, with that keyUsage ("" for none). */
X509 *medium_certificate(EVP_PKEY *key, const char *name, const char *usage);

/* A SoftHSM2 token that holds key and certificate; NULL leaves one out. */
void medium_token(const char *label, EVP_PKEY *key, X509 *certificate);

/* A lock for the SKF double. */
void medium_skf(const char *label, EVP_PKEY *key, X509 *certificate);

/* The absolute path of a library that is built for tests: skf-double-64.so … */
const char *medium_library(const char *name);

/* Runs a program, quietly. Fails the test when it fails. */
void medium_run(const char *const *argv);

/* Whether the signature over M verifies with OpenSSL. M is built here, from its definition. */
bool medium_verifies(X509 *certificate, const char *algorithm, const char *origin,
                     const char *challenge, const unsigned char *signature, size_t len);
