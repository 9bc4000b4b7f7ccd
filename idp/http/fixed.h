/* What the room knows of an answer made ready once. */
#pragma once

#include "http/http.h"

struct MHD_Response;

struct http_fixed {
    /* Ready to be sent, with all headers; NULL for HTML, whose policy is the server's to say. */
    struct MHD_Response *full, *unchanged;
    char etag[48];
    struct response answer; /* the same as a response, for HTML and for tests */
    unsigned char body[];
};
