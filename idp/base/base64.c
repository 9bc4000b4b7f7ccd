#include "base/base64.h"

#include <stdint.h>

static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Returns how many characters were written. */
static size_t encode(const unsigned char *p, size_t n, const char *digits, char *out)
{
    char *at = out;
    for (; n >= 3; n -= 3, p += 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        *at++ = digits[v >> 18];
        *at++ = digits[v >> 12 & 63];
        *at++ = digits[v >> 6 & 63];
        *at++ = digits[v & 63];
    }
    if (n > 0) {
        uint32_t v = (uint32_t)p[0] << 16 | (n == 2 ? (uint32_t)p[1] << 8 : 0);
        *at++ = digits[v >> 18];
        *at++ = digits[v >> 12 & 63];
        if (n == 2)
            *at++ = digits[v >> 6 & 63];
    }
    return (size_t)(at - out);
}

void base64url_encode(const void *bytes, size_t n, char *out)
{
    out[encode(bytes, n, url_digits, out)] = '\0';
}

void base64_encode(const void *bytes, size_t n, char *out)
{
    size_t len = encode(bytes, n, std_digits, out);
    while (len % 4 != 0)
        out[len++] = '=';
    out[len] = '\0';
}

static int digit(char c, char c62, char c63)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == c62)
        return 62;
    return c == c63 ? 63 : -1;
}

static enum idp_err decode(const char *text, size_t len, const char extra[2], unsigned char *out,
                           size_t max)
{
    uint32_t bits = 0;
    int held = 0;
    size_t at = 0;
    if (len % 4 == 1 || len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1) > max)
        return IDP_BAD_REQUEST;
    for (size_t i = 0; i < len; i++) {
        int d = digit(text[i], extra[0], extra[1]);
        if (d < 0)
            return IDP_BAD_REQUEST;
        bits = bits << 6 | (uint32_t)d;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[at++] = (unsigned char)(bits >> held);
            bits &= (1u << held) - 1;
        }
    }
    return bits == 0 ? IDP_OK : IDP_BAD_REQUEST;
}

static size_t decoded_size(size_t len)
{
    return len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1);
}

enum idp_err base64url_decode(const char *text, size_t len, void *out, size_t max, size_t *n)
{
    enum idp_err err = decode(text, len, "-_", out, max);
    if (err == IDP_OK)
        *n = decoded_size(len);
    return err;
}

enum idp_err base64_decode(const char *text, size_t len, void *out, size_t max, size_t *n)
{
    if (len % 4 != 0)
        return IDP_BAD_REQUEST;
    for (int i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++)
        len--;
    enum idp_err err = decode(text, len, "+/", out, max);
    if (err == IDP_OK)
        *n = decoded_size(len);
    return err;
}
