#include "http/upload.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

enum { FIRST_SIZE = 4096 };

/* Not realloc(), which leaves the old bytes behind in free memory. */
static bool grow(struct http_upload *upload, size_t size)
{
    char *bytes = malloc(size);
    size_t len = upload->len;
    if (bytes == NULL)
        return false;
    if (len > 0)
        memcpy(bytes, upload->bytes, len);
    http_upload_drop(upload);
    *upload = (struct http_upload){.bytes = bytes, .len = len, .size = size};
    return true;
}

bool http_upload_add(struct http_upload *upload, const char *bytes, size_t len, size_t expected)
{
    size_t total = upload->len + len;
    size_t size = expected > 0 ? expected : 2 * upload->size + FIRST_SIZE;
    if (total > upload->size && !grow(upload, size > total ? size : total))
        return false;
    memcpy(upload->bytes + upload->len, bytes, len);
    upload->len = total;
    return true;
}

void http_upload_drop(struct http_upload *upload)
{
    if (upload->bytes != NULL)
        OPENSSL_cleanse(upload->bytes, upload->size);
    free(upload->bytes);
    *upload = (struct http_upload){0};
}
