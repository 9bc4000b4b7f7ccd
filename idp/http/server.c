/* Start and stop. */
#include "http/server.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/connection.h"

enum {
    WORKERS = 32,
    QUEUE = 1024,
    CONNECTIONS = 16384,
    PER_ADDRESS_LEAST = 64, /* unless told otherwise: a browser takes six, a company has many */
    DEADLINE_MS = 15000,
    HEAD_AND_ANSWER = 16 * 1024, /* bytes a connection has for its request's head and its answer's;
                                    libmicrohttpd clears all of it after each request */
    OTHER_FILES = 256,           /* descriptors that are left for everything else */
    TICK_MAX_MS = 250,
    ACCEPT_MS = 1000, /* for connections that stand when we stop, and for their first requests */
};

/* --- settings ------------------------------------------------------------------------------- */

static unsigned or_default(unsigned value, unsigned usual)
{
    return value != 0 ? value : usual;
}

static unsigned cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < 1024 ? (unsigned)n : 1;
}

/* Returns how many descriptors this process may have, after raising the limit. */
static rlim_t raise_files(void)
{
    struct rlimit limit = {0};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

static struct http_settings fill_in(const struct http_settings *given)
{
    struct http_settings s = *given;
    s.threads = or_default(s.threads, cores());
    s.workers = or_default(s.workers, WORKERS);
    s.queue = s.queue != 0 ? s.queue : QUEUE;
    s.connections = or_default(s.connections, CONNECTIONS);
    s.deadline_ms = or_default(s.deadline_ms, DEADLINE_MS);
    rlim_t files = raise_files();
    if (files > OTHER_FILES && s.connections > files - OTHER_FILES)
        s.connections = (unsigned)(files - OTHER_FILES);
    if (s.connections < s.threads) /* the limit is split over the threads */
        s.connections = s.threads;
    unsigned share = s.connections / 4;
    if (share < PER_ADDRESS_LEAST)
        share = PER_ADDRESS_LEAST;
    if (s.proxies != NULL && s.proxies[0] != NULL)
        share = s.connections;
    s.per_address = or_default(s.per_address, share);
    return s;
}

/* --- start ---------------------------------------------------------------------------------- */

/* What libmicrohttpd has to say is about single connections, which strangers can break at will. */
__attribute__((format(printf, 2, 0))) static void log_library(void *cls, const char *format,
                                                              va_list args)
{
    (void)cls;
    char text[256];
    (void)vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = '\0';
    log_event(LOG_DEBUG, "libmicrohttpd", "text", text);
}

/* Those that libmicrohttpd complains of where they do not belong: one thread is no pool. */
static void fill_options(const struct http_server *server, struct MHD_OptionItem out[4])
{
    union {
        gnutls_certificate_retrieve_function2 *function;
        void *pointer;
    } show = {.function = http_tls_show_nothing};
    union {
        const char *text;
        void *pointer;
    } priorities = {.text = http_tls_priorities};
    size_t n = 0;
    if (server->settings.threads > 1)
        out[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE,
                                           (intptr_t)server->settings.threads, NULL};
    if (server->tls != NULL) {
        out[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, priorities.pointer};
        out[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK, 0, show.pointer};
    }
    out[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
}

static struct MHD_Daemon *start_daemon(struct http_server *server)
{
    const struct http_settings *s = &server->settings;
    struct MHD_OptionItem options[4];
    fill_options(server, options);
    unsigned tls = server->tls != NULL ? MHD_USE_TLS : 0;
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG |
            tls,
        s->port, NULL, NULL, http_connection_request, server, MHD_OPTION_EXTERNAL_LOGGER,
        log_library, NULL, MHD_OPTION_LISTEN_SOCKET, server->listener.socket,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_AND_ANSWER, MHD_OPTION_CONNECTION_LIMIT,
        s->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT, s->per_address,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_SILENCE_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_CONNECTION, http_connection_notify, server, MHD_OPTION_URI_LOG_CALLBACK,
        http_connection_begin, server, MHD_OPTION_NOTIFY_COMPLETED, http_connection_completed,
        server, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

static unsigned tick(unsigned deadline_ms)
{
    unsigned ms = deadline_ms / 10;
    return ms < 10 ? 10 : ms > TICK_MAX_MS ? TICK_MAX_MS : ms;
}

static enum idp_err start_parts(struct http_server *server)
{
    const struct http_settings *s = &server->settings;
    enum idp_err err = http_lanes_start(s->workers, s->queue, http_connection_work, &server->lanes);
    if (err == IDP_OK)
        err = http_deadlines_start(tick(s->deadline_ms), &server->deadlines);
    if (err != IDP_OK)
        return err;
    server->daemon = start_daemon(server);
    return server->daemon != NULL ? IDP_OK : IDP_FAULT;
}

/* Signals are for the program's own threads: ours are born with all of them blocked. */
static enum idp_err start_threads(struct http_server *server, char **why)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    enum idp_err err = start_parts(server);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err != IDP_OK)
        *why = strdup("the server's threads could not be started");
    return err;
}

static void free_server(struct http_server *server)
{
    http_lanes_close(server->lanes); /* so that no connection is suspended any more */
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    http_lanes_free(server->lanes);
    http_deadlines_stop(server->deadlines);
    http_tls_close(server->tls);
    http_proxies_free(server->proxies);
    http_tally_free(server->tally);
    http_table_free(server->table);
    if (server->listener.socket >= 0)
        (void)close(server->listener.socket);
    free(server);
}

static enum idp_err make_tally(struct http_server *server)
{
    size_t count = 0;
    (void)http_table_calls(server->table, &count);
    server->tally = http_tally_new(count);
    return server->tally != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err read_proxies(struct http_server *server, char **why)
{
    static const char *const none[] = {NULL};
    const char *const *list = server->settings.proxies;
    size_t bad = 0;
    enum idp_err err = http_proxies_new(list != NULL ? list : none, &bad, &server->proxies);
    if (err == IDP_BAD_REQUEST)
        *why = strdup("a proxy is no address or network");
    return err;
}

enum idp_err http_server_open(const struct http_settings *settings,
                              const struct route *const routes[], char **why,
                              struct http_server **out)
{
    struct http_server *server = calloc(1, sizeof(*server));
    *why = NULL;
    if (server == NULL)
        return IDP_FAULT;
    server->settings = fill_in(settings);
    server->listener.socket = -1;
    enum idp_err err = http_table_new(routes, why, &server->table);
    if (err == IDP_OK)
        err = make_tally(server);
    if (err == IDP_OK && settings->certificate != NULL)
        err = http_tls_open(settings->certificate, settings->key, why, &server->tls);
    if (err == IDP_OK)
        err = read_proxies(server, why);
    if (err == IDP_OK)
        err = http_listener_take(settings->address, settings->port, why, &server->listener);
    if (err == IDP_OK)
        *out = server;
    else
        free_server(server);
    return err;
}

enum idp_err http_server_begin(struct http_server *server, struct app *app, char **why)
{
    *why = NULL;
    server->app = app;
    enum idp_err err = http_listener_open(&server->listener, server->settings.address, why);
    return err == IDP_OK ? start_threads(server, why) : err;
}

enum idp_err http_server_start(const struct http_settings *settings,
                               const struct route *const routes[], struct app *app, char **why,
                               struct http_server **out)
{
    struct http_server *server = NULL;
    enum idp_err err = http_server_open(settings, routes, why, &server);
    if (err != IDP_OK)
        return err;
    err = http_server_begin(server, app, why);
    if (err == IDP_OK)
        *out = server;
    else
        free_server(server);
    return err;
}

enum idp_err http_server_reload_tls(struct http_server *server, char **why)
{
    *why = NULL;
    return server->tls != NULL ? http_tls_reload(server->tls, why) : IDP_OK;
}

int64_t http_server_certificate_ends(struct http_server *server)
{
    return server->tls != NULL ? http_tls_ends(server->tls) : 0;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->listener.port;
}

struct http_figures http_server_figures(struct http_server *server)
{
    struct http_lanes_figures lanes = {0};
    if (server->lanes != NULL)
        http_lanes_read(server->lanes, &lanes);
    return (struct http_figures){
        .connections = atomic_load(&server->connections),
        .connections_max = server->settings.connections,
        .under_way = atomic_load(&server->under_way),
        .queued = lanes.queued,
        .queue_max = server->settings.queue,
        .busy = lanes.busy,
        .workers = server->settings.workers,
        .requests = atomic_load(&server->requests),
        .handed_over = atomic_load(&server->handed_over),
        .refused_full = atomic_load(&server->refused_full),
        .timed_out = server->deadlines != NULL ? http_deadlines_count(server->deadlines) : 0,
    };
}

bool http_server_call_figures(const struct http_server *server, size_t i,
                              struct http_call_figures *out)
{
    size_t count = 0;
    const struct http_call *calls = http_table_calls(server->table, &count);
    if (i >= count)
        return false;
    *out = (struct http_call_figures){.route = calls[i].route, .method = calls[i].method};
    http_tally_add(server->tally, i, out);
    return true;
}

bool http_server_draining(const struct http_server *server)
{
    return atomic_load(&server->draining);
}

/* --- stop ----------------------------------------------------------------------------------- */

void http_server_drain(struct http_server *server)
{
    atomic_store(&server->draining, true);
}

void http_server_hurry(struct http_server *server)
{
    atomic_store(&server->hurried, true);
}

/* Whether somebody was promised an answer: a request is under way, or a connection was accepted a
 * moment ago, whose request is most likely there or on its way. */
static bool is_owed(struct http_server *server, int64_t since_ms)
{
    if (atomic_load(&server->under_way) > 0)
        return true;
    return atomic_load(&server->fresh) > 0 && clock_ticks_ms() < since_ms + ACCEPT_MS;
}

static void wait_for_requests(struct http_server *server, int64_t until)
{
    static const struct timespec moment = {.tv_nsec = 2000000};
    int64_t since = clock_ticks_ms();
    while (is_owed(server, since) && clock_ticks_ms() < until && !atomic_load(&server->hurried))
        (void)nanosleep(&moment, NULL);
}

void http_server_cease(struct http_server *server, unsigned wait_ms)
{
    if (server->daemon == NULL || atomic_load(&server->cutting))
        return;
    int64_t until = clock_ticks_ms() + wait_ms;
    http_server_drain(server);
    http_listener_shut(&server->listener, wait_ms < ACCEPT_MS ? wait_ms : ACCEPT_MS);
    (void)MHD_quiesce_daemon(server->daemon);
    /* Closed when no thread can touch it any more. */
    (void)shutdown(server->listener.socket, SHUT_RDWR);
    wait_for_requests(server, until);
    atomic_store(&server->cutting, true);
    http_deadlines_cut_all(server->deadlines);
}

void http_server_stop(struct http_server *server, unsigned wait_ms)
{
    if (server == NULL)
        return;
    http_server_cease(server, wait_ms);
    free_server(server);
}
