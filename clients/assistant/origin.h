/* Web origins (RFC 6454), in the one spelling that browsers send. */
#pragma once

#include <stdbool.h>

enum { ORIGIN_MAX = 256 };

/*
 * Whether text is scheme "://" host [":" port] of https or http, in lower case, without path,
 * without a port that the scheme has anyway, and shorter than ORIGIN_MAX.
 */
bool origin_is_well_formed(const char *text);

/* Whether a well-formed origin is one of http (and not https). */
bool origin_is_http(const char *text);

/* Whether a well-formed origin's host is 127.0.0.0/8, ::1 or localhost. */
bool origin_is_loopback(const char *text);
