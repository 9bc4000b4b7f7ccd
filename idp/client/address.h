/*
 * Which addresses a client may register (docs/security.md row 1). An address is kept and compared
 * byte for byte, never normalised; what two programs could read in two ways is not let in.
 */
#pragma once

#include <stdbool.h>

enum { ADDRESS_MAX = 2048 };

struct address_rules {
    bool development; /* http on loopback literals is allowed */
};

/*
 * Absolute https, or in development http on 127.0.0.0/8 or [::1]; scheme in lower case; a host
 * name, IPv4 or IPv6 literal in its usual form; no userinfo, fragment, wildcard, backslash, white
 * space or control characters (encoded ones too), dot segments or encoded separators in the path;
 * 1 to ADDRESS_MAX bytes of printable ASCII. Returns NULL when the address is fine, and otherwise
 * what is wrong with it, as the rest of a sentence.
 */
const char *address_problem(const char *address, const struct address_rules *rules);

/* The same for a redirect URI, whose query must not hold a parameter of the response: an answer
 * would have it twice (RFC 6749 section 3.1.2, docs/security.md row 3). */
const char *address_redirect_problem(const char *address, const struct address_rules *rules);
