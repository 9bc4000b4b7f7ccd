/* Locks that are, or were, bound to an enterprise. A binding is (authority, USCC, key). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct sql_tx;

struct lock {
    const char *id;
    const char *authority; /* id in the trust list */
    const char *key_hash;  /* base64url(SHA-256(SubjectPublicKeyInfo)) */
    const char *key_number;
    const char *certificate_hash; /* base64url(SHA-256), of the certificate seen last */
    const char *serial;           /* of that certificate, hex */
    int64_t not_after;
    int64_t rights_ended; /* when it was last unbound, also if it is bound anew; 0: never */
    bool primary;
    bool unbound;
};

/*
 * Adds a bound lock to an enterprise. A row of the same key that was unbound is bound anew and
 * keeps its id, which is then put into lock->id (in the arena).
 */
enum idp_err lock_insert(struct sql_tx *tx, struct arena *arena, const char *enterprise,
                         int64_t now, struct lock *lock);

/* Ends the binding; one that is over stays so. The rights it gave are ended by access/revoke.h.
 * IDP_NOT_FOUND. */
enum idp_err lock_unbind(struct sql_tx *tx, const char *id, int64_t now);

/*
 * Takes over what a renewed certificate says: key, key number, hash, serial, end; the one before
 * becomes a former one. Returns IDP_CONFLICT when the key is bound elsewhere, or was bound to the
 * same enterprise before.
 */
enum idp_err lock_renew(struct sql_tx *tx, const struct lock *lock);

/*
 * Notes that a certificate signs in that is not the one of the lock's row: an older one of the same
 * key. Returns IDP_CONFLICT when it was called revoked meanwhile: nobody would look for it by the
 * row.
 */
enum idp_err lock_use_former(struct sql_tx *tx, struct arena *arena, const char *id,
                             const char *certificate_hash);

/* Ends the rights that it gave until now, and leaves the binding as it is; what follows is as after
 * lock_unbind(). IDP_NOT_FOUND. */
enum idp_err lock_end_rights(struct sql_tx *tx, const char *id, int64_t now);

/* A bound lock, and whose it is. */
struct lock_owner {
    const char *id, *enterprise;
    bool present; /* the certificate is the one that its row names, not a former one */
};

/* The bound locks that have this certificate, or had it: usually one, or none. In the arena. */
enum idp_err locks_by_certificate(struct sql_tx *tx, struct arena *arena,
                                  const char *certificate_hash, struct lock_owner **out,
                                  size_t *count);
