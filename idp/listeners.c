#include "listeners.h"

#include <stdio.h>
#include <string.h>

#include "app.h"
#include "http/server.h"
#include "routes.h"

enum { OPERATE_DEADLINE_MS = 10000 };

/* The pages may be reached by nobody else's script, and may reach us and the assistant only. */
static void write_csp(struct app *app)
{
    (void)snprintf(app->csp, sizeof(app->csp),
                   "default-src 'none'; script-src 'self'; style-src 'self'; "
                   "img-src 'self' data: https:; font-src 'self'; connect-src 'self' %s; "
                   "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
                   app->config.assistant_address);
}

/* A handful of machines asks it, every few seconds; two workers, since a store may not answer one.
 */
static enum idp_err open_operate(struct app *app, char **why)
{
    const struct config *c = &app->config;
    const struct http_settings settings = {
        .address = c->operate_address,
        .port = (uint16_t)c->operate_port,
        .threads = 1,
        .workers = 2,
        .queue = 16,
        .connections = 64,
        .per_address = 64,
        .deadline_ms = OPERATE_DEADLINE_MS,
        .quiet = true,
    };
    return http_server_open(&settings, idp_operate_routes, why, &app->operate);
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
    enum idp_err err = http_server_open(&settings, app->routes, why, &app->server);
    return err == IDP_OK && c->operate_port != 0 ? open_operate(app, why) : err;
}

enum idp_err listeners_begin(struct app *app, char **why)
{
    enum idp_err err = http_server_begin(app->server, app, why);
    if (err == IDP_OK && app->operate != NULL)
        err = http_server_begin(app->operate, app, why);
    return err;
}

void listeners_close(struct app *app)
{
    http_server_stop(app->operate, 0); /* first: it tells about the other */
    app->operate = NULL;
    http_server_stop(app->server, 0);
    app->server = NULL;
}
