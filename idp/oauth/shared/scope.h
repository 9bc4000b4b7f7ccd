/* Scopes: what a request may ask for. */
#pragma once

#include "base/error.h"

struct arena;
struct client;

/*
 * Sorts out a requested scope list: unknown names are dropped, repeated ones kept once; a known one
 * that the client is not registered for is IDP_BAD_SCOPE, as is a list from which nothing is left.
 * *out has the names in the provider's own order, so that equal requests are equal texts. A NULL
 * request asks for all the client is registered for (RFC 6749 section 3.3).
 */
enum idp_err scope_resolve(struct arena *arena, const struct client *client, const char *requested,
                           const char **out);
