/*
 * What a lock signs, whatever it is asked for (docs/decisions/certificates.md):
 *
 *     M = "TAMGA-LOGIN/1" 0x00 || H(origin) || H(challenge) || H(certificate DER)
 *
 * H is SM3 for SM2 keys and SHA-256 otherwise.
 */
#pragma once

#include "base/digest.h"
#include "pki/lock/leaf.h"

enum { LOCK_MESSAGE_SIZE = sizeof("TAMGA-LOGIN/1") + (size_t)3 * DIGEST_SIZE };

/* Writes M for the leaf's key. Returns IDP_FAULT when OpenSSL fails. */
enum idp_err lock_message_write(const struct leaf *leaf, const char *origin, const char *challenge,
                                unsigned char m[LOCK_MESSAGE_SIZE]);
