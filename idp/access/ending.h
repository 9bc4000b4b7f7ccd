/*
 * Rights that end together: all grants of a client, an enterprise, a lock, a consent, an authority
 * or a session. There may be hundreds of thousands: they are walked through in batches, and one
 * outbox row, written in the transaction of the cause, stands for the whole until it is done.
 * docs/decisions/rights.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "access/outbox.h"
#include "base/error.h"

struct access;
struct arena;
struct sql_tx;

enum ending_of {
    ENDING_CLIENT,
    ENDING_ENTERPRISE,
    ENDING_LOCK,
    ENDING_CONSENT,   /* of an enterprise towards a client */
    ENDING_AUTHORITY, /* of locks */
    ENDING_SESSION,   /* a family of sessions, with all it gave and its codes */
    ENDING_SIGN_OUT,  /* the same by the bidder: what has offline access stays */
};

struct ending {
    enum ending_of of;
    const char
        *subject; /* id of the client, enterprise (also for a consent), lock, authority; family */
    const char *client; /* of a consent */
    const char *why;    /* a word for the record */
    int64_t now;        /* when its cause was: seconds since 1970 */
    bool by_nodes;      /* who orders it cannot reach the key-value store: a node begins at once */

    /* Set by ending_order(). */
    const char *row; /* id of the outbox row, in the arena */
    bool whole;      /* the transaction ended all there was */
};

/*
 * In the transaction of the cause: writes the outbox row and ends what one batch holds. Nothing may
 * come in any more when the transaction is committed: the cause is a row that grant_make() looks
 * at, or a mark that is looked for after it. Returns what sql_run() does.
 */
enum idp_err ending_order(struct sql_tx *tx, struct arena *arena, struct ending *ending);

/* Ends what one batch holds, without a row; ending->whole says whether that is all there is. */
enum idp_err ending_batch(struct sql_tx *tx, struct arena *arena, struct ending *ending);

/* Ends all there is, in as many transactions as that needs. */
enum idp_err ending_rest(const struct access *access, const struct ending *ending);

/*
 * After the commit: ends the rest, then puts marks, tombstones and fresh copies into the key-value
 * store. The row is the caller's to mark as done. Where access has no key-value store only the
 * former is done. May be called again. Returns IDP_UNAVAILABLE when a store does not answer; the
 * outbox goes on with it then.
 */
enum idp_err ending_finish(const struct access *access, const struct ending *ending);

extern const struct outbox_kind ending_kind;
