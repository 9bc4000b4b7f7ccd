#include "operate/families.h"

#include "app.h"
#include "http/http.h"
#include "http/server.h"
#include "operate/exposition.h"

static const char *name_of(unsigned method)
{
    return method == HTTP_GET ? "GET" : method == HTTP_POST ? "POST" : method != 0 ? "OPTIONS" : "";
}

static const char *path_of(const struct http_call_figures *call)
{
    return call->route != NULL ? call->route->path : "";
}

static void requests(struct exposition *e, const struct http_server *server)
{
    static const char *const classes[HTTP_STATUS_CLASSES] = {"none", "1xx", "2xx",
                                                             "3xx",  "4xx", "5xx"};
    struct http_call_figures call;
    exposition_counter(e, "tamga_http_requests_total",
                       "Requests by route, method and the class of their answer's status; without "
                       "a path: no route was found; none: no answer was given.");
    for (size_t i = 0; http_server_call_figures(server, i, &call); i++)
        for (size_t c = 0; c < HTTP_STATUS_CLASSES; c++) {
            const struct label labels[] = {{"path", path_of(&call)},
                                           {"method", name_of(call.method)},
                                           {"status", classes[c]},
                                           {NULL, NULL}};
            if (c != 1) /* there are none */
                exposition_count(e, labels, call.by_class[c]);
        }
}

static void durations(struct exposition *e, const struct http_server *server)
{
    struct http_call_figures call;
    exposition_histogram(e, "tamga_http_request_duration_seconds",
                         "From a request's first line to the end of its answer.");
    for (size_t i = 0; http_server_call_figures(server, i, &call); i++) {
        const struct label labels[] = {
            {"path", path_of(&call)}, {"method", name_of(call.method)}, {NULL, NULL}};
        const struct timings timings = {.bounds_us = http_bounds_us,
                                        .buckets = call.buckets,
                                        .bounds = HTTP_BOUNDS,
                                        .total_us = call.total_us};
        exposition_timings(e, labels, &timings);
    }
}

static void connections(struct exposition *e, const struct http_figures *f)
{
    exposition_gauge(e, "tamga_http_connections", "Connections that stand.");
    exposition_count(e, NULL, f->connections);
    exposition_gauge(e, "tamga_http_connections_max", "Connections that may stand at once.");
    exposition_count(e, NULL, f->connections_max);
    exposition_gauge(e, "tamga_http_requests_under_way", "Requests that have no answer yet.");
    exposition_count(e, NULL, f->under_way);
    exposition_counter(e, "tamga_http_connections_cut_total",
                       "Connections that were cut because their time was over.");
    exposition_count(e, NULL, f->timed_out);
}

static void lanes(struct exposition *e, const struct http_figures *f)
{
    exposition_gauge(e, "tamga_lane_queue_length", "Requests that wait for a worker.");
    exposition_count(e, NULL, f->queued);
    exposition_gauge(e, "tamga_lane_queue_max", "Requests that may wait for a worker.");
    exposition_count(e, NULL, f->queue_max);
    exposition_gauge(e, "tamga_lane_workers_busy", "Workers that run a request.");
    exposition_count(e, NULL, f->busy);
    exposition_gauge(e, "tamga_lane_workers", "Workers there are.");
    exposition_count(e, NULL, f->workers);
    exposition_counter(e, "tamga_lane_handed_over_total", "Requests that were given to a worker.");
    exposition_count(e, NULL, f->handed_over);
    exposition_counter(e, "tamga_lane_refused_total",
                       "Requests answered 503 because the queue was full.");
    exposition_count(e, NULL, f->refused_full);
}

void families_of_server(struct exposition *e, struct request *rq)
{
    struct http_server *server = rq->app->server;
    const struct http_figures figures = http_server_figures(server);
    requests(e, server);
    durations(e, server);
    connections(e, &figures);
    lanes(e, &figures);
}
