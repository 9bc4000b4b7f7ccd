/* ECDSA P-256 signatures: OpenSSL writes DER, JOSE wants r || s (RFC 7518 section 3.4). */
#pragma once

#include <stddef.h>

#include "base/error.h"

enum { ECDSA_RAW_SIZE = 64, ECDSA_DER_MAX = 72 };

/* Turns SEQUENCE { INTEGER r, INTEGER s } into r || s. IDP_FAULT when it is anything else. */
enum idp_err ecdsa_raw(const unsigned char *der, size_t len, unsigned char out[ECDSA_RAW_SIZE]);

/* Turns r || s into the one DER form it has; returns its length. */
size_t ecdsa_der(const unsigned char raw[ECDSA_RAW_SIZE], unsigned char out[ECDSA_DER_MAX]);
