#include "reload.h"

#include <stdlib.h>

#include "app.h"
#include "base/log.h"
#include "command.h"
#include "http/server.h"
#include "trust_list.h"

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

static const char *reload_trust_list(struct app *app)
{
    char *why = NULL;
    enum idp_err err = trust_list_reload(app, &why);
    if (err == IDP_NOT_FOUND)
        return NULL;
    if (err == IDP_OK)
        return "read";
    complain("trust_list", why);
    return "kept";
}

void reload(struct app *app, const char *settings)
{
    struct log_line line;
    const char *file = reopen_log(app->config.log_file);
    const char *level = reload_level(settings);
    const char *certificate = reload_certificate(app);
    const char *trust_list = reload_trust_list(app);
    log_begin(&line, LOG_WARN, "reloaded"); /* so that it is read at every usual level */
    log_text(&line, "log_file", file);
    log_text(&line, "log_level", level);
    log_text(&line, "certificate", certificate);
    log_text(&line, "trust_list", trust_list);
    if (certificate != NULL)
        log_number(&line, "certificate_ends", http_server_certificate_ends(app->server));
    log_end(&line);
}
