#include "base/text.h"

#include <string.h>

#include <openssl/crypto.h>

bool text_same_secret(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}

bool text_same_secret_string(const char *a, const char *b)
{
    size_t n = strlen(a);
    return n == strlen(b) && text_same_secret(a, b, n);
}

const char *text_list_next(const char **at, size_t *len)
{
    const char *s = *at;
    if (s == NULL)
        return NULL;
    s += strspn(s, " ");
    *len = strcspn(s, " ");
    *at = s + *len;
    return *len > 0 ? s : NULL;
}

bool text_list_has(const char *list, const char *word)
{
    size_t len = 0;
    size_t wanted = strlen(word);
    const char *found = NULL;
    while ((found = text_list_next(&list, &len)) != NULL)
        if (len == wanted && memcmp(found, word, len) == 0)
            return true;
    return false;
}

/* How many bytes follow a first byte, or -1; *least is the smallest code point of that length. */
static int followers(unsigned char c, uint32_t *least)
{
    if (c >= 0xC2 && c <= 0xDF)
        return *least = 0x80, 1;
    if ((c & 0xF0) == 0xE0)
        return *least = 0x800, 2;
    if (c >= 0xF0 && c <= 0xF4)
        return *least = 0x10000, 3;
    return -1;
}

size_t text_character(const char *text, size_t left)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80)
        return s[0] >= 0x20 && s[0] != 0x7F;
    uint32_t least = 0;
    int more = followers(s[0], &least);
    if (more < 0 || (size_t)more >= left)
        return 0;
    uint32_t point = s[0] & (0x3Fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (s[i] & 0x3Fu);
    }
    bool fine = point >= least && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF) &&
                point >= 0xA0; /* U+0080 to U+009F are control characters */
    return fine ? (size_t)more + 1 : 0;
}

bool text_is_clean_utf8(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = text_character(s + i, len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

bool text_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_to_number(const char *s, int64_t min, int64_t max, int64_t *out)
{
    int64_t n = 0;
    size_t len = strlen(s);
    if (len == 0 || len > 18)
        return false;
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s > '9')
            return false;
        n = n * 10 + (*s - '0');
    }
    if (n < min || n > max)
        return false;
    *out = n;
    return true;
}

size_t text_escape_uri(const char *s, char *out)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (strchr(plain, c) != NULL) {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '%';
        out[n++] = digits[c >> 4];
        out[n++] = digits[c & 15];
    }
    return n;
}

void text_to_hex(const unsigned char *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool text_from_hex(const char *s, unsigned char *out, size_t n)
{
    if (strlen(s) != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(s[2 * i]);
        int low = hex_digit(s[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}
