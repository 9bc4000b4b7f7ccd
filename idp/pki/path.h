/* From a leaf to the anchor that issued it (RFC 5280 section 6, by OpenSSL). */
#pragma once

#include <stdbool.h>

#include <openssl/x509.h>

#include "base/error.h"
#include "pki/rules.h"

struct path {
    const struct authority *authority; /* NULL: no anchor has this issuer's name and key id */
    const struct anchor *anchor;
    bool is_good;
};

/*
 * Looks for the anchor that issued the certificate: by issuer name and authority key identifier,
 * then by the signature, each anchor alone. Times are not looked at: they are checked at each use.
 * Returns IDP_FAULT when there is no memory.
 */
enum idp_err path_find(const struct trust *trust, X509 *certificate, struct path *out);

/* Says whether the anchor issued the certificate, and its path is good save for times. */
enum idp_err path_check(const struct anchor *anchor, X509 *certificate, bool *out);
