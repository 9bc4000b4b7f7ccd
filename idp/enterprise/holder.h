/*
 * A holder: an enterprise together with the lock it signed in with. This is what tokens and
 * userinfo speak of, so a copy of it lies in the key-value store.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "enterprise/enterprise.h"
#include "enterprise/lock.h"

struct arena;
struct kv;
struct sql;
struct sql_rows;
struct sql_tx;

struct holder {
    struct enterprise enterprise;
    struct lock lock;
};

/* Says whether rights may be used in its name: enterprise not suspended, lock still bound. */
bool holder_in_good_standing(const struct holder *holder);

/*
 * Finds the holder of a lock id, from the copy or, on a miss, from SQL. Returns IDP_NOT_FOUND,
 * IDP_WAIT on a miss where waiting is not allowed, IDP_UNAVAILABLE when a store does not answer.
 */
enum idp_err holder_find(struct sql *db, struct kv *kv, struct arena *arena, const char *lock_id,
                         const struct holder **out);

/* Puts a fresh copy where a stale one may stand; called after a change was committed. */
enum idp_err holder_remember(struct kv *kv, const struct holder *holder);

/*
 * The same from what SQL has, for one lock, or for all that are or were bound to an enterprise.
 * Returns IDP_UNAVAILABLE when a store does not answer, IDP_FULL.
 */
enum idp_err holder_refresh(struct sql *db, struct kv *kv, const char *lock_id);
enum idp_err holders_refresh(struct sql *db, struct kv *kv, const char *enterprise_id);

/* What a binding is: (authority, USCC, key). */
struct holder_key {
    const char *uscc, *authority, *key_hash;
};

/* An array of count holders, in the arena. */
struct holders {
    const struct holder *holders;
    size_t count;
};

/* The one binding of exactly this key that holds. IDP_NOT_FOUND when there is none. */
enum idp_err holders_bound(struct sql_tx *tx, struct arena *arena, const struct holder_key *key,
                           struct holders *out);

/*
 * All locks, bound or once bound, of the enterprise with this USCC, or with a lock of this
 * authority and key. IDP_NOT_FOUND when there is none.
 */
enum idp_err holders_related(struct sql *db, struct arena *arena, const struct holder_key *key,
                             struct holders *out);
