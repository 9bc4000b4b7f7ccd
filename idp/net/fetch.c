#include "net/fetch.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/lane.h"
#include "net/address.h"
#include "net/resolve.h"

enum {
    HOST_MAX = 253, /* RFC 1035 section 2.3.4 */
    PIN_MAX = HOST_MAX + 16 + NET_ADDRESSES_MAX * (INET6_ADDRSTRLEN + 3),
    FIRST_ROOM = 4096,
};

struct net {
    char **allow; /* ends with NULL */
    struct net_resolver resolver;
};

/* One request on its way. */
struct exchange {
    const struct net_request *request;
    char host[HOST_MAX + 3]; /* as in the URL, without brackets */
    char port[6];
    bool is_plain; /* http */
    struct net_addresses addresses;
    bool denied, full, no_memory;
    unsigned char *body;
    size_t len, room;
};

static pthread_once_t started = PTHREAD_ONCE_INIT;
static pthread_key_t handles; /* one CURL handle for each thread */

static void drop_handle(void *handle)
{
    curl_easy_cleanup(handle);
}

static void start(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        pthread_key_create(&handles, drop_handle) != 0)
        abort(); /* at the start of the program, out of memory */
}

/* --- the allow-list ------------------------------------------------------------------------- */

static char **copy_list(const char *const *list)
{
    size_t n = 0;
    while (list[n] != NULL)
        n++;
    char **copy = calloc(n + 1, sizeof(*copy));
    for (size_t i = 0; i < n && copy != NULL; i++)
        copy[i] = strdup(list[i]);
    return copy;
}

enum idp_err net_new(const char *const *allow, struct net **out)
{
    static const char *const nothing[] = {NULL};
    (void)pthread_once(&started, start);
    struct net *net = calloc(1, sizeof(*net));
    if (net == NULL)
        return IDP_FAULT;
    net->resolver = net_system_resolver;
    net->allow = copy_list(allow != NULL ? allow : nothing);
    if (net->allow == NULL) {
        free(net);
        return IDP_FAULT;
    }
    *out = net;
    return IDP_OK;
}

void net_free(struct net *net)
{
    if (net == NULL)
        return;
    for (size_t i = 0; net->allow[i] != NULL; i++)
        free(net->allow[i]);
    free((void *)net->allow);
    free(net);
}

void net_set_resolver(struct net *net, struct net_resolver resolver)
{
    net->resolver = resolver;
}

/* "host:port" with the brackets of a numeric IPv6 host, as it stands in an address. */
static bool is_allowed(const struct net *net, const struct exchange *exchange)
{
    char text[sizeof(exchange->host) + sizeof(exchange->port) + 3];
    bool six = strchr(exchange->host, ':') != NULL;
    (void)snprintf(text, sizeof(text), "%s%s%s:%s", six ? "[" : "", exchange->host, six ? "]" : "",
                   exchange->port);
    for (size_t i = 0; net->allow[i] != NULL; i++)
        if (strcasecmp(net->allow[i], text) == 0)
            return true;
    return false;
}

/* --- the address ---------------------------------------------------------------------------- */

static bool copy_part(CURLU *url, CURLUPart part, char *out, size_t size)
{
    char *text = NULL;
    if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return false;
    size_t len = strlen(text);
    bool fits = len > 0 && len < size;
    if (fits)
        memcpy(out, text, len + 1);
    curl_free(text);
    return fits;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool found = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return found;
}

static void take_off_brackets(char *host)
{
    size_t len = strlen(host);
    if (len < 2 || host[0] != '[' || host[len - 1] != ']')
        return;
    memmove(host, host + 1, len - 2);
    host[len - 2] = '\0';
}

static enum idp_err split_url(struct exchange *exchange)
{
    char scheme[8];
    CURLU *url = curl_url();
    if (url == NULL)
        return IDP_FAULT;
    bool good = curl_url_set(url, CURLUPART_URL, exchange->request->url, 0) == CURLUE_OK &&
                copy_part(url, CURLUPART_SCHEME, scheme, sizeof(scheme)) &&
                copy_part(url, CURLUPART_HOST, exchange->host, sizeof(exchange->host)) &&
                copy_part(url, CURLUPART_PORT, exchange->port, sizeof(exchange->port)) &&
                !has_part(url, CURLUPART_USER) && !has_part(url, CURLUPART_PASSWORD) &&
                !has_part(url, CURLUPART_ZONEID);
    curl_url_cleanup(url);
    if (!good || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return IDP_DENIED;
    take_off_brackets(exchange->host);
    exchange->is_plain = strcmp(scheme, "http") == 0;
    return IDP_OK;
}

/* Resolves the host once, and refuses it when any of its addresses is not of the public Internet.
 */
static enum idp_err find_addresses(const struct net *net, struct exchange *exchange,
                                   unsigned deadline_ms)
{
    bool allowed = is_allowed(net, exchange);
    if (exchange->is_plain && !allowed)
        return IDP_DENIED;
    enum idp_err err = net->resolver.resolve(net->resolver.context, exchange->host, deadline_ms,
                                             &exchange->addresses);
    if (err != IDP_OK)
        return err;
    for (size_t i = 0; i < exchange->addresses.count && !allowed; i++)
        if (!net_address_is_global((const struct sockaddr *)&exchange->addresses.list[i]))
            return IDP_DENIED;
    return IDP_OK;
}

/* --- the transfer --------------------------------------------------------------------------- */

/* The last gate: only an address that was checked is ever connected to. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct exchange *exchange = context;
    (void)purpose;
    for (size_t i = 0; i < exchange->addresses.count; i++)
        if (net_address_is_same(&address->addr,
                                (const struct sockaddr *)&exchange->addresses.list[i]))
            return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    exchange->denied = true;
    return CURL_SOCKET_BAD;
}

static bool make_room(struct exchange *exchange, size_t wanted)
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

static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    size_t n = size * count;
    exchange->full = n > exchange->request->answer_max - exchange->len;
    if (exchange->full)
        return 0;
    exchange->no_memory = !make_room(exchange, exchange->len + n);
    if (exchange->no_memory)
        return 0;
    memcpy(exchange->body + exchange->len, bytes, n);
    exchange->len += n;
    return n;
}

/* host:port:address,address for CURLOPT_RESOLVE, so that curl asks no name server. */
static struct curl_slist *pin(const struct exchange *exchange)
{
    char text[PIN_MAX];
    size_t n = (size_t)snprintf(text, sizeof(text), "%s:%s:", exchange->host, exchange->port);
    for (size_t i = 0; i < exchange->addresses.count; i++) {
        char address[INET6_ADDRSTRLEN];
        const struct sockaddr_storage *from = &exchange->addresses.list[i];
        const void *bytes = from->ss_family == AF_INET
                                ? (const void *)&((const struct sockaddr_in *)from)->sin_addr
                                : (const void *)&((const struct sockaddr_in6 *)from)->sin6_addr;
        if (inet_ntop(from->ss_family, bytes, address, sizeof(address)) == NULL)
            return NULL;
        bool six = from->ss_family == AF_INET6;
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%s", i > 0 ? "," : "",
                              six ? "[" : "", address, six ? "]" : "");
    }
    return curl_slist_append(NULL, text);
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
    return list;
}

static bool set_limits(CURL *handle, const struct net_request *request, unsigned deadline_ms)
{
    return curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)deadline_ms) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
               CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->answer_max) ==
               CURLE_OK;
}

static bool set_request(CURL *handle, struct exchange *exchange)
{
    const struct net_request *request = exchange->request;
    bool good = curl_easy_setopt(handle, CURLOPT_URL, request->url) == CURLE_OK &&
                curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
                curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, exchange) == CURLE_OK &&
                curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive) == CURLE_OK &&
                curl_easy_setopt(handle, CURLOPT_WRITEDATA, exchange) == CURLE_OK;
    if (!good || request->content_type == NULL)
        return good;
    return curl_easy_setopt(handle, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len) ==
               CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_POSTFIELDS,
                            request->body_len > 0 ? request->body : "") == CURLE_OK;
}

static enum idp_err outcome(const struct exchange *exchange, CURLcode code)
{
    if (code == CURLE_OK)
        return IDP_OK;
    if (exchange->denied)
        return IDP_DENIED;
    if (exchange->full || code == CURLE_FILESIZE_EXCEEDED)
        return IDP_FULL;
    return exchange->no_memory || code == CURLE_OUT_OF_MEMORY ? IDP_FAULT : IDP_UNAVAILABLE;
}

static enum idp_err take_answer(CURL *handle, struct arena *arena, const struct exchange *exchange,
                                struct net_answer *out)
{
    struct net_answer answer = {.body_len = exchange->len};
    char *content_type = NULL;
    if (curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer.status) != CURLE_OK ||
        curl_easy_getinfo(handle, CURLINFO_CONTENT_TYPE, &content_type) != CURLE_OK)
        return IDP_UNAVAILABLE;
    answer.content_type = arena_strdup(arena, content_type);
    answer.body =
        arena_copy(arena, exchange->len > 0 ? exchange->body : (const void *)"", exchange->len);
    if (answer.body == NULL || (content_type != NULL && answer.content_type == NULL))
        return IDP_FAULT;
    *out = answer;
    return IDP_OK;
}

static enum idp_err transfer(CURL *handle, struct arena *arena, struct exchange *exchange,
                             unsigned deadline_ms, struct net_answer *out)
{
    struct curl_slist *headers = headers_of(exchange->request);
    /* A numeric IPv6 host needs no name server, and its colons would be misread. */
    bool is_name = strchr(exchange->host, ':') == NULL;
    struct curl_slist *pins = is_name ? pin(exchange) : NULL;
    enum idp_err err = IDP_FAULT;
    if (headers != NULL && (pins != NULL || !is_name) &&
        set_limits(handle, exchange->request, deadline_ms) && set_request(handle, exchange) &&
        curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_RESOLVE, pins) == CURLE_OK)
        err = outcome(exchange, curl_easy_perform(handle));
    if (err == IDP_OK)
        err = take_answer(handle, arena, exchange, out);
    curl_easy_reset(handle); /* keeps the connections, forgets everything borrowed */
    curl_slist_free_all(headers);
    curl_slist_free_all(pins);
    free(exchange->body);
    return err;
}

/* This thread's handle, or NULL when there is no memory. */
static CURL *take_handle(void)
{
    CURL *handle = pthread_getspecific(handles);
    if (handle != NULL)
        return handle;
    handle = curl_easy_init();
    if (handle == NULL || pthread_setspecific(handles, handle) == 0)
        return handle;
    curl_easy_cleanup(handle);
    return NULL;
}

enum idp_err net_fetch(struct net *net, struct arena *arena, const struct net_request *request,
                       struct net_answer *out)
{
    struct exchange exchange = {.request = request};
    int64_t end = clock_ticks_ms() + request->deadline_ms;
    if (!lane_may_wait())
        return IDP_WAIT;
    enum idp_err err = split_url(&exchange);
    if (err == IDP_OK)
        err = find_addresses(net, &exchange, request->deadline_ms);
    if (err != IDP_OK)
        return err;
    int64_t left = end - clock_ticks_ms();
    if (left <= 0)
        return IDP_UNAVAILABLE;
    CURL *handle = take_handle();
    if (handle == NULL)
        return IDP_FAULT;
    return transfer(handle, arena, &exchange, (unsigned)left, out);
}
