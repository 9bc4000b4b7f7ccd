/*
 * Ending rights, by each cause. What ends is marked in SQL together with the cause and with an
 * outbox row; then tombstones are put over the copies, and only then does the caller hear success:
 * neither a late refill nor a key-value store that was stopped meanwhile revives a grant.
 * docs/decisions/rights.md has what is left of which right in which case.
 */
#pragma once

#include <stdint.h>

#include "access/grant.h"
#include "base/error.h"
#include "evidence/audit.h"

struct access;
struct arena;
struct session;

/* Ends one grant, with an audit row; one that is over stays so. why is a word for the record. */
enum idp_err revoke_grant(const struct access *access, struct arena *arena,
                          const unsigned char id[GRANT_ID_SIZE], const char *why, int64_t now);

/*
 * Ends a signed-in session with all that came from its family, save the grants with offline access.
 * Codes are closed first: one that is redeemed at the same moment finds the mark, or its grant is
 * among those that end. The session goes last: when something fails, the bidder is still signed in
 * and can try again. A visitor's session has nothing to end.
 */
enum idp_err revoke_session(const struct access *access, struct arena *arena,
                            const struct session *session, const char *why, int64_t now);

/* An order to end rights: who gives it, and what the caller may have to wait for. */
struct revoke_order {
    struct arena *arena;
    struct audit_actor by;
    int64_t now;

    /* Set by the calls below. */
    const char *row;    /* the outbox row that stands for it */
    int64_t generation; /* that all nodes have to have seen; 0: none */
};

/*
 * Each changes the row that is the cause, with an audit row, and ends all rights that rest on it.
 * An access without a key-value store (tamgactl) only orders: nodes do the rest when they deliver
 * order->row, which is due at once. Said twice, it is done twice. Return IDP_NOT_FOUND when there
 * is no such row, IDP_UNAVAILABLE when a store does not answer: either nothing was changed, or the
 * outbox goes on with it.
 */
enum idp_err revoke_client(const struct access *access, struct revoke_order *order, const char *id);
enum idp_err revoke_enterprise(const struct access *access, struct revoke_order *order,
                               const char *id);
enum idp_err revoke_lock(const struct access *access, struct revoke_order *order, const char *id);
enum idp_err revoke_consent(const struct access *access, struct revoke_order *order,
                            const char *enterprise, const char *client);

/* All that came from a family of sessions, also with offline access, and the sessions themselves.
 */
enum idp_err revoke_family(const struct access *access, struct revoke_order *order,
                           const char *enterprise, const char *family);
