/* DER of P-256 signatures by hand: nothing is longer than 72 bytes, so no length has two bytes. */
#include "jose/ecdsa.h"

#include <string.h>

enum { HALF = ECDSA_RAW_SIZE / 2, TAG_INTEGER = 0x02, TAG_SEQUENCE = 0x30 };

/* Reads INTEGER at *at into 32 bytes, right-aligned, and steps over it. */
static enum idp_err read_integer(const unsigned char **at, const unsigned char *end,
                                 unsigned char *out)
{
    const unsigned char *p = *at;
    if (end - p < 3 || p[0] != TAG_INTEGER || p[1] == 0 || p[1] > end - p - 2)
        return IDP_FAULT;
    size_t n = p[1];
    p += 2;
    *at = p + n;
    if (n > 1 && p[0] == 0) { /* the sign's byte */
        p++;
        n--;
    }
    if (n > HALF)
        return IDP_FAULT;
    memset(out, 0, HALF - n);
    memcpy(out + HALF - n, p, n);
    return IDP_OK;
}

enum idp_err ecdsa_raw(const unsigned char *der, size_t len, unsigned char out[ECDSA_RAW_SIZE])
{
    if (len < 2 || len > ECDSA_DER_MAX || der[0] != TAG_SEQUENCE || der[1] != len - 2)
        return IDP_FAULT;
    const unsigned char *at = der + 2;
    const unsigned char *end = der + len;
    enum idp_err err = read_integer(&at, end, out);
    if (err == IDP_OK)
        err = read_integer(&at, end, out + HALF);
    if (err == IDP_OK && at != end)
        err = IDP_FAULT;
    return err;
}

static size_t write_integer(const unsigned char *half, unsigned char *out)
{
    size_t skip = 0;
    while (skip < HALF - 1 && half[skip] == 0)
        skip++;
    size_t n = HALF - skip;
    size_t sign = half[skip] >> 7;
    out[0] = TAG_INTEGER;
    out[1] = (unsigned char)(n + sign);
    out[2] = 0;
    memcpy(out + 2 + sign, half + skip, n);
    return 2 + sign + n;
}

size_t ecdsa_der(const unsigned char raw[ECDSA_RAW_SIZE], unsigned char out[ECDSA_DER_MAX])
{
    size_t n = write_integer(raw, out + 2);
    n += write_integer(raw + HALF, out + 2 + n);
    out[0] = TAG_SEQUENCE;
    out[1] = (unsigned char)n;
    return n + 2;
}
