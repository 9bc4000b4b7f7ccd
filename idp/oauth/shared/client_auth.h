/* Client authentication (RFC 6749 section 2.3). */
#pragma once

#include "base/error.h"

struct request;

/*
 * Finds out which client asks, by the method it is registered with, and sets rq->client. Returns
 * IDP_BAD_CLIENT, whatever the reason, so that nobody learns which client ids exist; the reason
 * goes to the log. IDP_LIMITED after too many failures from one address.
 */
enum idp_err oauth_client_auth(struct request *rq);

/*
 * Counts a call that failed although its client proved who it is, such as a code that is no good.
 * Returns err, or IDP_LIMITED after too many from one address or for one client.
 */
enum idp_err oauth_count_failure(const struct request *rq, enum idp_err err);

/* As oauth_client_auth(), and refuses public clients: for calls that need a secret to be worth
 * anything. */
enum idp_err oauth_confidential_client_auth(struct request *rq);
