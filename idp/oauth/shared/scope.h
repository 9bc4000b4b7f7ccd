/* Scopes: what a request may ask for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct client;
struct grant;

/*
 * Sorts out a requested scope list: unknown names are dropped, repeated ones kept once; a known one
 * that the client is not registered for is IDP_BAD_SCOPE, as is a list from which nothing is left.
 * Where offline is false, offline_access counts as unknown. *out has the names in the provider's
 * own order, so that equal requests are equal texts. A NULL request asks for all the client is
 * registered for (RFC 6749 section 3.3).
 */
enum idp_err scope_resolve(struct arena *arena, const struct client *client, const char *requested,
                           bool offline, const char **out);

/*
 * The same for a client that asks in its own name: IDP_BAD_SCOPE also for a scope about an
 * enterprise, of which there is none. The list may be empty.
 */
enum idp_err scope_of_client(struct arena *arena, const struct client *client,
                             const char *requested, const char **out);

/*
 * Which scopes of a grant its next tokens have: those requested, of which unknown names are
 * dropped, or all when nothing is (RFC 6749 section 6). One that the grant does not have is
 * IDP_BAD_SCOPE, as is a list from which nothing is left. The client is not registered for some of
 * them any more: they are left out.
 */
enum idp_err scope_narrow(const struct client *client, const struct grant *grant,
                          const char *requested, uint16_t *out);
