/*
 * Assembles requests from what libmicrohttpd tells in pieces, chooses the lane and sends the
 * answer. All of it runs on the thread that drives the connection, save http_connection_work().
 */
#include "http/connection.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/lane.h"
#include "base/log.h"
#include "base/text.h"
#include "http/send.h"

enum {
    BODY_MAX = 16 * 1024,    /* of a route that does not say otherwise */
    DRAIN_MAX = 1024 * 1024, /* of a body nobody wants, read so that the answer is not lost */
    LOGGED_PATH_MAX = 512,
};

/* --- connections ---------------------------------------------------------------------------- */

static void set_deadline(struct connection *c, int64_t ms_from_now, int64_t now_ms)
{
    atomic_store_explicit(&c->deadline.until_ms, now_ms + ms_from_now, memory_order_relaxed);
}

static struct connection *connection_new(struct http_server *server, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *address =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct connection *c = fd != NULL ? calloc(1, sizeof(*c)) : NULL;
    if (c == NULL)
        return NULL;
    c->server = server;
    c->mhd = mhd;
    c->fresh = true;
    atomic_fetch_add_explicit(&server->fresh, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&server->connections, 1, memory_order_relaxed);
    c->deadline.socket = fd->connect_fd;
    if (address != NULL && address->client_addr != NULL)
        http_peer_describe(address->client_addr, &c->peer);
    if (server->tls != NULL)
        c->shown = http_tls_show(server->tls, mhd);
    /* Whoever connects has to come up with a whole request within the time of one, the handshake
     * of TLS included. */
    set_deadline(c, server->settings.deadline_ms, clock_ticks_ms());
    http_deadlines_add(server->deadlines, &c->deadline);
    return c;
}

static void no_longer_fresh(struct connection *c)
{
    if (c->fresh)
        atomic_fetch_sub_explicit(&c->server->fresh, 1, memory_order_relaxed);
    c->fresh = false;
}

void http_connection_notify(void *cls, struct MHD_Connection *mhd, void **context,
                            enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = cls;
    struct connection *c = *context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = connection_new(server, mhd);
    } else if (c != NULL) {
        http_deadlines_remove(server->deadlines, &c->deadline);
        http_tls_leave(c->shown);
        no_longer_fresh(c);
        atomic_fetch_sub_explicit(&server->connections, 1, memory_order_relaxed);
        free(c);
        *context = NULL;
    }
}

/* --- the head of a request ------------------------------------------------------------------ */

/* A request target holds what RFC 3986 allows: no space, control character or octet over 0x7E. */
static bool is_target(const char *s)
{
    while (*s > 0x20 && *s < 0x7F)
        s++;
    return *s == '\0';
}

/* Copies path and query, since libmicrohttpd decodes them in place. NULL when they are no good. */
static char *copy_target(const char *target)
{
    return is_target(target) ? strdup(target) : NULL;
}

static void split_target(struct exchange *x)
{
    char *mark = strchr(x->target, '?');
    x->target_len = strlen(x->target);
    x->rq.path = x->target;
    x->rq.query = mark != NULL ? mark + 1 : NULL;
    if (mark != NULL)
        *mark = '\0';
}

void *http_connection_begin(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct http_server *server = cls;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct connection *c = info != NULL ? info->socket_context : NULL;
    if (c == NULL)
        return NULL;
    struct exchange *x = &c->exchange;
    x->phase = PHASE_HEAD;
    x->begun_us = clock_ticks_us();
    set_deadline(c, server->settings.deadline_ms, x->begun_us / 1000);
    x->target = copy_target(target);
    x->version = target + strlen(target) + 1;
    if (x->target != NULL)
        split_target(x);
    atomic_fetch_add_explicit(&server->under_way, 1, memory_order_relaxed);
    no_longer_fresh(c); /* after it is under way, so that it is owed an answer all the time */
    atomic_fetch_add_explicit(&server->requests, 1, memory_order_relaxed);
    return c;
}

static void refuse(struct exchange *x, int status, const char *code)
{
    http_send_problem(&x->rs, status, code);
}

static bool is_refused(const struct exchange *x)
{
    return x->rs.status != 0;
}

static size_t body_max(const struct exchange *x)
{
    const struct route *route = x->rq.route;
    return route != NULL && route->body_max > 0 ? route->body_max : BODY_MAX;
}

/* RFC 9110 section 15.5.6. */
static void refuse_method(struct exchange *x, unsigned allowed)
{
    static const char *const lists[] = {
        "",        "GET, HEAD",          "POST",          "GET, HEAD, POST",
        "OPTIONS", "GET, HEAD, OPTIONS", "POST, OPTIONS", "GET, HEAD, POST, OPTIONS",
    };
    refuse(x, 405, "method_not_allowed");
    (void)http_header_add(&x->rs, "Allow", lists[allowed & 7]);
}

static void find_route(const struct http_server *server, struct exchange *x)
{
    x->rq.method = http_head_method(x->method);
    const struct http_found found =
        http_table_find(server->table, x->rq.path, strlen(x->rq.path), x->rq.method);
    x->rq.route = found.route;
    x->call = found.call;
    if (found.route == NULL && found.allowed == 0)
        refuse(x, 404, "not_found");
    else if (found.route == NULL)
        refuse_method(x, found.allowed);
}

/*
 * A body has one length that all who see it agree on: both headers together, or a coding we do
 * not know, are how requests are smuggled past a proxy (RFC 9112 sections 6.1 and 6.3).
 */
static bool frames_well(const struct http_head *head, int64_t *length)
{
    const char *coding = head->transfer_encoding;
    *length = 0;
    if (coding != NULL)
        return head->content_length == NULL && strcasecmp(coding, "chunked") == 0;
    return head->content_length == NULL ||
           text_to_number(head->content_length, 0, INT64_MAX, length);
}

/* RFC 9112 section 3.2: a request of HTTP/1.1 names its host, once. */
static bool names_host(const struct exchange *x, const char *version)
{
    return x->rq.host != NULL || strcmp(version, MHD_HTTP_VERSION_1_1) != 0;
}

/* Finds out who asks. Returns false when a proxy does not say it as it should. */
static bool find_client(struct connection *c)
{
    struct exchange *x = &c->exchange;
    struct in6_addr client;
    if (!http_proxies_have(c->server->proxies, &c->peer.bytes))
        return true;
    if (x->head.forwarded_count > HTTP_FORWARDED_LINES_MAX)
        return false;
    enum idp_err err = http_proxies_client(c->server->proxies, x->head.forwarded,
                                           x->head.forwarded_count, &client);
    if (err == IDP_OK)
        http_peer_describe_bytes(&client, &x->client);
    return err != IDP_BAD_REQUEST;
}

/* What is wrong with the request can be told from its head, save a body without known length. */
static void check_head(struct connection *c, const char *version)
{
    struct exchange *x = &c->exchange;
    bool framed = frames_well(&x->head, &x->announced);
    x->closing = !framed || x->head.malformed || x->target == NULL;
    if (x->target == NULL || x->head.malformed || !framed || !names_host(x, version) ||
        !find_client(c))
        refuse(x, 400, "bad_request");
    else
        find_route(c->server, x);
    if (!is_refused(x) && (uint64_t)x->announced > body_max(x))
        refuse(x, 413, "too_large");
}

/*
 * Reads the head. Says whether the request is to be read to its end before the answer:
 * libmicrohttpd closes the connection after an answer that was given sooner.
 */
static bool read_head(struct connection *c, const char *method, const char *version)
{
    struct exchange *x = &c->exchange;
    x->method = method;
    http_head_new_id(x->id);
    http_head_read(c->mhd, version, &x->rq, &x->head);
    (void)http_trace_read(x->head.traceparent, x->trace);
    if (x->version != version) /* a NUL ended the target before its end */
        x->head.malformed = true;
    check_head(c, version);
    if (is_refused(x) && (x->announced > DRAIN_MAX || x->head.expect != NULL))
        x->closing = true;
    return !x->closing;
}

/* --- the body ------------------------------------------------------------------------------- */

/* Takes in a piece of the body. Returns false when the connection has to be given up. */
static bool take_body(struct exchange *x, const char *bytes, size_t len)
{
    x->arrived += len;
    if (!is_refused(x) && x->arrived > body_max(x))
        refuse(x, 413, "too_large");
    if (is_refused(x))
        return x->arrived <= DRAIN_MAX;
    return http_upload_add(&x->upload, bytes, len, (size_t)x->announced);
}

/* --- the lanes ------------------------------------------------------------------------------ */

static enum MHD_Result answer(struct connection *c)
{
    struct exchange *x = &c->exchange;
    if (x->rs.fixed == NULL && (x->rs.status < 200 || x->rs.status > 599)) {
        log_event(LOG_ERROR, "answer_without_status", "path", x->rq.route->path);
        refuse(x, 500, "fault");
    }
    x->phase = PHASE_SENT;
    bool closing = x->closing || atomic_load_explicit(&c->server->draining, memory_order_relaxed);
    return http_send(c->mhd, &x->rs, c->server->settings.csp, closing);
}

static enum MHD_Result answer_problem(struct connection *c, int status, const char *code)
{
    refuse(&c->exchange, status, code);
    return answer(c);
}

/* RFC 9110 section 10.2.3. */
static enum MHD_Result answer_full(struct connection *c)
{
    atomic_fetch_add(&c->server->refused_full, 1);
    refuse(&c->exchange, 503, "overloaded");
    (void)http_header_add(&c->exchange.rs, "Retry-After", "1");
    return answer(c);
}

/* Gives the request to a worker. From the push on it is the worker's. */
static enum MHD_Result hand_over(struct connection *c)
{
    struct http_server *server = c->server;
    if (!http_lanes_reserve(server->lanes))
        return answer_full(c);
    atomic_fetch_add_explicit(&server->handed_over, 1, memory_order_relaxed);
    c->exchange.on_worker = true;
    c->exchange.phase = PHASE_READY;
    MHD_suspend_connection(c->mhd);
    http_lanes_push(server->lanes, c);
    return MHD_YES;
}

void http_connection_work(void *connection)
{
    struct connection *c = connection;
    struct exchange *x = &c->exchange;
    if (atomic_load(&c->server->cutting)) {
        refuse(x, 503, "stopping");
    } else if (!http_dispatch(&x->rq, &x->rs)) {
        log_event(LOG_ERROR, "worker_asked_to_wait", "path", x->rq.route->path);
        refuse(x, 500, "fault");
    }
    MHD_resume_connection(c->mhd);
}

/* Runs the request here and now; what then has to wait begins anew with an arena of its own. */
static enum MHD_Result run_here(struct connection *c)
{
    struct exchange *x = &c->exchange;
    lane_set_may_wait(false);
    if (http_dispatch(&x->rq, &x->rs))
        return answer(c);
    if (x->rq.route->waits == HTTP_WAITS_NEVER) {
        log_event(LOG_ERROR, "route_waits_unannounced", "path", x->rq.route->path);
        return answer_problem(c, 500, "fault");
    }
    arena_free(x->rq.arena);
    x->rq.arena = arena_new();
    return x->rq.arena != NULL ? hand_over(c) : answer_problem(c, 500, "fault");
}

/* Who asks: not the proxy, where one stands between. */
static const struct http_peer *client_of(const struct connection *c)
{
    const struct http_peer *client = &c->exchange.client;
    return client->address[0] != '\0' ? client : &c->peer;
}

/* The request is whole. */
static enum MHD_Result run(struct connection *c)
{
    struct exchange *x = &c->exchange;
    if (is_refused(x))
        return answer(c);
    if (atomic_load_explicit(&c->server->cutting, memory_order_relaxed)) {
        x->closing = true;
        return answer_problem(c, 503, "stopping");
    }
    x->rq.arena = arena_new();
    if (x->rq.arena == NULL)
        return answer_problem(c, 500, "fault");
    x->rq.app = c->server->app;
    x->rq.now = clock_now();
    x->rq.id = x->id;
    const struct http_peer *client = client_of(c);
    x->rq.trace = x->trace[0] != '\0' ? x->trace : NULL;
    x->rq.address = client->address;
    x->rq.network = client->network;
    x->rq.body = x->upload.bytes != NULL ? x->upload.bytes : "";
    x->rq.body_len = x->upload.len;
    return x->rq.route->waits == HTTP_WAITS_ALWAYS ? hand_over(c) : run_here(c);
}

// NOLINTNEXTLINE(readability-function-size): libmicrohttpd says how many parameters it takes
enum MHD_Result http_connection_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                        const char *method, const char *version, const char *upload,
                                        size_t *upload_len, void **context)
{
    (void)cls, (void)mhd, (void)url;
    struct connection *c = *context;
    if (c == NULL)
        return MHD_NO;
    struct exchange *x = &c->exchange;
    if (x->phase == PHASE_READY)
        return answer(c);
    if (x->phase == PHASE_HEAD) {
        x->phase = PHASE_BODY;
        return read_head(c, method, version) ? MHD_YES : run(c);
    }
    if (*upload_len == 0)
        return run(c);
    bool taken = take_body(x, upload, *upload_len);
    *upload_len = 0;
    return taken ? MHD_YES : MHD_NO;
}

/* --- the end -------------------------------------------------------------------------------- */

/* 0: it went without an answer. */
static int status_of(const struct exchange *x)
{
    return x->phase == PHASE_SENT ? x->rs.status : 0;
}

/* One line a request, without its query: that may hold codes and tokens. */
static void log_access(const struct connection *c, int64_t now_us)
{
    const struct exchange *x = &c->exchange;
    struct log_line line;
    log_begin(&line, LOG_INFO, "request");
    log_text(&line, "method", x->method);
    if (x->rq.path != NULL && strlen(x->rq.path) <= LOGGED_PATH_MAX)
        log_text(&line, "path", x->rq.path);
    log_number(&line, "status", status_of(x));
    log_number(&line, "us", now_us - x->begun_us);
    log_text(&line, "lane", x->on_worker ? "worker" : "network");
    log_text(&line, "error", x->rs.error_code);
    log_text(&line, "address", client_of(c)->address);
    log_text(&line, "proxy", x->client.address[0] != '\0' ? c->peer.address : NULL);
    log_text(&line, "id", x->id);
    log_text(&line, "trace", x->trace[0] != '\0' ? x->trace : NULL);
    log_end(&line);
}

static void drop_exchange(struct exchange *x)
{
    arena_free(x->rq.arena);
    http_upload_drop(&x->upload);
    if (x->target != NULL)
        OPENSSL_cleanse(x->target, x->target_len);
    free(x->target);
    if (x->head.cookies != NULL)
        OPENSSL_cleanse(x->head.cookies, strlen(x->head.cookies));
    free(x->head.cookies);
    memset(x, 0, sizeof(*x));
}

void http_connection_completed(void *cls, struct MHD_Connection *mhd, void **context,
                               enum MHD_RequestTerminationCode code)
{
    (void)mhd, (void)code;
    struct http_server *server = cls;
    struct connection *c = *context;
    if (c == NULL)
        return;
    *context = NULL;
    int64_t now_us = clock_ticks_us();
    if (!server->settings.quiet && log_wants(LOG_INFO) && c->exchange.method != NULL)
        log_access(c, now_us);
    http_tally_count(server->tally, c->exchange.call, status_of(&c->exchange),
                     now_us - c->exchange.begun_us);
    drop_exchange(&c->exchange);
    /* An idle client may be silent for so long and then take the time of one request. */
    set_deadline(c, (int64_t)server->settings.deadline_ms + HTTP_SILENCE_MS, now_us / 1000);
    atomic_fetch_sub_explicit(&server->under_way, 1, memory_order_relaxed);
}
