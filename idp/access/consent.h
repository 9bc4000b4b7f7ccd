/*
 * What an enterprise agreed that a platform learns. Remembered per enterprise, client, scopes and
 * claims until it is withdrawn or one of them changes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "access/claims.h"
#include "base/error.h"

struct access;
struct arena;
struct sql;
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

/* What is remembered of an enterprise, for operators. */
struct consent_row {
    const char *client, *scope;
    int64_t given, since; /* the last time; without a break. Seconds since 1970 */
};

struct consent_rows {
    const struct consent_row *rows;
    size_t count;
};

/* By client, in the arena. Returns what sql_read() does. */
enum idp_err consent_list(struct sql *db, struct arena *arena, const char *enterprise,
                          struct consent_rows *out);

/* Remembers it, in the place of what was agreed with this client before, with an audit row. */
enum idp_err consent_give(const struct access *access, struct arena *arena,
                          const struct consent *consent, int64_t now);
