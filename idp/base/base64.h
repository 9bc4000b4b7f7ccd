/* base64url without padding (RFC 4648 section 5) and standard base64 with padding (section 4). */
#pragma once

#include <stddef.h>

#include "base/error.h"

/* Bytes of text, without the NUL, that n bytes become. */
#define BASE64URL_LEN(n) (((n)*4 + 2) / 3)

/* Writes BASE64URL_LEN(n) characters and a NUL. */
void base64url_encode(const void *bytes, size_t n, char *out);

/*
 * Decodes len characters into out, which has room for max bytes, and sets *n. Padding, foreign
 * characters and non-zero left-over bits are refused, so that each byte string has one text only.
 * Returns IDP_BAD_REQUEST then, or when there is no room.
 */
enum idp_err base64url_decode(const char *text, size_t len, void *out, size_t max, size_t *n);

/* Writes standard base64 with padding: (n + 2) / 3 * 4 characters and a NUL. */
void base64_encode(const void *bytes, size_t n, char *out);

/* The same as base64url_decode for standard base64, where padding is demanded. */
enum idp_err base64_decode(const char *text, size_t len, void *out, size_t max, size_t *n);
