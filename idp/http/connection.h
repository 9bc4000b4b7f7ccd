/* A connection and the request it carries at the moment; the callbacks of libmicrohttpd. */
#pragma once

#include <stdatomic.h>

#include <microhttpd.h>

#include "http/deadline.h"
#include "http/head.h"
#include "http/http.h"
#include "http/lanes.h"
#include "http/listener.h"
#include "http/peer.h"
#include "http/proxies.h"
#include "http/server.h"
#include "http/table.h"
#include "http/tally.h"
#include "http/tls.h"
#include "http/trace.h"
#include "http/upload.h"

struct http_server {
    struct http_settings settings; /* with the defaults filled in */
    struct app *app;
    struct http_table *table;
    struct http_tally *tally;
    struct http_lanes *lanes;
    struct http_deadlines *deadlines;
    struct http_tls *tls; /* NULL: plain */
    struct http_proxies *proxies;
    struct MHD_Daemon *daemon;
    struct http_listener listener;
    atomic_bool draining; /* every answer ends its connection */
    atomic_bool hurried;  /* nobody is waited for */
    atomic_bool cutting;  /* no request is begun any more */
    atomic_size_t under_way;
    atomic_size_t connections;
    atomic_size_t fresh; /* connections that have not begun a request yet */
    _Atomic uint64_t requests, handed_over, refused_full;
};

/* How long a client may be silent before libmicrohttpd closes the connection. */
enum { HTTP_SILENCE_S = 30, HTTP_SILENCE_MS = HTTP_SILENCE_S * 1000 };

/* How far a request has come. */
enum phase {
    PHASE_NONE = 0, /* no request is under way */
    PHASE_HEAD,     /* the request line has been read */
    PHASE_BODY,     /* the head is read, the body arrives */
    PHASE_READY,    /* rs can be sent */
    PHASE_SENT,     /* rs has been queued */
};

/* One request, from its first line to the end of its answer. */
struct exchange {
    enum phase phase;
    size_t call; /* its number in the table; 0: none was found */
    bool on_worker;
    bool closing; /* the connection ends after the answer */
    int64_t begun_us;
    char id[17];
    const char *method;  /* as it came */
    const char *version; /* where it stands when the target is what we were shown */
    char *target;        /* path and query, which rq points into */
    size_t target_len;
    struct http_upload upload;
    int64_t announced; /* Content-Length */
    size_t arrived;    /* bytes of the body, also of one that is not kept */
    struct http_head head;
    struct http_peer client; /* for whom a proxy asks; empty when nobody stands between */
    char trace[HTTP_TRACE_LEN + 1];
    struct request rq;
    struct response rs;
};

struct connection {
    struct http_deadline deadline;
    bool fresh; /* no request has begun on it yet */
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct http_tls_pair *shown; /* what it holds while it is there */
    struct http_peer peer;
    struct exchange exchange;
};

/* cls is the struct http_server in all of them. */
void http_connection_notify(void *cls, struct MHD_Connection *mhd, void **context,
                            enum MHD_ConnectionNotificationCode code);
void *http_connection_begin(void *cls, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_connection_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                        const char *method, const char *version, const char *upload,
                                        size_t *upload_len, void **context);
void http_connection_completed(void *cls, struct MHD_Connection *mhd, void **context,
                               enum MHD_RequestTerminationCode code);

/* Runs the request of a struct connection on a worker and gives it back to its thread. */
void http_connection_work(void *connection);
