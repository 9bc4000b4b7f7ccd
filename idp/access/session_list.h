/*
 * The browser sessions that somebody may be signed in with, for operators. Sessions lie in the
 * key-value store only; what SQL has of them are the grants they gave and the audit rows of signing
 * in and out. A session is named by its family. Every call waits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct sql;

struct session_seen {
    const char *family, *enterprise, *lock; /* the lock of the last sign-in */
    const char *clients;                    /* that hold grants of it, space-separated */
    int64_t first, last;                    /* sign-ins: seconds since 1970 */
    int64_t grants, offline;                /* that live, and those of them with offline access */
    bool over;                              /* signed out, or ended */
};

struct sessions_seen {
    const struct session_seen *sessions;
    size_t count;
};

/*
 * Those of an enterprise with a sign-in since a moment (seconds), that are not over or hold a grant
 * that lives; the last first. Returns what sql_read() does.
 */
enum idp_err session_list(struct sql *db, struct arena *arena, const char *enterprise,
                          int64_t since, struct sessions_seen *out);

/* Whose a session is: the enterprise's id. IDP_NOT_FOUND when nothing is known of it. */
enum idp_err session_owner(struct sql *db, struct arena *arena, const char *family, int64_t since,
                           const char **out);
