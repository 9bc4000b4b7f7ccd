/* Small files that are read whole: certificates, keys, secrets. */
#pragma once

#include <stddef.h>

#include "base/error.h"

/* Who besides the owner may have access to a file that is read. */
enum file_privacy {
    FILE_ANY,
    FILE_PRIVATE, /* nobody: it is refused when group or others have any right to it */
};

struct file_bytes {
    char *bytes; /* a NUL stands behind them */
    size_t len;
};

/*
 * Reads a regular file of at most max bytes. Returns IDP_UNAVAILABLE when it cannot be read,
 * IDP_DENIED when others may have read it, IDP_BAD_REQUEST when it is too large or no regular
 * file, each with a line "PATH: what is wrong" in *why, which the caller frees (NULL when there is
 * no memory for it); IDP_FAULT without memory. What was read is the caller's, for file_drop().
 */
enum idp_err file_read(const char *path, enum file_privacy privacy, size_t max, char **why,
                       struct file_bytes *out);

/* Wipes and frees what was read. */
void file_drop(struct file_bytes *file);
