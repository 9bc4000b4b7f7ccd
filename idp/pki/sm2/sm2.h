/*
 * SM2 signatures verified (GB/T 32918.2-2017 section 7) with the identifier of GM/T 0009 and SM3,
 * several times faster than OpenSSL 3.0 does it: docs/decisions/sm2-speed.md.
 *
 * Verification only: nothing here has ever to do with a private key. Whoever finds that
 * sm2_is_used() says no has OpenSSL do it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

#include "base/digest.h"

enum { SM2_COORDINATE_SIZE = 32 };

/*
 * Tests itself with known answers, the first time, and says whether it may be used. Where it fails,
 * which no machine should see, an error is logged once.
 */
bool sm2_is_used(void);

/* OpenSSL verifies from now on (by_openssl), or this does again. */
void sm2_set_by_openssl(bool by_openssl);

struct sm2_key;

/*
 * Prepares a public key: 2 KiB, and as much work as two verifications. Returns NULL for a point
 * that is not on the curve, and when there is no memory. Shared by threads, as it never changes.
 */
struct sm2_key *sm2_key_new(const unsigned char x[SM2_COORDINATE_SIZE],
                            const unsigned char y[SM2_COORDINATE_SIZE]);

/* NULL is allowed. */
void sm2_key_free(struct sm2_key *key);

/*
 * The prepared key of an OpenSSL key, which keeps it from the first call on and frees it. Returns
 * NULL when it is no SM2 key, and when there is no memory.
 */
const struct sm2_key *sm2_key_of(EVP_PKEY *key);

/* Says whether the signature (DER of SEQUENCE {r, s}) over n bytes is the key's. */
bool sm2_key_has_signed(const struct sm2_key *key, const void *bytes, size_t n,
                        const unsigned char *signature, size_t signature_len);

/* The same for e, the digest of Z and the bytes (GB/T 32918.2-2017 section 7.1, B4). */
bool sm2_key_has_signed_digest(const struct sm2_key *key, const unsigned char e[DIGEST_SIZE],
                               const unsigned char *signature, size_t signature_len);
