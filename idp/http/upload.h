/* A request's body as it arrives. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct http_upload {
    char *bytes;
    size_t len, size;
};

/*
 * Appends len bytes; expected is how long the whole will be, or 0 when nobody knows. Returns false
 * when there is no memory.
 */
bool http_upload_add(struct http_upload *upload, const char *bytes, size_t len, size_t expected);

/* Wipes and frees what it holds: bodies carry secrets. */
void http_upload_drop(struct http_upload *upload);
