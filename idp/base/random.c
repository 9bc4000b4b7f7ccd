#include "base/random.h"

#include <limits.h>

#include <openssl/rand.h>

#include "base/arena.h"
#include "base/base64.h"

enum { TEXT_BYTES_MAX = 64 };

enum idp_err random_bytes(void *out, size_t n)
{
    if (n > INT_MAX || RAND_bytes(out, (int)n) != 1)
        return IDP_FAULT;
    return IDP_OK;
}

const char *random_text(struct arena *arena, size_t n)
{
    unsigned char bytes[TEXT_BYTES_MAX];
    if (n > sizeof(bytes) || random_bytes(bytes, n) != IDP_OK)
        return NULL;
    char *text = arena_alloc(arena, BASE64URL_LEN(n) + 1);
    if (text != NULL)
        base64url_encode(bytes, n, text);
    return text;
}
