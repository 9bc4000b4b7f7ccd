/*
 * Ending what rests on the locks with a certificate: sessions and grants. The bindings stay, so
 * that a renewed certificate can take over, or the same one when its authority vouches for it
 * again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct access;
struct news;
struct sql_tx;

struct certificate_ending {
    const char *certificate; /* base64url(SHA-256(DER)), as a lock's row has it, or had it */
    bool superseded;         /* locks that have another one by now go on */
    const char *event;       /* of the audit rows */
    const char *why;         /* of the grants: a word for the record */
    const struct news *news; /* that the enterprise is told, where the lock has it; NULL: none */
    int64_t now;
    /* Closes the order in the same transaction. What it returns but IDP_OK undoes everything:
     * IDP_NOT_FOUND when somebody else closed it. */
    enum idp_err (*close)(struct sql_tx *tx, const void *with);
    const void *with;
};

/*
 * Carries it out; *locks, which may be NULL, is how many there were, usually one or none. Returns
 * what close() does; IDP_UNAVAILABLE when a store does not answer: either nothing was changed, or
 * the outbox goes on with it.
 */
enum idp_err certificate_end(const struct access *access, const struct certificate_ending *ending,
                             size_t *locks);
