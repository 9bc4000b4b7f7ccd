/*
 * An authorization request that waits for the bidder: what was asked, checked, and bound to the
 * browser session it came from. Whoever knows its id but not the session gets nowhere.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "access/claims.h"
#include "base/error.h"

struct access;
struct arena;
struct session;

struct interaction {
    const char *id;
    const char *session; /* hash of the session it belongs to */
    const char *client;
    const char *redirect_uri;
    const char *scope;
    const char *state, *nonce; /* each may be NULL */
    const char *code_challenge;
    struct claims_asked claims;
    int64_t began;
    int64_t signed_in_since; /* a sign-in older than this does not do (max_age) */
    bool ask_sign_in; /* whatever sign-in there is (prompt=login), until one in answer to it */
    bool ask_consent; /* even when it was given before (prompt=consent, portal launch) */
};

/* Stores it under a new id, which is put into it. IDP_FULL when too many wait. */
enum idp_err interaction_begin(const struct access *access, struct arena *arena,
                               struct interaction *interaction);

/*
 * Finds one of this session's. Returns IDP_NOT_FOUND when there is none, it is over, or it belongs
 * to another session.
 */
enum idp_err interaction_find(const struct access *access, struct arena *arena, const char *id,
                              const struct session *session, int64_t now,
                              const struct interaction **out);

/* Hands it over to the session that grew from its own by signing in, in answer to it. */
enum idp_err interaction_move(const struct access *access, const struct interaction *interaction,
                              const struct session *to, int64_t now);

/* Ends it. Of several that try, one gets IDP_OK and the others IDP_NOT_FOUND. */
enum idp_err interaction_end(const struct access *access, const char *id);
