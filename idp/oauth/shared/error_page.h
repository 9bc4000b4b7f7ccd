/* What a person sees when a request is so wrong that there is no platform to go back to. */
#pragma once

#include "base/error.h"

struct reason;
struct request;
struct response;

extern const struct reason authorize_unknown_client, authorize_bad_redirect_uri,
    authorize_client_not_active;

/* Answers with a page that tells rq->refusal, or the error in general, in both languages. */
void oauth_fail_page(struct request *rq, struct response *rs, enum idp_err err);
