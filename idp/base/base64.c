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

/* What a character stands for: six bits, and in which of the two alphabets it does; 0: in none. */
enum { URL = 0x40, STD = 0x80, BOTH = URL | STD };
static const unsigned char values[256] = {
    ['A'] = BOTH | 0,  ['B'] = BOTH | 1,  ['C'] = BOTH | 2,  ['D'] = BOTH | 3,  ['E'] = BOTH | 4,
    ['F'] = BOTH | 5,  ['G'] = BOTH | 6,  ['H'] = BOTH | 7,  ['I'] = BOTH | 8,  ['J'] = BOTH | 9,
    ['K'] = BOTH | 10, ['L'] = BOTH | 11, ['M'] = BOTH | 12, ['N'] = BOTH | 13, ['O'] = BOTH | 14,
    ['P'] = BOTH | 15, ['Q'] = BOTH | 16, ['R'] = BOTH | 17, ['S'] = BOTH | 18, ['T'] = BOTH | 19,
    ['U'] = BOTH | 20, ['V'] = BOTH | 21, ['W'] = BOTH | 22, ['X'] = BOTH | 23, ['Y'] = BOTH | 24,
    ['Z'] = BOTH | 25, ['a'] = BOTH | 26, ['b'] = BOTH | 27, ['c'] = BOTH | 28, ['d'] = BOTH | 29,
    ['e'] = BOTH | 30, ['f'] = BOTH | 31, ['g'] = BOTH | 32, ['h'] = BOTH | 33, ['i'] = BOTH | 34,
    ['j'] = BOTH | 35, ['k'] = BOTH | 36, ['l'] = BOTH | 37, ['m'] = BOTH | 38, ['n'] = BOTH | 39,
    ['o'] = BOTH | 40, ['p'] = BOTH | 41, ['q'] = BOTH | 42, ['r'] = BOTH | 43, ['s'] = BOTH | 44,
    ['t'] = BOTH | 45, ['u'] = BOTH | 46, ['v'] = BOTH | 47, ['w'] = BOTH | 48, ['x'] = BOTH | 49,
    ['y'] = BOTH | 50, ['z'] = BOTH | 51, ['0'] = BOTH | 52, ['1'] = BOTH | 53, ['2'] = BOTH | 54,
    ['3'] = BOTH | 55, ['4'] = BOTH | 56, ['5'] = BOTH | 57, ['6'] = BOTH | 58, ['7'] = BOTH | 59,
    ['8'] = BOTH | 60, ['9'] = BOTH | 61, ['-'] = URL | 62,  ['_'] = URL | 63,  ['+'] = STD | 62,
    ['/'] = STD | 63,
};

static uint32_t value(char c)
{
    return values[(unsigned char)c];
}

/* The last two or three characters of a text, which stand for one or two bytes. */
static enum idp_err decode_rest(const char *text, size_t len, uint32_t alphabet, unsigned char *out)
{
    uint32_t a = value(text[0]), b = value(text[1]), c = len == 3 ? value(text[2]) : BOTH;
    uint32_t v = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6;
    uint32_t unused = len == 3 ? 0xC0 : 0xF000; /* bits that belong to no byte are zero */
    if ((a & b & c & alphabet) == 0 || (v & unused) != 0)
        return IDP_BAD_REQUEST;
    out[0] = (unsigned char)(v >> 16);
    if (len == 3)
        out[1] = (unsigned char)(v >> 8);
    return IDP_OK;
}

static size_t decoded_size(size_t len)
{
    return len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1);
}

static enum idp_err decode(const char *text, size_t len, uint32_t alphabet, unsigned char *out,
                           size_t max)
{
    uint32_t known = BOTH;
    if (len % 4 == 1 || decoded_size(len) > max)
        return IDP_BAD_REQUEST;
    for (; len >= 4; len -= 4, text += 4, out += 3) {
        uint32_t a = value(text[0]), b = value(text[1]), c = value(text[2]), d = value(text[3]);
        uint32_t v = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63);
        known &= a & b & c & d;
        out[0] = (unsigned char)(v >> 16);
        out[1] = (unsigned char)(v >> 8);
        out[2] = (unsigned char)v;
    }
    if ((known & alphabet) == 0)
        return IDP_BAD_REQUEST;
    return len > 0 ? decode_rest(text, len, alphabet, out) : IDP_OK;
}

enum idp_err base64url_decode(const char *text, size_t len, void *out, size_t max, size_t *n)
{
    enum idp_err err = decode(text, len, URL, out, max);
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
    enum idp_err err = decode(text, len, STD, out, max);
    if (err == IDP_OK)
        *n = decoded_size(len);
    return err;
}
