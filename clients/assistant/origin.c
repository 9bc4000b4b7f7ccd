#include "assistant/origin.h"

#include <string.h>

#include "base/text.h"

static const char https[] = "https://";
static const char http[] = "http://";
static const char host_characters[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
static const char address_characters[] = "0123456789abcdef:.";

/* Where the host begins, or NULL for another scheme. */
static const char *host_of(const char *text)
{
    if (text_starts(text, https))
        return text + sizeof(https) - 1;
    return text_starts(text, http) ? text + sizeof(http) - 1 : NULL;
}

/* The length of a name, an IPv4 address or a bracketed IPv6 address; 0 when there is none. */
static size_t host_length(const char *host)
{
    if (*host != '[')
        return *host == '-' || *host == '.' ? 0 : strspn(host, host_characters);
    size_t len = strspn(host + 1, address_characters);
    return len >= 2 && host[1 + len] == ']' ? len + 2 : 0;
}

static bool is_port(const char *text, bool is_http)
{
    int64_t port = 0;
    if (*text == '0' || !text_to_number(text, 1, 65535, &port))
        return false;
    return port != (is_http ? 80 : 443);
}

bool origin_is_well_formed(const char *text)
{
    const char *host = host_of(text);
    size_t len = host != NULL ? host_length(host) : 0;
    if (len == 0 || strlen(text) >= ORIGIN_MAX)
        return false;
    const char *rest = host + len;
    return *rest == '\0' || (*rest == ':' && is_port(rest + 1, origin_is_http(text)));
}

bool origin_is_http(const char *text)
{
    return text_starts(text, http);
}

static bool host_is(const char *host, const char *name)
{
    size_t len = strlen(name);
    return strncmp(host, name, len) == 0 && (host[len] == '\0' || host[len] == ':');
}

/* 127. and three more numbers: a name such as 127.0.0.1.example is no address. */
static bool is_loopback_v4(const char *host)
{
    int dots = 0;
    if (!text_starts(host, "127."))
        return false;
    for (; *host != '\0' && *host != ':'; host++) {
        if (*host == '.')
            dots++;
        else if (*host < '0' || *host > '9')
            return false;
    }
    return dots == 3;
}

bool origin_is_loopback(const char *text)
{
    const char *host = host_of(text);
    return host != NULL &&
           (host_is(host, "localhost") || host_is(host, "[::1]") || is_loopback_v4(host));
}
