/* What a full list and the delta over it say together of one certificate (RFC 5280 section 6.3.3).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "pki/crl/crl_index.h"

enum crl_entry { CRL_NOT_LISTED, CRL_LISTED, CRL_LISTED_ON_HOLD };

struct crl_word {
    enum crl_entry entry;
    int64_t revoked_at; /* of an entry */
    int reason;         /* the same: CRLReason (section 5.3.1); -1: none is given */
};

/*
 * Looks a serial number (content octets of the INTEGER) up. A delta (NULL: none) adds entries, and
 * lifts a hold; what a full list calls revoked, no delta takes back.
 */
struct crl_word crl_look(const struct crl_index *full, const struct crl_index *delta,
                         const unsigned char *serial, size_t len);
