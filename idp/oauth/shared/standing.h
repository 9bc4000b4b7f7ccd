/* Whether the rights of a grant may still be used: what ends none of them, but stands in the way.
 */
#pragma once

#include "base/error.h"

struct grant;
struct holder;
struct request;

/* Whether the grant's client is still active: IDP_BAD_TOKEN when it is not. Costs no look-up while
 * the client is remembered. */
enum idp_err oauth_check_client(struct request *rq, const struct grant *grant);

/*
 * Finds the holder that a grant speaks of. Returns IDP_BAD_TOKEN when its client is not active any
 * more, the enterprise is suspended or the lock was unbound; IDP_WAIT, IDP_UNAVAILABLE as the
 * stores say.
 */
enum idp_err oauth_find_holder(struct request *rq, const struct grant *grant,
                               const struct holder **out);
