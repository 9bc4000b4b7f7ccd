/*
 * How symmetric keys follow one another. In two steps, each a transaction that moves the generation
 * on: the new key waits until all nodes know it, then it is used. A program that ends in between
 * leaves a key that waits, and the next one goes on with it.
 *
 * They return IDP_UNAVAILABLE when the database does not answer, IDP_DENIED when the keys do not
 * open with this master key, IDP_FAULT without memory or entropy.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "jose/purpose_keys.h"

struct key_work;

struct purpose_rotated {
    int64_t id, replaces; /* key ids; replaces: 0 when none */
    size_t removed;       /* how many keys */
    int64_t generation;   /* to wait for */
};

/* Makes a key that waits, unless one does: *out tells of it then, too. Returns IDP_FULL when there
 * are too many keys. */
enum idp_err purpose_publish(const struct key_work *work, enum purpose purpose,
                             struct purpose_rotated *out);

/* Has the key that waits be used from now on. To be called when all nodes know it. Returns
 * IDP_NOT_FOUND when it does not wait any more. */
enum idp_err purpose_activate(const struct key_work *work, enum purpose purpose, int64_t id,
                              struct purpose_rotated *out);

/* For keys that are no longer to be trusted: removes the retired ones at once, and what they made
 * is worth nothing. */
enum idp_err purpose_forget(const struct key_work *work, enum purpose purpose,
                            struct purpose_rotated *out);

/* Removes retired keys of which nothing can be left: by time, and those of client secrets when no
 * client's hash was made with it. The periodic task. */
enum idp_err purpose_remove_old(const struct key_work *work, size_t *removed);
