/* What the server reads from the head of a request. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <microhttpd.h>

#include "http/http.h"
#include "http/proxies.h"

/* What only the server itself looks at. */
struct http_head {
    /* A header that we read came twice, a name is no token, a value holds CR, LF or NUL, or the
     * head has octets that libmicrohttpd does not show. */
    bool malformed;
    const char *content_length, *transfer_encoding, *expect;
    const char *traceparent; /* NULL also when it came twice */
    /* X-Forwarded-For, whose lines are one list (RFC 9110 section 5.3), in their order; the count
     * goes on beyond those that are kept. */
    const char *forwarded[HTTP_FORWARDED_LINES_MAX];
    size_t forwarded_count;
    char *cookies; /* several Cookie lines in one; freed by the caller, rq->cookie points to it */
};

/*
 * Fills the header members of rq, which point into libmicrohttpd's memory, and head. version is the
 * end of the request line, as libmicrohttpd gave it.
 */
void http_head_read(struct MHD_Connection *connection, const char *version, struct request *rq,
                    struct http_head *head);

/* HTTP_GET for GET and HEAD; 0 for a method that no route can take. */
enum http_method http_head_method(const char *method);

/* Writes 16 characters and a NUL that no other request of this process has. */
void http_head_new_id(char out[17]);
