/* What the portal's pages do, for tests. */
#pragma once

#include "tests/access/world.h"

/* A first visit: it gets its cookie and its token. */
struct browser visit(void);

/* A request of the client that waits in this browser's session: its interaction. */
const char *pending(const struct browser *browser, enum world_client client);

/* The same with other scopes. */
const char *pending_for(const struct browser *browser, enum world_client client, const char *scope);

/* Asks for a challenge; interaction may be NULL. */
const char *challenge_for(struct browser *browser, const char *purpose, const char *interaction);

/* The body of a sign-in; interaction may be NULL. */
const char *sign_in_body(const char *answer, const char *interaction);

/* Challenge, lock's answer, sign-in. */
const struct answer *sign_in(struct browser *browser, enum world_lock lock,
                             const char *interaction);

/* Challenge, lock's answer, reading for the binding. */
const struct answer *read_to_bind(struct browser *browser, enum world_lock lock);

/* A form that is filled in well. */
extern const char good_form[];
