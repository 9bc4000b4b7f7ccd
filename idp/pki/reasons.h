/*
 * Why a lock is refused, in Chinese and English.
 *
 * Facts that lock_verify() adds: authority (its id), authority_zh, authority_en, phone (as soon as
 * the issuing authority is known), since (date and time, UTC+8), field (the name of a
 * part of the certificate) with field_zh and field_en, retry (seconds). lock.no_uscc also speaks of
 * {support}, the provider's own support phone, which the caller adds with refusal_fact().
 */
#pragma once

#include "base/refusal.h"

enum pki_reason {
    /* Told at once: nothing can be verified. */
    PKI_SHAPE,
    PKI_KEY_DSA,
    PKI_KEY_CURVE,
    PKI_KEY_KIND,
    PKI_KEY_OVERSIZED,
    PKI_ALGORITHM,

    PKI_NOT_ACCEPTED,

    /* Told to the holder only, in the order in which they are looked for. */
    PKI_AUTHORITY_UNKNOWN,
    PKI_VERSION,
    PKI_SERIAL,
    PKI_EXTENSION_REPEATED,
    PKI_EXTENSION_MALFORMED,
    PKI_EXTENSION_CRITICAL,
    PKI_SELF_ISSUED,
    PKI_CA_CERTIFICATE,
    PKI_KEY_ID,
    PKI_PERSONAL,
    PKI_LEGAL_PERSON,
    PKI_CLASS,
    PKI_NAMES_PERSON,
    PKI_OTHER_REGION,
    PKI_KEY_USAGE_MISSING,
    PKI_ENCRYPTION_CERTIFICATE,
    PKI_KEY_USAGE,
    PKI_EXTENDED_KEY_USAGE,
    PKI_POLICY,
    PKI_KEY_NOT_ISSUED,
    PKI_WEAK_HASH,
    PKI_WEAK_KEY,
    PKI_WEAK_EXPONENT,
    PKI_LIFETIME,
    PKI_PROFILE,
    PKI_PATH,
    PKI_NOT_YET_VALID,
    PKI_EXPIRED,
    PKI_REVOKED,
    PKI_ISSUER_REVOKED,
    PKI_ON_HOLD,
    PKI_STATUS_UNAVAILABLE,
    PKI_STATUS_UNKNOWN,
    PKI_NO_USCC,
    PKI_USCC_CHECK,
    PKI_REASONS, /* how many there are */
};

extern const struct reason pki_reasons[PKI_REASONS];
