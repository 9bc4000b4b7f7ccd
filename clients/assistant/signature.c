#include "assistant/signature.h"

#include <string.h>

enum { TAG_INTEGER = 0x02, TAG_SEQUENCE = 0x30, BLOB_HALF = 64 };

/* Appends a positive INTEGER in its shortest form (X.690 section 8.3). False when n is zero. */
static bool put_integer(struct signature *out, const unsigned char *n)
{
    size_t skip = 0;
    while (skip < SIGNATURE_HALF && n[skip] == 0)
        skip++;
    if (skip == SIGNATURE_HALF)
        return false;
    size_t len = SIGNATURE_HALF - skip;
    bool padded = (n[skip] & 0x80) != 0;
    out->bytes[out->len++] = TAG_INTEGER;
    out->bytes[out->len++] = (unsigned char)(len + padded);
    if (padded)
        out->bytes[out->len++] = 0;
    memcpy(out->bytes + out->len, n + skip, len);
    out->len += len;
    return true;
}

bool signature_from_halves(const unsigned char *r, const unsigned char *s, struct signature *out)
{
    out->bytes[0] = TAG_SEQUENCE;
    out->len = 2;
    if (!put_integer(out, r) || !put_integer(out, s))
        return false;
    out->bytes[1] = (unsigned char)(out->len - 2); /* at most 70 */
    return true;
}

bool signature_from_blob(const unsigned char *blob, struct signature *out)
{
    static const unsigned char zeros[BLOB_HALF - SIGNATURE_HALF];
    const unsigned char *r = blob;
    const unsigned char *s = blob + BLOB_HALF;
    if (memcmp(r, zeros, sizeof(zeros)) != 0 || memcmp(s, zeros, sizeof(zeros)) != 0)
        return false;
    return signature_from_halves(r + sizeof(zeros), s + sizeof(zeros), out);
}

void signature_digest_info(const unsigned char *digest, unsigned char *out)
{
    static const unsigned char head[19] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                           0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                           0x01, 0x05, 0x00, 0x04, 0x20};
    memcpy(out, head, sizeof(head));
    memcpy(out + sizeof(head), digest, DIGEST_INFO_SIZE - sizeof(head));
}
