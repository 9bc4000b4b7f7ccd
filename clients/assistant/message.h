/*
 * What a lock signs (docs/architecture.md, "Signing in with a lock"):
 *
 *     M = "TAMGA-LOGIN/1" 0x00 || H(origin) || H(challenge) || H(certificate DER)
 *
 * H is SM3 for SM2 keys and SHA-256 otherwise. The assistant builds M itself; there is no command
 * that signs a hash. The first byte, 0x54, keeps M from being a DER document.
 */
#pragma once

#include <stdbool.h>

#include "assistant/certificate.h"

enum { MESSAGE_SIZE = 14 + 3 * 32, MESSAGE_DIGEST_SIZE = 32 };

/* Writes MESSAGE_SIZE bytes. Returns false when OpenSSL fails. */
bool message_build(const struct certificate *certificate, const char *origin, const char *challenge,
                   unsigned char *out);

/*
 * Writes what the key's algorithm signs of M (len bytes), MESSAGE_DIGEST_SIZE bytes: SHA-256(M), or
 * for SM2 e = SM3(Z || M), where Z stands for the signer: GB/T 32918.2 section 5.5, with the
 * identifier 1234567812345678 (GM/T 0009). Returns false when OpenSSL fails.
 */
bool message_digest(const struct certificate *certificate, const void *message, size_t len,
                    unsigned char *out);
