#include "net/target.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/text.h"
#include "net/address.h"

enum { PIN_MAX = NET_HOST_MAX + 16 + NET_ADDRESSES_MAX * (INET6_ADDRSTRLEN + 3) };

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

void net_start(void)
{
    (void)pthread_once(&started, start);
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

enum idp_err net_target_read(const char *url, const char *schemes, struct net_target *out)
{
    *out = (struct net_target){.denied = false};
    CURLU *parts = curl_url();
    if (parts == NULL)
        return IDP_FAULT;
    bool good = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                copy_part(parts, CURLUPART_SCHEME, out->scheme, sizeof(out->scheme)) &&
                copy_part(parts, CURLUPART_HOST, out->host, sizeof(out->host)) &&
                copy_part(parts, CURLUPART_PORT, out->port, sizeof(out->port)) &&
                !has_part(parts, CURLUPART_USER) && !has_part(parts, CURLUPART_PASSWORD) &&
                !has_part(parts, CURLUPART_ZONEID);
    curl_url_cleanup(parts);
    if (!good || !text_list_has(schemes, out->scheme))
        return IDP_DENIED;
    take_off_brackets(out->host);
    return IDP_OK;
}

static bool is_listed(const char *const *list, const char *text)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        if (strcasecmp(list[i], text) == 0)
            return true;
    return false;
}

/* "host:port" with the brackets of a numeric IPv6 host, as it stands in an address. */
bool net_target_is_allowed(const struct net *net, const char *const *more,
                           const struct net_target *target)
{
    char text[sizeof(target->host) + sizeof(target->port) + 3];
    bool six = strchr(target->host, ':') != NULL;
    (void)snprintf(text, sizeof(text), "%s%s%s:%s", six ? "[" : "", target->host, six ? "]" : "",
                   target->port);
    return is_listed((const char *const *)net->allow, text) || is_listed(more, text);
}

enum idp_err net_target_resolve(const struct net *net, struct net_target *target,
                                unsigned deadline_ms)
{
    return net->resolver.resolve(net->resolver.context, target->host, deadline_ms,
                                 &target->addresses);
}

/* --- curl ----------------------------------------------------------------------------------- */

/* The last gate: only an address that was checked is ever connected to. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct net_target *target = context;
    (void)purpose;
    for (size_t i = 0; i < target->addresses.count; i++)
        if (net_address_is_same(&address->addr,
                                (const struct sockaddr *)&target->addresses.list[i]))
            return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    target->denied = true;
    return CURL_SOCKET_BAD;
}

/* host:port:address,address for CURLOPT_RESOLVE, so that curl asks no name server. */
static struct curl_slist *pin(const struct net_target *target)
{
    char text[PIN_MAX];
    size_t n = (size_t)snprintf(text, sizeof(text), "%s:%s:", target->host, target->port);
    for (size_t i = 0; i < target->addresses.count; i++) {
        char address[INET6_ADDRSTRLEN];
        const struct sockaddr_storage *from = &target->addresses.list[i];
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

static int go_on(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                 curl_off_t up)
{
    const struct net *net = context;
    (void)down_total, (void)down, (void)up_total, (void)up;
    return atomic_load(&net->interrupted) ? 1 : 0;
}

bool net_target_bind(CURL *handle, struct net *net, struct net_target *target, unsigned deadline_ms,
                     struct curl_slist **pins)
{
    /* A numeric IPv6 host needs no name server, and its colons would be misread. */
    bool is_name = strchr(target->host, ':') == NULL;
    *pins = is_name ? pin(target) : NULL;
    return (*pins != NULL || !is_name) &&
           curl_easy_setopt(handle, CURLOPT_RESOLVE, *pins) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, target) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)deadline_ms) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, go_on) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_XFERINFODATA, net) == CURLE_OK;
}

CURL *net_handle(void)
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
