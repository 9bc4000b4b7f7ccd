#include "base/random.h"

#include <limits.h>

#include <openssl/rand.h>

enum idp_err random_bytes(void *out, size_t n)
{
    if (n > INT_MAX || RAND_bytes(out, (int)n) != 1)
        return IDP_FAULT;
    return IDP_OK;
}
