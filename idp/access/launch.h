/*
 * The portal's mark that it sent this session to a platform: the platform then starts its own
 * request (OpenID Connect Core section 4), and the bidder is asked for consent again.
 */
#pragma once

#include "base/error.h"

struct access;
struct session;

/* Remembers it for launch_s seconds. */
enum idp_err launch_begin(const struct access *access, const struct session *session,
                          const char *client);

/* Takes the mark: IDP_OK when the session was just sent to this client, else IDP_NOT_FOUND. */
enum idp_err launch_take(const struct access *access, const struct session *session,
                         const char *client);
