/* The forms in which locks give signatures out, and the one in which the provider takes them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    SIGNATURE_MAX = 1024, /* RSA with 8192 bits */
    SIGNATURE_HALF = 32,  /* r or s on a 256-bit curve */
    DIGEST_INFO_SIZE = 51,
};

struct signature {
    unsigned char bytes[SIGNATURE_MAX];
    size_t len;
    const char *algorithm; /* RS256, PS256, ES256 or SM2 */
};

/*
 * Writes SEQUENCE { INTEGER r, INTEGER s } of two big-endian numbers of SIGNATURE_HALF bytes each
 * (RFC 3279 section 2.2.3; GM/T 0009). Returns false when one of them is zero, which no signature
 * is.
 */
bool signature_from_halves(const unsigned char *r, const unsigned char *s, struct signature *out);

/*
 * The same of an ECCSIGNATUREBLOB (GM/T 0016): r[64] and s[64], the values at the right. Returns
 * false when a value is longer than 32 bytes or zero.
 */
bool signature_from_blob(const unsigned char *blob, struct signature *out);

/* Writes the DigestInfo of a SHA-256 digest (RFC 8017 section 9.2): DIGEST_INFO_SIZE bytes. */
void signature_digest_info(const unsigned char *digest, unsigned char *out);
