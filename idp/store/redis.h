/*
 * The key-value store in a Redis 6.2 or later, for several nodes. docs/decisions/two-stores.md says
 * what it promises, what it needs of the server, and what it was measured at.
 */
#pragma once

#include "base/error.h"
#include "store/kv.h"

/*
 * Connects to what settings->where names, to see that it can be used. Returns IDP_BAD_REQUEST for
 * settings that cannot be right (a text that is no place, a password that is not accepted, a server
 * that is too old), IDP_UNAVAILABLE when there is no answer, IDP_FAULT without memory; then *why
 * may be a line that names the setting, which the caller frees.
 */
enum idp_err redis_open(const struct kv_settings *settings, struct figures *figures, char **why,
                        struct kv **out);
