/*
 * SHA-256, SM3 and HMAC-SHA-256.
 *
 * The algorithms are fetched once (the implicit fetch behind EVP_sha256() makes a short hash four
 * times dearer), and a prepared HMAC key is copied for each use.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

enum { DIGEST_SIZE = 32 };

enum digest_kind { DIGEST_SHA256, DIGEST_SM3 };

/* A hash over several pieces, in order. The last piece has NULL bytes. */
struct digest_piece {
    const void *bytes;
    size_t len;
};

/* Writes DIGEST_SIZE bytes. Returns IDP_FAULT when OpenSSL fails. */
enum idp_err digest(enum digest_kind kind, const void *bytes, size_t n, unsigned char *out);

enum idp_err digest_pieces(enum digest_kind kind, const struct digest_piece *pieces,
                           unsigned char *out);

struct mac_key;

/* Prepares a key of n bytes. Returns NULL when there is no memory. Shared by threads. */
struct mac_key *mac_key_new(const void *key, size_t n);

/* NULL is allowed. */
void mac_key_free(struct mac_key *key);

/* HMAC-SHA-256 over the pieces: DIGEST_SIZE bytes (RFC 2104). IDP_FAULT when OpenSSL fails. */
enum idp_err mac(const struct mac_key *key, const struct digest_piece *pieces, unsigned char *out);
