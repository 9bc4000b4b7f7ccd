#pragma once

#include "base/error.h"

struct request;
struct response;

/* Answers with the error object of RFC 6749 section 5.2. */
void oauth_fail(struct request *rq, struct response *rs, enum idp_err err);

/* The same for a protected resource: the error stands in WWW-Authenticate (RFC 6750 section 3). */
void oauth_fail_bearer(struct request *rq, struct response *rs, enum idp_err err);
