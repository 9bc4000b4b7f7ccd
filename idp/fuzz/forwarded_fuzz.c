/* Feeds any text to what reads X-Forwarded-For, a line each, and traceparent. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/peer.h"
#include "http/proxies.h"
#include "http/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Who asks has to be somebody: with a text, and no proxy unless the whole list is proxies. */
static void check(const struct http_proxies *proxies, const char *const lines[], size_t count)
{
    struct in6_addr client;
    struct http_peer peer;
    if (http_proxies_client(proxies, lines, count, &client) != IDP_OK)
        return;
    http_peer_describe_bytes(&client, &peer);
    if (peer.address[0] == '\0' || peer.network[0] == '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const list[] = {"10.0.0.0/8", "fd00::/8", NULL};
    const char *lines[HTTP_FORWARDED_LINES_MAX];
    size_t count = 0;
    size_t bad = 0;
    char trace[HTTP_TRACE_LEN + 1];
    struct http_proxies *proxies = NULL;
    char *text = malloc(size + 1); /* of exact size, so that ASan sees a byte too many read */
    if (text != NULL && http_proxies_new(list, &bad, &proxies) == IDP_OK) {
        memcpy(text, data, size);
        text[size] = '\0';
        if (http_trace_read(text, trace) && strlen(trace) != HTTP_TRACE_LEN)
            abort();
        char *next = text;
        for (; next != NULL && count < HTTP_FORWARDED_LINES_MAX; count++) {
            lines[count] = next;
            next = strchr(next, '\n');
            if (next != NULL)
                *next++ = '\0';
        }
        check(proxies, lines, count);
    }
    http_proxies_free(proxies);
    free(text);
    return 0;
}
