/*
 * Locks that were refused, counted by day, authority, reason and certificate, so that an operator
 * can be told "17 refusals from authority X since Monday, all for reason Y"
 * (docs/decisions/evidence.md).
 *
 * A refusal only counts in memory; a job writes what was counted every few seconds. So a store that
 * is down changes no answer, and strangers buy no statement. A certificate is named, and kept, only
 * when its holder has proved the key and its path is good; of others only the number counts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct lock_identity;
struct refusal;
struct refusals;
struct seen;
struct sql;
struct sql_tx;

enum {
    REFUSALS_WAITING_MAX = 1024,  /* rows that wait to be written */
    REFUSALS_DAY_MAX = 10000,     /* rows of a day; more certificates only count, unnamed */
    REFUSALS_FIGURES_MAX = 512,   /* pairs of authority and reason that are told apart */
    REFUSALS_AUTHORITY_SIZE = 33, /* of an authority's id */
    REFUSALS_CHINA_S = 8 * 3600,  /* days begin at midnight in China (UTC+8) */
    REFUSALS_DAY_S = 24 * 3600,
};

/* The day of a moment, since 1970. */
int64_t refusals_day(int64_t seconds);

/* Nothing is counted yet. seen is borrowed and may be NULL. Returns NULL without memory. */
struct refusals *refusals_new(struct seen *seen);

/* What still waits is lost. NULL is allowed. */
void refusals_free(struct refusals *refusals);

/*
 * Counts a refusal of *why, whose reason and authority it names. who is the lock of which
 * lock_verify() told more, or NULL. Never waits; does nothing when refusals is NULL.
 */
void refusals_add(struct refusals *refusals, const struct refusal *why,
                  const struct lock_identity *who, int64_t now);

/* One row of a day. */
struct refusal_name {
    const char *authority, *reason, *certificate;
};

/*
 * Makes the row of today, without counting; *out says whether there was none. For what has to be
 * done once a day, in the transaction that does it.
 */
enum idp_err refusals_first_today(struct sql_tx *tx, const struct refusal_name *name, int64_t now,
                                  bool *out);

/*
 * Writes what waits, in short transactions. Returns what sql_transact() does; what could not be
 * written goes on waiting. One thread at a time.
 */
enum idp_err refusals_flush(struct refusals *refusals, struct sql *db);

/* How many rows wait. */
size_t refusals_waiting(struct refusals *refusals);

/* How often locks of an authority were refused for a reason since the program began. */
struct refusal_figure {
    char authority[REFUSALS_AUTHORITY_SIZE]; /* "": not known */
    const char *reason;                      /* its code */
    uint64_t count;
};

/* Copies the figures, max at most. Returns how many. What found no room is the last one: reason
 * "other", of no authority. */
size_t refusals_figures(struct refusals *refusals, struct refusal_figure *out, size_t max);
