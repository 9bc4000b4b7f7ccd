/*
 * Finishing an authorization request: what still stands in its way, and where the browser goes.
 * The authorization endpoint and the portal's consent page both end here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct access;
struct arena;
struct client;
struct interaction;
struct session;

enum authorization_need {
    AUTHORIZATION_NOTHING, /* a code can be issued */
    AUTHORIZATION_SIGN_IN,
    AUTHORIZATION_CONSENT,
};

/* What the request needs before a code may be issued in this session. */
enum idp_err authorization_need(const struct access *access, struct arena *arena,
                                const struct interaction *interaction,
                                const struct session *session, enum authorization_need *out);

/* Issues the code: *out is the address at the client, with code, state and iss (RFC 9207). */
enum idp_err authorization_grant(const struct access *access, struct arena *arena,
                                 const struct interaction *interaction,
                                 const struct session *session, int64_t now, const char **out);

/* An error answer (RFC 6749 section 4.1.2.1). description is ASCII of our own, or NULL. */
struct authorization_error {
    const char *error, *description;
};
const char *authorization_refuse(const struct access *access, struct arena *arena,
                                 const char *redirect_uri, const char *state,
                                 const struct authorization_error *error);

/*
 * Says whether the session's lock may sign in to the client: it is of the client's environment, and
 * its authority stands in the trust list, and has since the bidder signed in.
 */
bool authorization_lock_fits(const struct access *access, const struct client *client,
                             const struct session *session);
