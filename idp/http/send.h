/* From struct response to libmicrohttpd. Every answer of the room goes out through here. */
#pragma once

#include <microhttpd.h>

#include "http/http.h"

/*
 * Makes a response with the headers that belong on every answer: nosniff, no-referrer, no-store
 * (unless rs has a Cache-Control) and, for HTML, the browser's policies; csp may be NULL. The body
 * is borrowed, from owner when that is not NULL: the response then holds it as long as it is sent.
 * Returns NULL when there is no memory or a header cannot be sent.
 */
struct MHD_Response *http_send_make(const struct response *rs, const struct http_fixed *owner,
                                    const char *csp);

/* Queues the answer; closing says that no further request is taken on this connection. */
enum MHD_Result http_send(struct MHD_Connection *connection, const struct response *rs,
                          const char *csp, bool closing);

/* An answer of the server itself: {"error":"code"}. code is a literal. */
void http_send_problem(struct response *rs, int status, const char *code);
