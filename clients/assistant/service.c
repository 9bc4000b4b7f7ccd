/*
 * HTTP with libmicrohttpd, a thread for each connection: a page may wait two minutes for the PIN
 * while others are told at once that the assistant is busy.
 *
 * What bodies hold must not stay in memory, as there may be a PIN in them. Our own copy is wiped
 * here; libmicrohttpd's buffer is returned to the system (and so cleared) when its connection
 * ends, because from POOL_SIZE on the library maps it instead of taking it from the heap, and
 * each connection serves one request only.
 */
#include "assistant/service.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "assistant/body.h"
#include "assistant/bucket.h"
#include "assistant/command.h"
#include "assistant/os/os.h"
#include "assistant/rules.h"
#include "base/clock.h"
#include "base/log.h"

enum {
    CONNECTIONS_MAX = 32,
    SILENCE_SECONDS = 10,
    POOL_SIZE = 64 * 1024,
    STOP_SECONDS = 2,
    FAMILIES = 2,
};

struct service {
    struct assistant *assistant;
    struct MHD_Daemon *daemons[FAMILIES];
    pthread_mutex_t buckets_lock;
    struct buckets buckets;
};

/* One request: its body grows while it arrives. */
struct call {
    struct rules_result rules;
    const char *origin; /* the connection's */
    size_t len;
    char body[BODY_MAX];
};

/* --- answers ---------------------------------------------------------------------------------- */

static bool add_cors(struct MHD_Response *response, const struct call *call)
{
    if (!call->rules.known_origin)
        return true;
    return MHD_add_response_header(response, "Access-Control-Allow-Origin", call->origin) ==
           MHD_YES;
}

static bool add_headers(struct MHD_Response *response, const struct call *call)
{
    static const char *const headers[][2] = {
        {"Content-Type", "application/json"},
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"Vary", "Origin"},
        {"Connection", "close"},
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
        if (MHD_add_response_header(response, headers[i][0], headers[i][1]) != MHD_YES)
            return false;
    return add_cors(response, call);
}

/* What a preflight is told, beyond the origin: never credentials, never for later. */
static bool add_preflight(struct MHD_Response *response)
{
    return MHD_add_response_header(response, "Access-Control-Allow-Methods", "POST") == MHD_YES &&
           MHD_add_response_header(response, "Access-Control-Allow-Headers",
                                   "content-type, x-tamga-agent") == MHD_YES &&
           MHD_add_response_header(response, "Access-Control-Max-Age", "0") == MHD_YES;
}

/* Queues text, which is copied. */
static enum MHD_Result respond(struct MHD_Connection *connection, const struct call *call,
                               unsigned int status, const char *text)
{
    char *copy = strdup(text);
    struct MHD_Response *response =
        copy != NULL ? MHD_create_response_from_buffer(strlen(copy), copy, MHD_RESPMEM_MUST_FREE)
                     : NULL;
    enum MHD_Result result = MHD_NO;
    if (response == NULL) {
        free(copy);
        return MHD_NO;
    }
    bool fine = add_headers(response, call);
    if (call->rules.verdict == RULES_PREFLIGHT)
        fine = fine && add_preflight(response);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        fine = fine && MHD_add_response_header(response, "Allow", "POST, OPTIONS") == MHD_YES;
    if (status == MHD_HTTP_TOO_MANY_REQUESTS)
        fine = fine && MHD_add_response_header(response, "Retry-After", "1") == MHD_YES;
    if (fine)
        result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* Jansson's memory goes back where it came from. */
static void free_text(char *text)
{
    json_malloc_t take = NULL;
    json_free_t give_back = NULL;
    json_get_alloc_funcs(&take, &give_back);
    give_back(text);
}

/* Takes the outcome's body over. */
static enum MHD_Result respond_outcome(struct MHD_Connection *connection, const struct call *call,
                                       unsigned int status, struct outcome outcome)
{
    enum MHD_Result result = MHD_NO;
    char *text = outcome.body != NULL ? json_dumps(outcome.body, JSON_COMPACT) : NULL;
    if (text != NULL)
        result = respond(connection, call, status, text);
    json_decref(outcome.body);
    free_text(text);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, const struct call *call,
                              unsigned int status, enum trouble trouble)
{
    return respond_outcome(connection, call, status, outcome_of(trouble, TRIES_UNKNOWN));
}

/* --- the request ------------------------------------------------------------------------------ */

static const char **field_of(struct rules_request *rq, const char *name)
{
    const struct {
        const char *name;
        const char **field;
    } fields[] = {
        {"Host", &rq->host},
        {"Origin", &rq->origin},
        {"Content-Type", &rq->content_type},
        {"X-Tamga-Agent", &rq->agent},
        {"Sec-Fetch-Mode", &rq->fetch_mode},
        {"Content-Length", &rq->content_length},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        if (strcasecmp(fields[i].name, name) == 0)
            return fields[i].field;
    return NULL;
}

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct rules_request *rq = context;
    const char **field = field_of(rq, name);
    (void)kind;
    if (field == NULL)
        return MHD_YES;
    rq->repeated = rq->repeated || *field != NULL;
    *field = value != NULL ? value : "";
    return MHD_YES;
}

static void log_refusal(const struct rules_request *rq, const struct rules_result *result)
{
    struct log_line line;
    log_begin(&line, LOG_WARN, "refused");
    log_text(&line, "rule", result->rule);
    log_text(&line, "origin", rq->origin);
    log_text(&line, "host", rq->host);
    log_text(&line, "path", rq->path);
    log_end(&line);
}

/* The headers are there: most requests that are not ours end here, before their body is read. */
static enum MHD_Result begin(const struct service *service, struct MHD_Connection *connection,
                             struct rules_request *rq, void **context)
{
    struct call *call = calloc(1, sizeof(*call));
    if (call == NULL)
        return MHD_NO;
    *context = call;
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, take_header, rq);
    if (MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, NULL, NULL) != 0)
        rq->path = "?"; /* no command has a query */
    call->rules = rules_check(service->assistant->settings, rq);
    call->origin = rq->origin;
    if (call->rules.verdict == RULES_PREFLIGHT)
        return respond(connection, call, MHD_HTTP_NO_CONTENT, "");
    if (call->rules.verdict == RULES_PASS)
        return MHD_YES;
    log_refusal(rq, &call->rules);
    return refuse(connection, call, call->rules.status, call->rules.trouble);
}

static bool may_ask(struct service *service, const char *origin)
{
    const struct settings *settings = service->assistant->settings;
    size_t i = 0;
    while (i + 1 < settings->origin_count && strcmp(settings->origins[i], origin) != 0)
        i++;
    (void)pthread_mutex_lock(&service->buckets_lock);
    bool may = bucket_take(&service->buckets, i, clock_ticks_ms());
    (void)pthread_mutex_unlock(&service->buckets_lock);
    return may;
}

static struct outcome sign(struct assistant *assistant, const struct call *call)
{
    struct body_sign body;
    if (!body_read_sign(call->body, call->len, &body))
        return outcome_of(TROUBLE_BAD_REQUEST, TRIES_UNKNOWN);
    bool by_page = assistant->settings->pin == PIN_BY_PAGE;
    const struct command_sign order = {
        .origin = call->origin,
        .challenge = body.challenge,
        .lock = body.lock[0] != '\0' ? body.lock : NULL,
        .pin = by_page ? &body.pin : NULL,
    };
    struct outcome outcome;
    if (body.has_pin && !by_page)
        outcome = outcome_of(TROUBLE_PIN_PAGE_REFUSED, TRIES_UNKNOWN);
    else if (by_page && !body.has_pin)
        outcome = outcome_of(TROUBLE_PIN_REQUIRED, TRIES_UNKNOWN);
    else
        outcome = command_sign(assistant, &order);
    pin_wipe(&body.pin);
    return outcome;
}

static struct outcome run(struct assistant *assistant, const struct call *call)
{
    if (call->rules.command == COMMAND_SIGN)
        return sign(assistant, call);
    if (!body_is_empty(call->body, call->len))
        return outcome_of(TROUBLE_BAD_REQUEST, TRIES_UNKNOWN);
    return call->rules.command == COMMAND_STATUS ? command_status(assistant)
                                                 : command_certificates(assistant);
}

static enum MHD_Result finish(struct service *service, struct MHD_Connection *connection,
                              struct call *call)
{
    if (!may_ask(service, call->origin))
        return refuse(connection, call, MHD_HTTP_TOO_MANY_REQUESTS, TROUBLE_BUSY);
    struct outcome outcome = run(service->assistant, call);
    OPENSSL_cleanse(call->body, call->len);
    return respond_outcome(connection, call, trouble_status(outcome.trouble), outcome);
}

/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd says how many parameters it takes */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **per_call)
{
    struct call *call = *per_call;
    struct rules_request rq = {.method = method, .path = url};
    (void)version;
    if (call == NULL)
        return begin(context, connection, &rq, per_call);
    if (*len == 0)
        return finish(context, connection, call);
    if (*len > BODY_MAX - call->len)
        return MHD_NO; /* a body of unannounced length: no answer is owed */
    memcpy(call->body + call->len, data, *len);
    call->len += *len;
    *len = 0;
    return MHD_YES;
}

static void on_end(void *context, struct MHD_Connection *connection, void **per_call,
                   enum MHD_RequestTerminationCode why)
{
    (void)context, (void)connection, (void)why;
    if (*per_call != NULL)
        OPENSSL_cleanse(*per_call, sizeof(struct call));
    free(*per_call);
    *per_call = NULL;
}

/* --- start and stop --------------------------------------------------------------------------- */

static struct MHD_Daemon *start_daemon(struct service *service, enum os_loopback family, int fd)
{
    unsigned int flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
                         MHD_USE_POLL | (family == OS_LOOPBACK_V6 ? MHD_USE_IPv6 : 0U);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, on_request, service, MHD_OPTION_LISTEN_SOCKET, fd,
                         MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned int)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                         (unsigned int)SILENCE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                         (size_t)POOL_SIZE, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (daemon == NULL)
        (void)close(fd);
    return daemon;
}

static bool listen_at(struct service *service, enum os_loopback family, char *why, size_t size)
{
    static const char *const names[] = {"127.0.0.1", "[::1]"};
    unsigned int port = service->assistant->settings->port;
    int fd = os_listen(family, port);
    if (fd == OS_NO_ADDRESS && family == OS_LOOPBACK_V6)
        return true;
    if (fd < 0) {
        (void)snprintf(why, size, "%s:%u cannot be listened at: is another assistant running?",
                       names[family], port);
        return false;
    }
    service->daemons[family] = start_daemon(service, family, fd);
    if (service->daemons[family] == NULL)
        (void)snprintf(why, size, "%s:%u cannot be served", names[family], port);
    return service->daemons[family] != NULL;
}

static void stop_daemons(struct service *service)
{
    for (size_t i = 0; i < FAMILIES; i++)
        if (service->daemons[i] != NULL)
            MHD_stop_daemon(service->daemons[i]);
    (void)pthread_mutex_destroy(&service->buckets_lock);
    free(service);
}

struct service *service_start(struct assistant *assistant, char *why, size_t size)
{
    struct service *service = calloc(1, sizeof(*service));
    (void)snprintf(why, size, "no memory");
    if (service == NULL)
        return NULL;
    service->assistant = assistant;
    if (pthread_mutex_init(&service->buckets_lock, NULL) != 0) {
        free(service);
        return NULL;
    }
    if (listen_at(service, OS_LOOPBACK_V4, why, size) &&
        listen_at(service, OS_LOOPBACK_V6, why, size))
        return service;
    stop_daemons(service);
    return NULL;
}

bool service_stop(struct service *service)
{
    struct timespec until;
    pthread_mutex_t *operation = &service->assistant->operation;
    for (size_t i = 0; i < FAMILIES; i++) {
        int fd = service->daemons[i] != NULL ? MHD_quiesce_daemon(service->daemons[i]) : -1;
        if (fd >= 0)
            (void)close(fd);
    }
    atomic_store(&service->assistant->stop, true);
    if (clock_gettime(CLOCK_REALTIME, &until) != 0)
        return false;
    until.tv_sec += STOP_SECONDS;
    if (pthread_mutex_timedlock(operation, &until) != 0)
        return false;
    (void)pthread_mutex_unlock(operation);
    stop_daemons(service);
    return true;
}
