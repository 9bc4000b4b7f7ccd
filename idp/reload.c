#include "reload.h"

#include <stdlib.h>

#include "app.h"
#include "base/log.h"
#include "command.h"
#include "http/server.h"

static void complain(const char *what, char *why)
{
    struct log_line line;
    log_begin(&line, LOG_ERROR, "not_reloaded");
    log_text(&line, "what", what);
    log_text(&line, "reason", why != NULL ? why : "no memory");
    log_end(&line);
    free(why);
}

/* Nothing else of the file is taken over: the rest was checked together, and lies everywhere. */
static const char *reload_level(const char *settings)
{
    struct config config;
    char *why = NULL;
    if (config_load(settings, &why, &config) != IDP_OK) {
        complain("settings", why);
        return "kept";
    }
    command_set_level(&config);
    config_free(&config);
    return "read";
}

static const char *reopen_log(const char *path)
{
    if (path == NULL)
        return NULL;
    if (log_open(path) == IDP_OK)
        return "reopened";
    complain("log.file", NULL);
    return "kept";
}

static const char *reload_certificate(struct app *app)
{
    char *why = NULL;
    if (app->config.tls_certificate == NULL)
        return NULL;
    if (http_server_reload_tls(app->server, &why) == IDP_OK)
        return "read";
    complain("listen.tls_certificate", why);
    return "kept";
}

void reload(struct app *app, const char *settings)
{
    struct log_line line;
    const char *file = reopen_log(app->config.log_file);
    const char *level = reload_level(settings);
    const char *certificate = reload_certificate(app);
    log_begin(&line, LOG_WARN, "reloaded"); /* so that it is read at every usual level */
    log_text(&line, "log_file", file);
    log_text(&line, "log_level", level);
    log_text(&line, "certificate", certificate);
    if (certificate != NULL)
        log_number(&line, "certificate_ends", http_server_certificate_ends(app->server));
    log_end(&line);
}
