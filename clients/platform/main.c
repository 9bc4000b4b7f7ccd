/*
 * tamga-platform: the demo trading platforms of a settings file, each on its own address with a
 * server of its own, in one program.
 *
 *     tamga-platform serve --settings FILE
 *
 * Exit codes: 0 done, 1 refused or failed, 2 wrong command line.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "http/server.h"
#include "platform/app.h"
#include "platform/routes.h"
#include "version.h"

enum { WORKERS = 4, CONNECTIONS = 512, STOP_MS = 3000, EXIT_USAGE = 2 };

static const char csp[] = "default-src 'none'; style-src 'self'; img-src 'self'; "
                          "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/* All that runs. */
struct platforms {
    size_t count;
    struct app *apps[SETTINGS_PLATFORMS_MAX];
    struct http_server *servers[SETTINGS_PLATFORMS_MAX];
};

static void say(const char *why)
{
    (void)fprintf(stderr, "tamga-platform: %s\n", why);
}

static enum idp_err start_one(const struct settings *settings, size_t i, struct platforms *running,
                              char why[SETTINGS_WHY_MAX])
{
    char *reason = NULL;
    const struct platform_settings *own = &settings->platforms[i];
    const struct http_settings http = {.address = own->address,
                                       .port = own->port,
                                       .threads = 1,
                                       .workers = WORKERS,
                                       .connections = CONNECTIONS,
                                       .certificate = settings->tls_certificate,
                                       .key = settings->tls_key,
                                       .csp = csp,
                                       .quiet = true};
    enum idp_err err = app_new(settings, i, why, &running->apps[i]);
    if (err != IDP_OK)
        return err;
    running->count = i + 1;
    err =
        http_server_start(&http, platform_routes, running->apps[i], &reason, &running->servers[i]);
    if (err != IDP_OK && reason != NULL)
        (void)snprintf(why, SETTINGS_WHY_MAX, "%s: %s", own->id, reason);
    free(reason);
    return err;
}

static void stop_all(struct platforms *running)
{
    for (size_t i = 0; i < running->count; i++) {
        if (running->servers[i] != NULL)
            http_server_stop(running->servers[i], STOP_MS);
        app_free(running->apps[i]);
    }
}

/* Starts all platforms and waits for a signal. The signals are blocked in every thread. */
static int serve_all(const struct settings *settings, const sigset_t *signals)
{
    int caught = 0;
    struct platforms running = {0};
    char why[SETTINGS_WHY_MAX] = "out of memory";
    for (size_t i = 0; i < settings->count; i++) {
        if (start_one(settings, i, &running, why) != IDP_OK) {
            stop_all(&running);
            say(why);
            return 1;
        }
    }
    struct log_line line;
    log_begin(&line, LOG_INFO, "started");
    log_number(&line, "platforms", (int64_t)settings->count);
    log_end(&line);
    (void)sigwait(signals, &caught);
    stop_all(&running);
    log_event(LOG_INFO, "stopped", NULL, NULL);
    return 0;
}

static int serve(const char *file)
{
    sigset_t signals;
    struct settings settings;
    char why[SETTINGS_WHY_MAX] = "out of memory";
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)signal(SIGPIPE, SIG_IGN);
    struct arena *arena = arena_new();
    int status = 1;
    if (arena == NULL || pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0 ||
        settings_read(arena, file, why, &settings) != IDP_OK)
        say(why);
    else
        status = serve_all(&settings, &signals);
    arena_free(arena);
    return status;
}

static const char usage[] = "usage: tamga-platform serve --settings FILE\n"
                            "      the platforms of the demo, until SIGTERM\n"
                            "  --help, --version\n"
                            "Exit codes: 0 done, 1 refused or failed, 2 wrong command line.\n";

/* Answers who asks. Returns an exit code. */
static int tell(const char *text)
{
    (void)fputs(text, stdout);
    return ferror(stdout) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "serve") == 0 && strcmp(argv[2], "--settings") == 0)
        return serve(argv[3]);
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return tell(usage);
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return tell("tamga-platform " TAMGA_VERSION "\n");
    (void)fputs(usage, stderr);
    return EXIT_USAGE;
}
