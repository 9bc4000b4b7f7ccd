/*
 * Ending rights. A grant ends by a mark in SQL, with an outbox row for its tombstone in the same
 * transaction; then the tombstone is put over the copy, and only then does the caller hear success:
 * neither a late refill nor a key-value store that was stopped meanwhile revives a grant.
 */
#pragma once

#include <stdint.h>

#include "access/grant.h"
#include "base/error.h"

struct access;
struct arena;
struct session;

/* Ends one grant, with an audit row; one that is over stays so. why is a word for the record. */
enum idp_err revoke_grant(const struct access *access, struct arena *arena,
                          const unsigned char id[GRANT_ID_SIZE], const char *why, int64_t now);

/*
 * Ends a signed-in session with all that came from its family. Codes are closed first: one that is
 * redeemed at the same moment finds the mark, or its grant is among those that end. The session
 * goes last: when something fails, the bidder is still signed in and can try again. A visitor's
 * session has nothing to end.
 */
enum idp_err revoke_session(const struct access *access, struct arena *arena,
                            const struct session *session, const char *why, int64_t now);
