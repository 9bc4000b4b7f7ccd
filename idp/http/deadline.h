/*
 * Total time limits of connections. libmicrohttpd's own timeout counts silence only, so a client
 * that sends a byte now and then could hold a connection for ever: a watcher thread shuts down the
 * sockets whose time is over.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"

struct http_deadlines;

/* One for each connection, which holds it in its own memory. */
struct http_deadline {
    struct http_deadline *previous, *next;
    int socket;
    _Atomic int64_t until_ms; /* of clock_ticks_ms(); may be set at any time, without a lock */
};

/* Starts the watcher, which looks every tick_ms. */
enum idp_err http_deadlines_start(unsigned tick_ms, struct http_deadlines **out);

/* Begins and ends to watch a socket. After the end the socket is not touched any more. */
void http_deadlines_add(struct http_deadlines *deadlines, struct http_deadline *deadline);
void http_deadlines_remove(struct http_deadlines *deadlines, struct http_deadline *deadline);

/* Shuts down all sockets at once. */
void http_deadlines_cut_all(struct http_deadlines *deadlines);

/* How many sockets were shut down because their time was over. */
uint64_t http_deadlines_count(const struct http_deadlines *deadlines);

/* Ends the watcher and frees. NULL is allowed. */
void http_deadlines_stop(struct http_deadlines *deadlines);
