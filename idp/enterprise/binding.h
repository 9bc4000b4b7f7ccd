/*
 * Which enterprise a proven lock stands for, and how an enterprise gets its first lock
 * (docs/architecture.md, "Who an enterprise is").
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "enterprise/holder.h"

struct arena;
struct lock_identity;
struct refusal;
struct sql;
struct sql_tx;

/* What a proven lock means to the record. */
struct recognised {
    struct holder holder;
    bool renewed; /* the certificate is not the one seen last: binding_renew() has to be called */
    bool renamed; /* the certificate carries another name than the record */
    const char *former; /* hash of the certificate when it is older than the record's, or NULL */
};

/*
 * Finds the binding. It holds when the lock has the same authority, USCC and key; or the same
 * authority, USCC and the same key number in the certificate (a renewal). Returns IDP_REFUSED with
 * a reason of enterprise/reasons.h otherwise; its facts live as long as the arena.
 */
enum idp_err binding_recognise(struct sql *db, struct arena *arena,
                               const struct lock_identity *identity, int64_t now,
                               struct refusal *why, struct recognised *out);

/*
 * The usual case of binding_recognise(), in the sign-in's own transaction: the very key that is
 * bound, of an enterprise that is not suspended. IDP_NOT_FOUND for everything else, of which
 * binding_recognise() then knows more. It costs a quarter.
 */
enum idp_err binding_find(struct sql_tx *tx, struct arena *arena,
                          const struct lock_identity *identity, struct recognised *out);

/*
 * Writes what a renewed or an older certificate changes; to be called in the sign-in's transaction.
 * Returns IDP_CONFLICT when its key was bound, or unbound, by somebody since: binding_recognise()
 * knows; or when the older certificate was called revoked since.
 */
enum idp_err binding_renew(struct sql_tx *tx, struct arena *arena,
                           const struct recognised *recognised, int64_t now);

/*
 * Says whether the lock may be bound by its holder alone: IDP_OK when its USCC has no bound lock
 * (never had one, or all were unbound), otherwise IDP_REFUSED.
 */
enum idp_err binding_may_begin(struct sql *db, struct arena *arena,
                               const struct lock_identity *identity, int64_t now,
                               struct refusal *why);

/* What the bidder filled in, already checked. */
struct binding_form {
    const char *city, *legal_representative, *phone, *address, *email, *entity_types;
};

/*
 * Ties the lock to its enterprise as the primary lock; a USCC seen before continues its record and
 * keeps its subject. Checks again inside the transaction, so that of two who bind one USCC, or one
 * key, at once one gets IDP_CONFLICT. *out is the new holder. The texts live as long as the arena.
 */
enum idp_err binding_make(struct sql_tx *tx, struct arena *arena,
                          const struct lock_identity *identity, const struct binding_form *form,
                          int64_t now, struct holder *out);
