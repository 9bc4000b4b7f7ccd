/*
 * How signing keys follow one another: published, active, retired, removed. What makes the order
 * safe for clients that keep sets of keys is docs/decisions/key-rotation.md.
 *
 * Each of these is one transaction that looks at the rows itself, so that it does not matter how
 * many nodes and commands do the same at once; each moves the generation on when it has changed
 * something. They return IDP_UNAVAILABLE when the database does not answer, IDP_DENIED when the
 * keys do not open with this master key, IDP_FAULT without memory or entropy.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "jose/jwk.h"

struct arena;
struct key_work;

struct rotated {
    const char *kid;      /* the key that takes over, in the arena */
    const char *replaces; /* the one whose place it takes, or NULL */
    int64_t published, active_from;
    size_t removed;     /* how many keys left with that */
    int64_t generation; /* to wait for */
};

/*
 * Publishes the successor of an algorithm's key, which signs once every set of keys that lacks it
 * has run out at the clients. Returns IDP_CONFLICT when one is published and does not sign yet,
 * which *out then tells of; IDP_FULL when SIGNING_KEYS_MAX keys are there.
 */
enum idp_err rotation_publish(const struct key_work *work, enum jose_alg alg, struct arena *arena,
                              struct rotated *out);

/*
 * For a key that is no longer to be trusted: its successor kid signs from now on, and all other
 * keys of its algorithm are removed, so that what they signed is worth nothing to whoever reads the
 * keys again. To be called when all nodes know the successor. Returns IDP_NOT_FOUND when there is
 * no such key, or it has an end itself.
 */
enum idp_err rotation_force(const struct key_work *work, const char *kid, struct arena *arena,
                            struct rotated *out);

/* Does what is due: publishes the successors of keys that have signed long enough, and removes keys
 * when the last thing they signed has expired. The periodic task. */
enum idp_err rotation_run(const struct key_work *work);
