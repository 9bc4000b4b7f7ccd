/* What the steps of every page share: whose browser this is, and whether it may change something.
 */
#pragma once

#include "http/http.h"
#include "platform/session.h"

/* The name of the session cookie. */
extern const char visit_cookie[];

/* Finds the browser's session; rq->session stays NULL when there is none. Never refuses. */
enum idp_err visit_find(struct request *rq);

/*
 * For POSTs: there has to be a session, the form has to carry its token, and the browser must not
 * say that the form was another site's. Returns IDP_DENIED.
 */
enum idp_err visit_check_form(struct request *rq);

/* Says whether somebody is signed in and has confirmed. */
bool visit_is_inside(const struct request *rq);

/* Sets the cookie to the session and makes it the request's. */
enum idp_err visit_set(struct request *rq, struct response *rs, const struct session *session);
