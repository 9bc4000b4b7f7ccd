/* Which mail addresses are written into an envelope or a header. */
#pragma once

#include <stdbool.h>

/*
 * Says whether text is one plain address: dot-atom "@" a host name with at least one dot (RFC 5322
 * section 3.4.1, RFC 5321 sections 4.1.2 and 4.5.3.1). No quoted strings, comments, literals or
 * letters beyond ASCII; so nothing in it can end a line, an address or a header.
 */
bool notify_is_address(const char *text);
