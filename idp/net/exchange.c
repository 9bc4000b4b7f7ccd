#include "net/exchange.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "net/address.h"

enum { FIRST_ROOM = 4096, STALL_BYTES = 1024, STALL_S = 10, HEADERS_MAX = 64 * 1024 };

/* Resolves the host once, and refuses it when any of its addresses is not of the public Internet.
 */
static enum idp_err find_addresses(const struct net *net, struct net_exchange *exchange,
                                   unsigned deadline_ms)
{
    struct net_target *target = &exchange->target;
    bool allowed = net_target_is_allowed(net, exchange->request->allow, target);
    if (strcmp(target->scheme, "http") == 0 && !allowed && !exchange->request->plain)
        return IDP_DENIED;
    enum idp_err err = net_target_resolve(net, target, deadline_ms);
    if (err != IDP_OK)
        return err;
    for (size_t i = 0; i < target->addresses.count && !allowed; i++)
        if (!net_address_is_global((const struct sockaddr *)&target->addresses.list[i]))
            return IDP_DENIED;
    return IDP_OK;
}

/* --- the transfer --------------------------------------------------------------------------- */

static bool make_room(struct net_exchange *exchange, size_t wanted)
{
    size_t room = exchange->room > 0 ? exchange->room : FIRST_ROOM;
    while (room < wanted)
        room *= 2;
    if (room == exchange->room)
        return true;
    unsigned char *body = realloc(exchange->body, room);
    if (body == NULL)
        return false;
    exchange->body = body;
    exchange->room = room;
    return true;
}

static bool hold(struct net_exchange *exchange, const char *bytes, size_t n)
{
    exchange->no_memory = !make_room(exchange, exchange->len + n);
    if (!exchange->no_memory)
        memcpy(exchange->body + exchange->len, bytes, n);
    return !exchange->no_memory;
}

static bool write_out(struct net_exchange *exchange, const char *bytes, size_t n)
{
    size_t done = 0;
    while (done < n && !exchange->unwritable) {
        ssize_t written = write(*exchange->request->file, bytes + done, n - done);
        exchange->unwritable = written <= 0;
        done += written > 0 ? (size_t)written : 0;
    }
    return !exchange->unwritable;
}

static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
    struct net_exchange *exchange = context;
    size_t n = size * count;
    exchange->full = n > exchange->request->answer_max - exchange->len;
    if (exchange->full)
        return 0;
    bool good =
        exchange->request->file != NULL ? write_out(exchange, bytes, n) : hold(exchange, bytes, n);
    if (!good)
        return 0;
    exchange->len += n;
    return n;
}

/* curl bounds the headers, but keeps as many behind the body as are sent (RFC 9112 section 7.1.2).
 */
static size_t receive_header(const char *bytes, size_t size, size_t count, void *context)
{
    struct net_exchange *exchange = context;
    size_t n = size * count;
    (void)bytes;
    exchange->full = n > HEADERS_MAX - exchange->headers_len;
    if (exchange->full)
        return 0;
    exchange->headers_len += n;
    return n;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
    char line[512];
    int n = snprintf(line, sizeof(line), "%s: %s", name, value);
    struct curl_slist *longer =
        n > 0 && (size_t)n < sizeof(line) ? curl_slist_append(list, line) : NULL;
    if (longer == NULL)
        curl_slist_free_all(list);
    return longer;
}

/* Returns NULL when there is no memory. "Expect:" keeps curl from waiting for 100 Continue. */
static struct curl_slist *headers_of(const struct net_request *request)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    if (list != NULL && request->content_type != NULL)
        list = add_header(list, "Content-Type", request->content_type);
    if (list != NULL && request->accept != NULL)
        list = add_header(list, "Accept", request->accept);
    if (list != NULL && request->if_none_match != NULL)
        list = add_header(list, "If-None-Match", request->if_none_match);
    if (list != NULL && request->if_modified_since != NULL)
        list = add_header(list, "If-Modified-Since", request->if_modified_since);
    return list;
}

static bool set_limits(CURL *handle, const struct net_request *request)
{
    long stall_bytes = request->file != NULL ? STALL_BYTES : 0;
    long stall_s = request->file != NULL ? STALL_S : 0;
    return curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, stall_bytes) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, stall_s) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
               CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->answer_max) ==
               CURLE_OK;
}

static bool set_request(CURL *handle, struct net_exchange *exchange)
{
    const struct net_request *request = exchange->request;
    bool good = curl_easy_setopt(handle, CURLOPT_URL, request->url) == CURLE_OK &&
                curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive) == CURLE_OK &&
                curl_easy_setopt(handle, CURLOPT_WRITEDATA, exchange) == CURLE_OK &&
                curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, receive_header) == CURLE_OK &&
                curl_easy_setopt(handle, CURLOPT_HEADERDATA, exchange) == CURLE_OK;
    if (!good || request->content_type == NULL)
        return good;
    return curl_easy_setopt(handle, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len) ==
               CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_POSTFIELDS,
                            request->body_len > 0 ? request->body : "") == CURLE_OK;
}

static enum idp_err error_of(const struct net_exchange *exchange, CURLcode code)
{
    if (code == CURLE_OK)
        return IDP_OK;
    if (exchange->target.denied)
        return IDP_DENIED;
    if (exchange->full || code == CURLE_FILESIZE_EXCEEDED)
        return IDP_FULL;
    bool ours = exchange->no_memory || exchange->unwritable || code == CURLE_OUT_OF_MEMORY;
    return ours ? IDP_FAULT : IDP_UNAVAILABLE;
}

/* A header of the answer, as it may be sent back: one of its kind, and no longer than is usual. */
static enum idp_err take_header(CURL *handle, struct arena *arena, const char *name,
                                const char **out)
{
    struct curl_header *header = NULL;
    *out = NULL;
    if (curl_easy_header(handle, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
        header->amount != 1 || strlen(header->value) > NET_VALIDATOR_MAX)
        return IDP_OK;
    *out = arena_strdup(arena, header->value);
    return *out != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err take_body(struct arena *arena, const struct net_exchange *exchange,
                              struct net_answer *out)
{
    if (exchange->request->file != NULL)
        return IDP_OK;
    out->body =
        arena_copy(arena, exchange->len > 0 ? exchange->body : (const void *)"", exchange->len);
    return out->body != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err take_answer(CURL *handle, struct arena *arena,
                                const struct net_exchange *exchange, struct net_answer *out)
{
    struct net_answer answer = {.body_len = exchange->len};
    char *content_type = NULL;
    if (curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer.status) != CURLE_OK ||
        curl_easy_getinfo(handle, CURLINFO_CONTENT_TYPE, &content_type) != CURLE_OK)
        return IDP_UNAVAILABLE;
    answer.content_type = arena_strdup(arena, content_type);
    enum idp_err err = content_type != NULL && answer.content_type == NULL ? IDP_FAULT : IDP_OK;
    if (err == IDP_OK)
        err = take_header(handle, arena, "ETag", &answer.etag);
    if (err == IDP_OK)
        err = take_header(handle, arena, "Last-Modified", &answer.last_modified);
    if (err == IDP_OK)
        err = take_body(arena, exchange, &answer);
    if (err == IDP_OK)
        *out = answer;
    return err;
}

enum idp_err net_exchange_aim(struct net *net, const struct net_request *request,
                              unsigned deadline_ms, struct net_exchange *out)
{
    *out = (struct net_exchange){.request = request};
    enum idp_err err = net_target_read(request->url, "http https", &out->target);
    return err == IDP_OK ? find_addresses(net, out, deadline_ms) : err;
}

enum idp_err net_exchange_bind(struct net_exchange *exchange, struct net *net, CURL *handle,
                               unsigned deadline_ms)
{
    exchange->headers = headers_of(exchange->request);
    bool good = exchange->headers != NULL &&
                net_target_bind(handle, net, &exchange->target, deadline_ms, &exchange->pins) &&
                set_limits(handle, exchange->request) && set_request(handle, exchange) &&
                curl_easy_setopt(handle, CURLOPT_HTTPHEADER, exchange->headers) == CURLE_OK;
    return good ? IDP_OK : IDP_FAULT;
}

enum idp_err net_exchange_outcome(const struct net_exchange *exchange, CURL *handle, CURLcode code,
                                  struct arena *arena, struct net_answer *out)
{
    enum idp_err err = error_of(exchange, code);
    return err == IDP_OK ? take_answer(handle, arena, exchange, out) : err;
}

void net_exchange_clear(struct net_exchange *exchange)
{
    curl_slist_free_all(exchange->headers);
    curl_slist_free_all(exchange->pins);
    free(exchange->body);
}
