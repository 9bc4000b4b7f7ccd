/*
 * What a sign-in was worth: the values of acr (OpenID Connect Core section 2), and the claim
 * lock_status, which says the same for platforms that do not look at acr. docs/claims.md.
 */
#pragma once

#include <stdbool.h>

extern const char acr_lock[]; /* a lock, whose authority said by its policy that it is good */
extern const char acr_lock_degraded[]; /* the same, by a word older than that, while it was down */
extern const char acr_supported[];     /* all of them, space-separated */

/* The value for a sign-in. */
const char *acr_of(bool degraded);

/* The value of lock_status that goes with an acr; NULL: the claim is left out. */
const char *acr_lock_status(const char *acr);
