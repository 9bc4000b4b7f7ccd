/*
 * A reader of DER (X.690): definite, shortest lengths and one-byte tags only.
 *
 * OpenSSL parses the certificates and responses; this reader decides before it whether the bytes
 * are DER at all (OpenSSL takes BER, too), and finds the received bytes that a signature is over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_UTF8 = 0x0c,
    DER_PRINTABLE = 0x13,
    DER_IA5 = 0x16,
    DER_BMP = 0x1e,
    DER_SEQUENCE = 0x30,
    DER_CONTEXT = 0x80, /* with the number added; plus DER_CONSTRUCTED when it wraps others */
    DER_CONSTRUCTED = 0x20,
};

/* What is left to be read. */
struct der {
    const unsigned char *at;
    size_t left;
};

struct der_item {
    unsigned char tag;
    const unsigned char *bytes; /* the contents */
    size_t len;
    const unsigned char *whole; /* with tag and length */
    size_t whole_len;
};

/* Reads the next element and steps over it. Returns false at the end and for what is not DER. */
bool der_next(struct der *der, struct der_item *out);

/* The same, and its tag must be the one given. */
bool der_next_is(struct der *der, unsigned char tag, struct der_item *out);

/* The inside of an element. */
struct der der_inside(const struct der_item *item);

/*
 * Says whether the bytes are exactly one element, whose constructed parts are well-formed down to
 * the last one: at most 16 levels deep, at most 1024 elements.
 */
bool der_is_whole(const void *bytes, size_t len);
