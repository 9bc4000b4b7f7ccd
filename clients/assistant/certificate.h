/*
 * What the assistant needs to know of a lock's certificate: which key it names, whether that key
 * may sign, and the names a holder recognises. It judges nothing else; the provider does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CERTIFICATE_MAX = 4096, /* the provider takes no longer ones */
    CERTIFICATE_NAME_MAX = 256,
    CERTIFICATE_SERIAL_MAX = 64,
    POINT_SIZE = 64, /* x and y of a point on a 256-bit curve */
};

enum key_kind { KEY_OTHER, KEY_RSA, KEY_P256, KEY_SM2 };

struct certificate {
    unsigned char der[CERTIFICATE_MAX];
    size_t len;
    enum key_kind kind;
    bool may_sign; /* not an encryption certificate (GM/T 0015) and not an authority's */
    char subject[CERTIFICATE_NAME_MAX];      /* common name, UTF-8; "" when there is none */
    char organisation[CERTIFICATE_NAME_MAX]; /* likewise */
    char issuer[CERTIFICATE_NAME_MAX];       /* the issuer's common name */
    char serial[CERTIFICATE_SERIAL_MAX];     /* lower-case hex */
    int64_t not_before, not_after;           /* seconds since 1970 */
    unsigned char point[POINT_SIZE];         /* the public key, with KEY_SM2 only */
};

/*
 * Reads exactly len bytes of DER. Returns false when they are anything but one whole certificate
 * of at most CERTIFICATE_MAX bytes; *out is then worthless.
 */
bool certificate_read(const unsigned char *der, size_t len, struct certificate *out);
