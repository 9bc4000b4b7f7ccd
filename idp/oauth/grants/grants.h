/* What /oauth2/token accepts: one file for each grant type. */
#pragma once

#include "base/error.h"

struct request;
struct response;

struct grant_type {
    const char *name;
    enum idp_err (*redeem)(struct request *rq, struct response *rs);
};

extern const struct grant_type grant_authorization_code;
extern const struct grant_type grant_refresh_token;
extern const struct grant_type grant_client_credentials;
