/* The extensions of a list and of its entries (RFC 5280 section 4.1.2.9), one after the other. */
#pragma once

#include "pki/der.h"

enum { CRL_EXTENSIONS_MAX = 32 };

/* A walk over the contents of a SEQUENCE OF Extension. */
struct crl_extensions {
    struct der rest;
    size_t count;
    struct der_item seen[CRL_EXTENSIONS_MAX]; /* their OIDs */
};

struct crl_extension {
    int id; /* the last arc when it is below id-ce (2.5.29), else -1 */
    bool critical;
    struct der octets; /* what extnValue holds */
};

enum crl_extension_step {
    CRL_EXTENSION_READ,
    CRL_EXTENSION_END,
    CRL_EXTENSION_BAD,     /* not DER, or too many */
    CRL_EXTENSION_REPEATED /* one with this OID came before */
};

/* Begins with a SEQUENCE OF Extension. Returns false for an empty one, which RFC 5280 forbids. */
bool crl_extensions_begin(const struct der_item *sequence, struct crl_extensions *walk);
enum crl_extension_step crl_extensions_next(struct crl_extensions *walk, struct crl_extension *out);

/* The one element that extnValue holds; false when it holds anything but one with that tag. */
bool crl_extension_value(const struct crl_extension *extension, unsigned char tag,
                         struct der_item *out);
