/* What the server reads from the head of a request. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <microhttpd.h>

#include "http/http.h"

/* What only the server itself looks at. */
struct http_head {
    bool malformed; /* a header that we read came twice, or holds a NUL */
    const char *content_length, *transfer_encoding, *expect;
    char *cookies; /* several Cookie lines in one; freed by the caller, rq->cookie points to it */
};

/* Fills the header members of rq, which point into libmicrohttpd's memory, and head. */
void http_head_read(struct MHD_Connection *connection, struct request *rq, struct http_head *head);

/* HTTP_GET for GET and HEAD; 0 for a method that no route can take. */
enum http_method http_head_method(const char *method);

/* Writes 16 characters and a NUL that no other request of this process has. */
void http_head_new_id(char out[17]);
