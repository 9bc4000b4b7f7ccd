/*
 * One call to the provider, with every limit set: what the provider's name resolves to may be
 * slow, dead or somebody else, and must cost one thread a bounded time and a bounded buffer.
 */
#include "rp/fetch.h"

#include <pthread.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/arena.h"
#include "base/text.h"
#include "rp/note.h"

enum { BODY_MAX = 128 * 1024 };

struct body {
    char *bytes;
    size_t len;
    bool too_long;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool ready;

static void start_curl(void)
{
    ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

bool rp_fetch_ready(void)
{
    return pthread_once(&once, start_curl) == 0 && ready;
}

static size_t receive(char *bytes, size_t size, size_t n, void *to)
{
    struct body *body = to;
    size *= n;
    if (size > BODY_MAX - body->len) {
        body->too_long = true;
        return 0;
    }
    memcpy(body->bytes + body->len, bytes, size);
    body->len += size;
    return size;
}

static void drop_json(void *json)
{
    json_decref(json);
}

static void drop_headers(void *list)
{
    curl_slist_free_all(list);
}

/* The header lines of the call; NULL when there is no memory. */
static struct curl_slist *header_lines(struct arena *arena, const struct rp_call *call)
{
    struct curl_slist *list = curl_slist_append(NULL, "Accept: application/json");
    if (list == NULL || arena_own(arena, list, drop_headers) == NULL)
        return NULL;
    if (call->authorization == NULL)
        return list;
    const char *line = arena_printf(arena, "Authorization: %s", call->authorization);
    return line != NULL && curl_slist_append(list, line) != NULL ? list : NULL;
}

static bool set_limits(CURL *curl, const struct rp_limits *limits)
{
    const char *schemes = limits->development ? "http,https" : "https";
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, schemes) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)limits->timeout_ms) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)BODY_MAX) == CURLE_OK &&
           (limits->ca_file == NULL ||
            curl_easy_setopt(curl, CURLOPT_CAINFO, limits->ca_file) == CURLE_OK);
}

static bool set_call(CURL *curl, const struct rp_call *call, struct curl_slist *headers,
                     struct body *body)
{
    return curl_easy_setopt(curl, CURLOPT_URL, call->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, (void *)body) == CURLE_OK &&
           (call->form == NULL ||
            curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->form) == CURLE_OK);
}

static bool is_json(const char *type)
{
    static const char *const types[] = {"application/json", "application/jwk-set+json"};
    for (size_t i = 0; type != NULL && i < sizeof(types) / sizeof(*types); i++) {
        size_t len = strlen(types[i]);
        if (strncasecmp(type, types[i], len) == 0 && strchr("; ", type[len]) != NULL)
            return true; /* strchr also finds the end of the text */
    }
    return false;
}

/* Reads status and body of a call that was answered. */
static enum rp_err read_reply(struct arena *arena, CURL *curl, const struct body *body,
                              struct rp_reply *out)
{
    char *type = NULL;
    json_t *json = NULL;
    struct rp_reply reply = {0};
    if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status) != CURLE_OK ||
        curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK)
        return RP_FAULT;
    if (is_json(type))
        json = json_loadb(body->bytes, body->len, JSON_REJECT_DUPLICATES, NULL);
    if (json != NULL && arena_own(arena, json, drop_json) == NULL)
        return RP_FAULT;
    reply.json = json_is_object(json) ? json : NULL;
    *out = reply;
    return RP_OK;
}

static enum rp_err perform(struct arena *arena, CURL *curl, const struct rp_call *call,
                           const struct body *body, struct rp_note *note, struct rp_reply *out)
{
    CURLcode code = curl_easy_perform(curl);
    if (body->too_long || code == CURLE_FILESIZE_EXCEEDED)
        return rp_note_set(note, RP_BAD_PROVIDER, "%s answers with too much", call->url);
    if (code != CURLE_OK)
        return rp_note_set(note, RP_UNREACHABLE, "%s: %s", call->url, curl_easy_strerror(code));
    struct rp_reply reply = {0};
    enum rp_err err = read_reply(arena, curl, body, &reply);
    if (err != RP_OK)
        return err;
    if (reply.status >= 500 || reply.status == 429)
        return rp_note_set(note, RP_UNREACHABLE, "%s answers with status %ld", call->url,
                           reply.status);
    *out = reply;
    return RP_OK;
}

enum rp_err rp_fetch(struct arena *arena, const struct rp_limits *limits,
                     const struct rp_call *call, struct rp_note *note, struct rp_reply *out)
{
    enum rp_err err = RP_FAULT;
    struct body body = {.bytes = arena_alloc(arena, BODY_MAX)};
    struct curl_slist *headers = header_lines(arena, call);
    CURL *curl = curl_easy_init();
    if (curl != NULL && body.bytes != NULL && headers != NULL && set_limits(curl, limits) &&
        set_call(curl, call, headers, &body))
        err = perform(arena, curl, call, &body, note, out);
    curl_easy_cleanup(curl);
    return err != RP_FAULT ? err : rp_note_set(note, RP_FAULT, "out of memory");
}
