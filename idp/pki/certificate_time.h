/* Dates in certificates, OCSP responses and the trust list as seconds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

enum { TIME_TEXT_SIZE = 20 };

/* Seconds since 1970 of a UTCTime or GeneralizedTime. Returns false for what is neither. */
bool certificate_time_read(const ASN1_TIME *time, int64_t *out);

/* The validity of a certificate; false when a date cannot be read or they are in the wrong order.
 */
bool certificate_time_span(const X509 *certificate, int64_t *not_before, int64_t *not_after);

/* Reads "2026-11-22T13:18:00Z" (RFC 3339, UTC and whole seconds only). */
bool certificate_time_parse(const char *text, int64_t *out);

/* Writes "2026-11-22 21:18" in China's time (UTC+8), for people. */
void certificate_time_text(int64_t seconds, char out[TIME_TEXT_SIZE]);
