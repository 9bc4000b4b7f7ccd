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

/* Ends one grant, with an audit row; one that is over stays so. why is a word for the record. */
enum idp_err revoke_grant(const struct access *access, struct arena *arena,
                          const unsigned char id[GRANT_ID_SIZE], const char *why, int64_t now);

/* Ends the grants that came from the session of this hash. */
enum idp_err revoke_session_grants(const struct access *access, struct arena *arena,
                                   const char *session, const char *why, int64_t now);
