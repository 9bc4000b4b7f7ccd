/*
 * What an enterprise agreed that a platform learns. Remembered per enterprise, client, scopes and
 * claims until it is withdrawn or one of them changes.
 */
#pragma once

#include <stdint.h>

#include "access/claims.h"
#include "base/error.h"

struct access;
struct arena;
struct sql_tx;

struct consent {
    const char *enterprise, *client;
    const char *scope;
    struct claims_asked claims;
};

/* IDP_OK when this was agreed to, also together with offline access, IDP_NOT_FOUND when it has to
 * be asked. */
enum idp_err consent_find(const struct access *access, struct arena *arena,
                          const struct consent *consent);

/* Forgets what an enterprise agreed to with a client. What it gave is ended by revoke_consent().
 * IDP_NOT_FOUND. */
enum idp_err consent_withdraw(struct sql_tx *tx, const char *enterprise, const char *client);

/* Remembers it, in the place of what was agreed with this client before, with an audit row. */
enum idp_err consent_give(const struct access *access, struct arena *arena,
                          const struct consent *consent, int64_t now);
