/*
 * Who calls: a browser of our own pages. Steps for the authenticate column of the portal's routes.
 */
#pragma once

#include "base/error.h"

struct request;
struct response;

/* Reading: finds the session if there is one; rq->session is NULL for a first visit. */
enum idp_err portal_any_browser(struct request *rq);

/*
 * Changing (docs/security.md row 24): demands the provider's own Origin, and the session's token in
 * X-Tamga-Token. JSON was demanded by the route. A visitor will do.
 */
enum idp_err portal_own_page(struct request *rq);

/* The same, and somebody has to be signed in. */
enum idp_err portal_signed_in_page(struct request *rq);

/* Answers with the error object of the portal's calls (schema/openapi.yaml). */
void portal_fail(struct request *rq, struct response *rs, enum idp_err err);
