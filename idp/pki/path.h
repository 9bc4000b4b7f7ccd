/*
 * From a certificate to the anchor that it is believed by (RFC 5280 section 6, by OpenSSL).
 *
 * The rules are data: those of an authority of the trust list allow a lock directly below its
 * anchor and nothing else; those of the test corpus (idp/tests/pki/pkits_test.c) allow paths of
 * any length. Times are never looked at here: they are checked at each use.
 */
#pragma once

#include <stdbool.h>

#include <openssl/x509.h>

#include "base/error.h"
#include "pki/trust/rules.h"

/* What RFC 5280 section 6.1.1 (c) to (g) asks for; the list's OIDs, none for any. */
struct path_policies {
    const ASN1_OBJECT *const *list;
    size_t count;
    bool explicit_policy, inhibit_mapping, inhibit_any_policy;
};

struct path_rules {
    int depth;                            /* authorities between a certificate and the anchor */
    int level;                            /* OpenSSL's security level of keys and signatures */
    bool strict;                          /* RFC 5280 to the letter */
    const struct path_policies *policies; /* NULL: not looked at (a lock's are, by its profile) */
};

/* A store that believes this anchor and nothing above it; the caller's. NULL: no memory. */
X509_STORE *path_store_make(X509 *anchor, const struct path_rules *rules);

struct path_search {
    X509_STORE *store;
    STACK_OF(X509) *untrusted; /* certificates that nobody has vouched for; NULL: none */
    STACK_OF(X509) *chain;     /* found: from the certificate to the anchor; NULL: no good path */
};

/*
 * Builds a path to the store's anchor and checks it, save for times and revocation. The chain is
 * freed with sk_X509_pop_free(…, X509_free). Returns IDP_FAULT when there is no memory.
 */
enum idp_err path_build(struct path_search *search, X509 *certificate);

struct path {
    const struct authority *authority; /* NULL: no anchor has this issuer's name and key id */
    const struct anchor *anchor;
    bool is_good;
};

/* A lock's certificate with its bytes, as received. */
struct path_leaf {
    X509 *certificate;
    const unsigned char *der;
    size_t len;
};

/*
 * Looks for the anchor that issued the certificate: by issuer name and authority key identifier,
 * then by the signature, each anchor alone. Times are not looked at: they are checked at each use.
 * Returns IDP_FAULT when there is no memory.
 */
enum idp_err path_find(const struct trust *trust, const struct path_leaf *leaf, struct path *out);

/* Says whether the anchor issued the certificate, and its path is good save for times. */
enum idp_err path_check(const struct anchor *anchor, X509 *certificate, bool *out);
