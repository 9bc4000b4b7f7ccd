#include "http/proxies.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "base/text.h"

enum { V4_AT = 12, V4_BITS_BEFORE = 96 };

struct network {
    struct in6_addr address;
    unsigned bits;
};

struct http_proxies {
    size_t count;
    struct network networks[];
};

/* --- addresses ------------------------------------------------------------------------------ */

/* Reads an address of either kind, of len characters; *first is where its own bits begin. */
static bool read_address(const char *text, size_t len, struct in6_addr *out, unsigned *first)
{
    static const unsigned char mapped[V4_AT] = {[10] = 0xFF, [11] = 0xFF};
    char copy[INET6_ADDRSTRLEN];
    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (strlen(copy) != len)
        return false;
    *first = 0;
    if (inet_pton(AF_INET6, copy, out) == 1)
        return true;
    memcpy(out->s6_addr, mapped, sizeof(mapped));
    *first = V4_BITS_BEFORE;
    return inet_pton(AF_INET, copy, out->s6_addr + V4_AT) == 1;
}

/* Keeps the first bits of an address. */
static struct in6_addr prefix_of(const struct in6_addr *address, unsigned bits)
{
    struct in6_addr prefix = *address;
    for (unsigned i = 0; i < sizeof(prefix.s6_addr); i++) {
        unsigned kept = bits > 8 * i ? bits - 8 * i : 0;
        if (kept < 8)
            prefix.s6_addr[i] &= (unsigned char)(0xFF00U >> kept);
    }
    return prefix;
}

static bool is_same(const struct in6_addr *a, const struct in6_addr *b)
{
    return memcmp(a->s6_addr, b->s6_addr, sizeof(a->s6_addr)) == 0;
}

static bool read_network(const char *text, struct network *out)
{
    unsigned first = 0;
    const char *slash = strchr(text, '/');
    size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
    if (!read_address(text, len, &out->address, &first))
        return false;
    int64_t bits = 128 - first;
    if (slash != NULL && !text_to_number(slash + 1, 0, bits, &bits))
        return false;
    out->bits = first + (unsigned)bits;
    struct in6_addr prefix = prefix_of(&out->address, out->bits);
    return is_same(&prefix, &out->address);
}

/* --- the list ------------------------------------------------------------------------------- */

enum idp_err http_proxies_new(const char *const list[], size_t *bad, struct http_proxies **out)
{
    size_t count = 0;
    while (list[count] != NULL)
        count++;
    struct http_proxies *proxies = calloc(1, sizeof(*proxies) + count * sizeof(struct network));
    if (proxies == NULL)
        return IDP_FAULT;
    for (; proxies->count < count; proxies->count++) {
        if (read_network(list[proxies->count], &proxies->networks[proxies->count]))
            continue;
        *bad = proxies->count;
        free(proxies);
        return IDP_BAD_REQUEST;
    }
    *out = proxies;
    return IDP_OK;
}

void http_proxies_free(struct http_proxies *proxies)
{
    free(proxies);
}

bool http_proxies_have(const struct http_proxies *proxies, const struct in6_addr *address)
{
    for (size_t i = 0; i < proxies->count; i++) {
        struct in6_addr prefix = prefix_of(address, proxies->networks[i].bits);
        if (is_same(&prefix, &proxies->networks[i].address))
            return true;
    }
    return false;
}

/* --- the header ----------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the last element off a list of *len characters (RFC 9110 section 5.6.1): where it begins;
 * *element is its length. *len becomes that of what is left, SIZE_MAX when that is nothing. */
static const char *take_last(const char *line, size_t *len, size_t *element)
{
    size_t begin = *len;
    while (begin > 0 && line[begin - 1] != ',')
        begin--;
    size_t end = *len;
    *len = begin > 0 ? begin - 1 : SIZE_MAX;
    while (begin < end && is_space(line[begin]))
        begin++;
    while (end > begin && is_space(line[end - 1]))
        end--;
    *element = end - begin;
    return line + begin;
}

enum idp_err http_proxies_client(const struct http_proxies *proxies, const char *const lines[],
                                 size_t count, struct in6_addr *out)
{
    struct in6_addr address;
    unsigned first = 0;
    int hops = 0;
    if (count == 0)
        return IDP_NOT_FOUND;
    for (size_t i = count; i-- > 0;) {
        for (size_t len = strlen(lines[i]), element = 0; len != SIZE_MAX;) {
            const char *text = take_last(lines[i], &len, &element);
            if (hops++ == HTTP_FORWARDED_HOPS_MAX || !read_address(text, element, &address, &first))
                return IDP_BAD_REQUEST;
            *out = address;
            if (!http_proxies_have(proxies, &address))
                return IDP_OK;
        }
    }
    return IDP_OK;
}
