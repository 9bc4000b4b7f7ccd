/* Proof Key for Code Exchange (RFC 7636), S256 only: plain protects nothing (RFC 9700 2.1.1). */
#pragma once

#include <stdbool.h>

/* Says whether a challenge and its method are what S256 makes (section 4.2): 43 characters. */
bool pkce_challenge_is_good(const char *challenge, const char *method);

/* Says whether the verifier (NULL: omitted) is the challenge's (section 4.6), in constant time. */
bool pkce_verifier_fits(const char *verifier, const char *challenge);
