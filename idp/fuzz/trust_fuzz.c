/* Feeds any bytes to the trust list's reader: a list, or one clear line that says what is wrong. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pki/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *why = NULL;
    struct trust *trust = NULL;
    enum idp_err err = trust_parse("list", (const char *)data, size, &why, &trust);
    if (err == IDP_OK && (trust->count == 0 || *trust_hosts(trust) == NULL))
        abort();
    if (err == IDP_BAD_REQUEST && (why == NULL || strchr(why, '\n') != NULL))
        abort();
    trust_free(err == IDP_OK ? trust : NULL);
    free(why);
    return 0;
}
