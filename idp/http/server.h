/*
 * The server. Several may run in one process, each with its own routes and app.
 *
 * Threads that drive the network by epoll, one per core, never block; a bounded pool of workers
 * runs what waits. Security headers (nosniff, no-referrer, no-store unless said otherwise) go on
 * every answer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct app;
struct http_server;
struct route;

struct http_settings {
    const char *address;  /* an IP address to listen on */
    uint16_t port;        /* 0: any free one, see http_server_port() */
    unsigned threads;     /* that drive the network; 0: one per core */
    unsigned workers;     /* that may wait; 0: 32 */
    size_t queue;         /* requests waiting for a worker before 503; 0: 1024 */
    unsigned connections; /* at most, over all threads; 0: 16384 */
    unsigned per_address; /* of these from one address, loopback included; 0: a quarter, at least
                             64, or all of them when there are proxies */
    /* From the first byte of a request to the last of its answer; 0: 15000. Between two requests a
     * connection may be silent for 30 s, which count too when the next one's head comes slowly. */
    unsigned deadline_ms;
    const char *certificate, *key; /* names of PEM files; NULL: the server speaks no TLS */
    /* Addresses and networks of proxies, whose X-Forwarded-For is believed; ended by NULL. NULL:
     * nobody's. */
    const char *const *proxies;
    const char *csp; /* Content-Security-Policy of HTML answers */
    bool quiet;      /* no access log line per request */
};

/* What the server counted since it began, and how it is now. */
struct http_figures {
    uint64_t requests, handed_over, refused_full, timed_out;
    size_t connections, connections_max, under_way;
    size_t queued, queue_max; /* requests that wait for a worker */
    unsigned busy, workers;
};

/* The upper ends of the latency's buckets; a last one, of no end, follows them. */
enum { HTTP_BOUNDS = 13, HTTP_BUCKETS = HTTP_BOUNDS + 1, HTTP_STATUS_CLASSES = 6 };
extern const int64_t http_bounds_us[HTTP_BOUNDS];

/* What was counted of a call: a route with one of its methods. */
struct http_call_figures {
    const struct route *route;              /* NULL: those for which there is none */
    unsigned method;                        /* enum http_method */
    uint64_t by_class[HTTP_STATUS_CLASSES]; /* by the first digit of the status; 0: no answer */
    uint64_t buckets[HTTP_BUCKETS];         /* that took up to a bound and over the one before */
    uint64_t total_us;
};

/*
 * Takes address and port, and reads certificate and key, without listening yet: what is wrong with
 * them is found before anything else is begun. routes ends with NULL; everything given must outlive
 * the server. Raises the process's soft limit of open files to the hard one. Returns
 * IDP_BAD_REQUEST when a proxy is none,
 * IDP_UNAVAILABLE when the address or port cannot be had, what http_tls_open() does for certificate
 * and key, IDP_FAULT when there is no memory or the routes contradict each other, and sets *why to
 * a text for a person, which the caller frees (NULL when there is no memory even for that).
 */
enum idp_err http_server_open(const struct http_settings *settings,
                              const struct route *const routes[], char **why,
                              struct http_server **out);

/* Begins to serve what was opened; on failure it is still the caller's to stop. Errors as above. */
enum idp_err http_server_begin(struct http_server *server, struct app *app, char **why);

/* Both together. */
enum idp_err http_server_start(const struct http_settings *settings,
                               const struct route *const routes[], struct app *app, char **why,
                               struct http_server **out);

/*
 * Reads certificate and key again, for the connections that begin from now on. Returns IDP_OK, also
 * without TLS; otherwise what stood there before stays, and *why is a line for a person, which the
 * caller frees. Any thread may call it.
 */
enum idp_err http_server_reload_tls(struct http_server *server, char **why);

/* When the certificate ends, in seconds; 0 without TLS. */
int64_t http_server_certificate_ends(struct http_server *server);

/* The port it listens on. */
uint16_t http_server_port(const struct http_server *server);

struct http_figures http_server_figures(struct http_server *server);

/* What was counted of the i-th call, from 0, in the order of the routes. Returns false behind the
 * last. A request's time is that from its first line to the end of its answer. */
bool http_server_call_figures(const struct http_server *server, size_t i,
                              struct http_call_figures *out);

/* Whether it drains, or has ceased. */
bool http_server_draining(const struct http_server *server);

/*
 * From now on every answer ends its connection (RFC 9112 section 9.6), so that whoever keeps
 * connections, a proxy above all, has none left when the server stops. New ones are still accepted.
 */
void http_server_drain(struct http_server *server);

/*
 * Stops listening, without losing a connection that somebody has already, lets requests finish for
 * at most wait_ms, then cuts the connections. Handlers may be running still.
 */
void http_server_cease(struct http_server *server, unsigned wait_ms);

/* Lets an http_server_cease() that waits in another thread wait no longer. */
void http_server_hurry(struct http_server *server);

/*
 * Ceases to serve, if that has not been done, and frees everything. A handler that is running still
 * is waited for, since it uses the app. NULL, and a server that was not begun, are allowed.
 */
void http_server_stop(struct http_server *server, unsigned wait_ms);
