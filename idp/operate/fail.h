#pragma once

#include "base/error.h"

struct request;
struct response;

/* Answers {"error": …}, as the server itself does. */
void operate_fail(struct request *rq, struct response *rs, enum idp_err err);
