/*
 * The text that the provider wants signed:
 *
 *     purpose "." base64url(32 random bytes) [ "." base64url(H(statement shown)) ]
 *
 * Nothing else is ever signed, so no page can have a hash or a document of its choice signed.
 */
#pragma once

#include <stdbool.h>

/* Room for the longest challenge with its NUL. */
enum { CHALLENGE_MAX = 128 };

struct challenge_purpose {
    const char *name;
    const char *zh, *en; /* what the prompt says the signature is for */
};

/*
 * Reads a challenge. Returns the purpose, or NULL when the text has another form or names a
 * purpose that is not known.
 */
const struct challenge_purpose *challenge_read(const char *text);
