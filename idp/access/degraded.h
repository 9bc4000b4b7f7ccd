/*
 * Sign-ins by a word that was older than the policy allows, because the authority could not be had
 * (struct degraded in pki/trust/rules.h). Each is a row, and stays open until the authority has
 * spoken: good, and it is settled; anything else, and what rests on the lock ends.
 * docs/decisions/revocation.md.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct access;
struct arena;
struct lock_identity;
struct sql_tx;

/* In the transaction of the sign-in. Returns what sql_run() does. */
enum idp_err degraded_note(struct sql_tx *tx, struct arena *arena, const struct lock_identity *who,
                           int64_t now);

/*
 * Asks the authorities about the open rows, some of each at a time; one that still cannot be had is
 * left for the next call. Returns IDP_UNAVAILABLE when a store does not answer.
 */
enum idp_err degraded_settle(const struct access *access, int64_t now);
