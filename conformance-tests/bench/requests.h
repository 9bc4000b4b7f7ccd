/* The requests a load is made of: made ready by run.mjs, each sent as it stands. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct span {
    char *bytes;
    size_t len;
};

struct spans {
    size_t count;
    struct span *list;
};

/*
 * Reads a file of requests: for each four bytes of length, the lowest first, and the request.
 * Returns false and says why on standard error when the file is not that. Kept until the end.
 */
bool requests_read(const char *path, struct spans *out);

/* Writes answers in the same form; one that never came has the length 0. */
bool requests_write(const char *path, const struct spans *answers);
