/*
 * Addresses: https with a host, nothing clever. Parsed with libcurl's own parser, because it is
 * libcurl that will use them.
 */
#include "rp/address.h"

#include <string.h>

#include <curl/curl.h>

#include "base/text.h"

enum { ADDRESS_MAX = 2048 };

static bool is_plain(const char *s)
{
    size_t len = strlen(s);
    for (size_t i = 0; i < len; i++)
        if (s[i] <= ' ' || s[i] > '~' || s[i] == '\\' || s[i] == '"' || s[i] == '<' || s[i] == '>')
            return false;
    return len > 0 && len <= ADDRESS_MAX;
}

static bool is_loopback(const char *host)
{
    size_t at = 0;
    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    if (!text_starts(host, "127."))
        return false;
    for (; host[at] != '\0'; at++)
        if ((host[at] < '0' || host[at] > '9') && host[at] != '.')
            return false;
    return at <= strlen("127.255.255.255");
}

/* Says whether the part is there at all. */
static bool has(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    bool there = curl_url_get(u, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return there;
}

static bool scheme_fits(CURLU *u, bool development)
{
    char *scheme = NULL;
    char *host = NULL;
    bool fits = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && host[0] != '\0' &&
                (strcmp(scheme, "https") == 0 ||
                 (development && strcmp(scheme, "http") == 0 && is_loopback(host)));
    curl_free(scheme);
    curl_free(host);
    return fits;
}

bool rp_address_is_safe(const char *url, bool development)
{
    if (!is_plain(url) || (!text_starts(url, "https://") && !text_starts(url, "http://")))
        return false;
    CURLU *u = curl_url();
    bool safe = u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
                scheme_fits(u, development) && !has(u, CURLUPART_USER) &&
                !has(u, CURLUPART_PASSWORD) && strchr(url, '#') == NULL;
    curl_url_cleanup(u);
    return safe;
}

size_t rp_address_origin_len(const char *url)
{
    size_t scheme = strcspn(url, ":") + strlen("://");
    return scheme + strcspn(url + scheme, "/?#");
}

bool rp_address_is_own(const char *url, const char *own)
{
    size_t len = rp_address_origin_len(own);
    return is_plain(url) && strncmp(url, own, len) == 0 &&
           (url[len] == '\0' || url[len] == '/' || url[len] == '?');
}
