/* Small things about text that more than one room needs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compares two secrets of n bytes in a time that depends on n only. */
bool text_same_secret(const void *a, const void *b, size_t n);

/* Compares NUL-terminated secrets; only their lengths may show in the time it takes. */
bool text_same_secret_string(const char *a, const char *b);

/* Says whether the space-separated list holds word. A NULL list holds nothing. */
bool text_list_has(const char *list, const char *word);

/*
 * Steps through a space-separated list: *at is the position, to begin with the list itself.
 * Returns the next word, whose length is put into *len, or NULL at the end.
 */
const char *text_list_next(const char **at, size_t *len);

/*
 * The length of the character at text, of which left bytes (at least one) remain; or 0 when it is
 * not well-formed UTF-8 (RFC 3629) or is a control character.
 */
size_t text_character(const char *text, size_t left);

/* Well-formed UTF-8 (RFC 3629) without NUL and without control characters, of len bytes? */
bool text_is_clean_utf8(const char *s, size_t len);

/* Says whether s (NUL-terminated) begins with prefix. */
bool text_starts(const char *s, const char *prefix);

/*
 * Reads a whole text as a decimal number between min and max: no sign, no space, nothing after
 * it. Returns false when it is not one; then *out is untouched.
 */
bool text_to_number(const char *s, int64_t min, int64_t max, int64_t *out);

/*
 * Writes s as it may stand in a query: unreserved characters stay (RFC 3986 section 2.3), all
 * others become %XX. out has room for three times its length; no NUL is written. Returns how many.
 */
size_t text_escape_uri(const char *s, char *out);

/* Writes n bytes as 2n lower-case hex digits and a NUL. */
void text_to_hex(const unsigned char *bytes, size_t n, char *out);

/* Reads exactly 2n hex digits of s (NUL-terminated). Returns false when s is anything else. */
bool text_from_hex(const char *s, unsigned char *out, size_t n);
