#include "pki/lock/uscc.h"

#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";

bool uscc_is_valid(const char *text)
{
    size_t sum = 0;
    size_t weight = 1; /* 3 to the power of i, modulo 31 (GB 32100-2015 section 5.2) */
    if (strlen(text) != USCC_LEN)
        return false;
    for (size_t i = 0; i < USCC_LEN; i++) {
        const char *at = strchr(alphabet, text[i]);
        if (at == NULL)
            return false;
        /* The check character counts once, so that the whole sum is a multiple of 31. */
        sum += (size_t)(at - alphabet) * (i < USCC_LEN - 1 ? weight : 1);
        weight = weight * 3 % 31;
    }
    return sum % 31 == 0;
}
