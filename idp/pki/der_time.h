/* The two kinds of dates of X.509, read without OpenSSL: a list holds a million of them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pki/der.h"

enum { DER_UTC_TIME = 0x17, DER_GENERALIZED_TIME = 0x18 };

/*
 * Seconds since 1970 of YYMMDDHHMMSSZ (UTCTime, 1950 to 2049) or YYYYMMDDHHMMSSZ
 * (GeneralizedTime): the only forms that RFC 5280 section 4.1.2.5 allows. Returns false for
 * others, and for days that no calendar has.
 */
bool der_time_read(const struct der_item *item, int64_t *out);
