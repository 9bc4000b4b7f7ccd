/*
 * The lists of revoked certificates (CRL, RFC 5280 section 5) that are in use: for each anchor, and
 * for each root above anchors, the newest full list and the newest delta over it, kept as files
 * that are mapped, each with an index. Shared by threads; a newer list takes an older one's place
 * while it is looked up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

struct crls;

enum { CRL_NUMBER_SIZE = 2 * 20 + 1 };

/* A list as evidence names it. */
struct crl_name {
    unsigned char hash[DIGEST_SIZE]; /* SHA-256 of the DER */
    char number[CRL_NUMBER_SIZE];    /* CRLNumber, upper-case hex; "": there is no such list */
    int64_t this_update, next_update;
};

enum crl_entry { CRL_NOT_LISTED, CRL_LISTED, CRL_LISTED_ON_HOLD };

/* What the lists say of one certificate. Old ones say it, too: who asks has to mind the dates. */
struct crl_finding {
    bool present; /* there is a full list of this issuer */
    enum crl_entry entry;
    int64_t revoked_at; /* of an entry */
    int reason;         /* CRLReason (RFC 5280 section 5.3.1); -1: none is given */
    struct crl_name full, delta;
};

/*
 * Looks a serial number (content octets of the INTEGER) up in the lists of an issuer, named by the
 * SHA-256 of its certificate's DER. Neither waits nor locks for long; under a microsecond.
 */
void crls_find(struct crls *crls, const unsigned char issuer[DIGEST_SIZE],
               const unsigned char *serial, size_t serial_len, struct crl_finding *out);
