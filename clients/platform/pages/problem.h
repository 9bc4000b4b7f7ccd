/* Pages that say what went wrong and what to do next. */
#pragma once

#include "http/http.h"
#include "rp/rp.h"

/* Answers with the page for a step that failed; every route's fail. */
void problem_fail(struct request *rq, struct response *rs, enum idp_err err);

/* Logs a refusal of librp and answers with its page. */
enum idp_err problem_sign_in(struct request *rq, struct response *rs, enum rp_err err,
                             const struct rp_note *note);

/* The page for an address that does not exist. */
enum idp_err problem_missing(struct request *rq, struct response *rs);
