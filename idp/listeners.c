#include "listeners.h"

#include <stdio.h>
#include <string.h>

#include "app.h"
#include "http/server.h"

/* The pages may be reached by nobody else's script, and may reach us and the assistant only. */
static void write_csp(struct app *app)
{
    (void)snprintf(app->csp, sizeof(app->csp),
                   "default-src 'none'; script-src 'self'; style-src 'self'; "
                   "img-src 'self' data: https:; font-src 'self'; connect-src 'self' %s; "
                   "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
                   app->config.assistant_address);
}

enum idp_err listeners_open(struct app *app, char **why)
{
    const struct config *c = &app->config;
    write_csp(app);
    const struct http_settings settings = {
        .address = c->listen_address,
        .port = (uint16_t)c->listen_port,
        .threads = (unsigned)c->threads,
        .workers = (unsigned)c->workers,
        .queue = (size_t)c->queue,
        .connections = (unsigned)c->connections,
        .per_address = (unsigned)c->connections_per_address,
        .deadline_ms = (unsigned)c->deadline_ms,
        .certificate = c->tls_certificate,
        .key = c->tls_key,
        .proxies = c->proxies,
        .csp = app->csp,
    };
    return http_server_open(&settings, app->routes, why, &app->server);
}

enum idp_err listeners_begin(struct app *app, char **why)
{
    return http_server_begin(app->server, app, why);
}

void listeners_close(struct app *app)
{
    http_server_stop(app->server, 0);
    app->server = NULL;
}
