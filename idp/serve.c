/* Starts what the settings name, serves until SIGTERM or SIGINT, and closes everything in order. */
#include "serve.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/outbox.h"
#include "app.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "client/registry.h"
#include "command.h"
#include "evidence/refusals.h"
#include "jobs.h"
#include "jose/purpose_keys.h"
#include "jose/sign.h"
#include "jose/wrapped.h"
#include "listeners.h"
#include "oauth/jwks.h"
#include "pki/pki.h"
#include "reload.h"
#include "restart.h"
#include "routes.h"
#include "setup.h"
#include "stop.h"
#include "store/generation.h"
#include "store/schema.h"
#include "trust_list.h"

enum { NODE_MAX = 64, NODE_ID_SIZE = 6 };

struct serving {
    const char *settings; /* the file */
    sigset_t signals;     /* that the main thread waits for */
};

/* Whether the database is still one that this program can work with: another program may have
 * migrated it, which is a new generation. Says so once. */
static enum idp_err check_schema(struct app *app)
{
    char why[SCHEMA_LINE_MAX];
    struct schema schema;
    enum idp_err err = schema_look(app->db, &schema);
    if (err != IDP_OK)
        return err;
    bool fits = schema_fits(&schema, why);
    if (!atomic_exchange(&app->left_behind, !fits) && !fits)
        log_event(LOG_ERROR, "schema_left_behind", "reason", why);
    return fits ? IDP_OK : IDP_CONFLICT;
}

/* A record that this node may have cached changed somewhere. */
static enum idp_err forget(void *with, int64_t generation)
{
    struct app *app = with;
    (void)generation;
    client_registry_refresh(app->clients);
    enum idp_err err = check_schema(app);
    if (err == IDP_OK)
        err = purpose_keys_reload(app->keys);
    if (err == IDP_OK)
        err = signer_reload(app->signer, clock_now());
    if (err == IDP_OK)
        err = oauth_jwks_prepare(app);
    if (err == IDP_OK)
        err = pki_renew_revoked(app->pki);
    return err == IDP_OK ? trust_list_renew(app) : err;
}

/* Whether records that this node caches may be out of date. */
static bool is_stale(const void *with)
{
    return generation_stale(with);
}

/* Returns when the program is to end. */
static void wait_for_end(struct app *app, const sigset_t *signals, const char *settings)
{
    int got = 0;
    (void)sigwait(signals, &got);
    for (; got == SIGHUP; (void)sigwait(signals, &got))
        reload(app, settings);
    log_event(LOG_INFO, "stopping", "signal", got == SIGINT ? "INT" : "TERM");
}

/* Two machines may listen on the same address, so a node's name is drawn at each start. */
static enum idp_err name_node(const struct config *config, char node[NODE_MAX])
{
    unsigned char id[NODE_ID_SIZE];
    char text[2 * NODE_ID_SIZE + 1];
    enum idp_err err = random_bytes(id, sizeof(id));
    if (err != IDP_OK)
        return err;
    text_to_hex(id, sizeof(id), text);
    (void)snprintf(node, NODE_MAX, "%.40s:%lld/%s", config->listen_address,
                   (long long)config->listen_port, text);
    return IDP_OK;
}

static enum idp_err watch_generation(struct app *app, const char *node)
{
    struct generation_listener listener = {.changed = forget, .with = app};
    struct arena *arena = arena_new();
    listener.holds = arena != NULL ? wrapped_holds(app->master, arena) : NULL;
    enum idp_err err = listener.holds != NULL
                           ? generation_watch_start(app->db, node, &listener, &app->watch)
                           : IDP_FAULT;
    arena_free(arena);
    return err;
}

/* What was ordered while nobody ran, before anybody can use what it ends. What cannot be done now
 * is left to the job. */
static void catch_up(struct app *app)
{
    (void)outbox_deliver(&app->access, OUTBOX_TOMBSTONES, clock_now_ms());
}

static enum idp_err begin(struct app *app, char **why, struct jobs **jobs)
{
    char node[NODE_MAX];
    enum idp_err err = name_node(&app->config, node);
    if (err == IDP_OK)
        err = watch_generation(app, node);
    if (err == IDP_OK) {
        client_registry_guard(app->clients, is_stale, app->watch);
        purpose_keys_guard(app->keys, is_stale, app->watch);
        signer_guard(app->signer, is_stale, app->watch);
        catch_up(app);
        err = listeners_begin(app, why);
    }
    return err == IDP_OK ? jobs_start(app, node, jobs) : err;
}

/* Those that no job wrote any more. */
static void note_last_refusals(struct app *app)
{
    if (refusals_flush(app->refusals, app->db) != IDP_OK)
        log_event(LOG_WARN, "refusals_not_written", NULL, NULL);
}

/* Serves with what is open, until the end; closes it. */
static enum idp_err serve(struct app *app, const struct serving *serving, char **why)
{
    struct jobs *jobs = NULL;
    struct stop *stop = NULL;
    restart_return(app);
    enum idp_err err = begin(app, why, &jobs);
    if (err == IDP_OK) {
        log_event(LOG_INFO, "serving", "issuer", app->config.issuer);
        wait_for_end(app, &serving->signals, serving->settings);
        stop_begin(app, &serving->signals, &stop);
    }
    listeners_close(app);
    jobs_stop(jobs);
    note_last_refusals(app);
    generation_watch_stop(app->watch);
    restart_keep(app);
    setup_close(app);
    stop_end(stop);
    return err;
}

static enum idp_err run(struct app *app, const struct serving *serving, char **why)
{
    enum idp_err err = command_open_log(&app->config, why);
    if (err == IDP_OK)
        err = setup_open_files(app, why);
    if (err == IDP_OK)
        err = listeners_open(app, why);
    if (err == IDP_OK)
        err = setup_open_stores(app, why);
    if (err == IDP_OK)
        err = setup_open_server(app, why);
    if (err == IDP_OK)
        return serve(app, serving, why);
    listeners_close(app);
    return err;
}

/* All threads inherit it: signals are waited for by the main thread. */
static void block_signals(sigset_t *signals)
{
    (void)sigemptyset(signals);
    (void)sigaddset(signals, SIGHUP);
    (void)sigaddset(signals, SIGINT);
    (void)sigaddset(signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, signals, NULL);
}

int serve_command(const char *const files[])
{
    struct app app = {.routes = idp_routes};
    struct serving serving = {.settings = files[0]};
    char *why = NULL;
    block_signals(&serving.signals);
    if (config_load(files[0], &why, &app.config) != IDP_OK)
        return command_give_up(why);
    enum idp_err err = run(&app, &serving, &why);
    config_free(&app.config);
    return err == IDP_OK ? EXIT_SUCCESS : command_give_up(why);
}
