/* What the room knows of an answer made ready once. */
#pragma once

#include <stdatomic.h>

#include "http/http.h"

struct MHD_Response;

struct http_fixed {
    /* Its maker, and each request that found it in a slot and may not have sent it yet. After the
     * last of them the responses below are given up. */
    atomic_size_t users;
    /* Its users together, and each libmicrohttpd response whose body it is: they outlive
     * http_fixed_free() while they are being sent. Whoever leaves last frees it. */
    atomic_size_t holders;
    struct http_fixed *self; /* for who holds a const pointer and has to hold on */
    /* Ready to be sent, with all headers; NULL for HTML, whose policy is the server's to say. */
    struct MHD_Response *full, *unchanged;
    char etag[48];
    struct response answer; /* the same as a response, for HTML and for tests */
    unsigned char body[];
};

/* Leaves it. Given to libmicrohttpd as what to do with a body that is no longer sent. */
void http_fixed_leave(void *fixed);
