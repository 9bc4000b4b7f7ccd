/*
 * The pending record: what one sign-in has to remember between the browser's leaving and its
 * return, sealed so that whoever keeps it can neither read nor change it.
 */
#pragma once

#include <stdint.h>

#include "rp/party.h"

enum { RP_SECRET_SIZE = 32, RP_SECRET_LEN = 43 };

struct rp_pending {
    int64_t begun;   /* seconds since 1970 */
    int64_t max_age; /* seconds, or RP_NO_MAX_AGE */
    char state[RP_SECRET_LEN + 1], nonce[RP_SECRET_LEN + 1], verifier[RP_SECRET_LEN + 1];
};

/* New secrets. Returns RP_FAULT when there is no randomness. */
enum rp_err rp_pending_new(int64_t now, int64_t max_age, struct rp_pending *out);

/* Seals it for this client at this provider, as text of the arena. Returns RP_FAULT. */
enum rp_err rp_pending_seal(const struct rp *rp, struct arena *arena,
                            const struct rp_pending *pending, const char **out);

/* Opens a record. Returns RP_BAD_PENDING when it is not ours, was changed, or is too old. */
enum rp_err rp_pending_open(const struct rp *rp, const char *text, int64_t now,
                            struct rp_pending *out);
