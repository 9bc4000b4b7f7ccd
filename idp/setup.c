#include "setup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "client/registry.h"
#include "evidence/kept.h"
#include "evidence/objects.h"
#include "evidence/refusals.h"
#include "evidence/seen.h"
#include "http/files.h"
#include "http/http.h"
#include "jose/master.h"
#include "jose/purpose_keys.h"
#include "jose/sign.h"
#include "jose/wrapped.h"
#include "net/fetch.h"
#include "notify/mailer.h"
#include "oauth/discovery.h"
#include "oauth/jwks.h"
#include "pki/crl/crl_renew.h"
#include "pki/crl/crls.h"
#include "pki/pki.h"
#include "pki/revocation/watch.h"
#include "pki/trust/trust.h"
#include "store/kv.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "trust_list.h"

enum { BACKGROUND_THREADS = 2, WHY_MAX = 512, PASSWORD_MAX = 1024 };

/* Sets *why where the failing step did not, and passes the error on. */
__attribute__((format(printf, 3, 4))) static enum idp_err explain(enum idp_err err, char **why,
                                                                  const char *format, ...)
{
    if (err == IDP_OK || *why != NULL)
        return err;
    *why = malloc(WHY_MAX);
    if (*why == NULL)
        return err;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(*why, WHY_MAX, format, args);
    va_end(args);
    return err;
}

/* Sets *why where the failing step did not, with the setting before what the store said. */
static enum idp_err check_schema(struct app *app, char **why)
{
    char *said = NULL;
    enum idp_err err = migrate_check(app->db, &said);
    if (err != IDP_OK)
        err = explain(err, why, "store.sql: %s: %s", app->config.sql,
                      said != NULL ? said : "the database's schema version cannot be read");
    free(said);
    return err;
}

static enum idp_err open_master(struct app *app, char **why)
{
    const struct master_places places = {.file = app->config.master_key_file,
                                         .next_file = app->config.master_key_file_next};
    enum idp_err err = wrapped_open_master(app->db, &places, why, &app->master);
    return explain(err, why, "store.sql: %s: the keys cannot be read", app->config.sql);
}

static enum idp_err open_keys(struct app *app, char **why)
{
    int64_t now = clock_now();
    const char *file = app->config.master_key_file;
    enum idp_err err = open_master(app, why);
    if (err != IDP_OK)
        return err;
    app->key_policy = config_keys(&app->config);
    err = purpose_keys_open(app->db, app->master, now, &app->keys);
    if (err == IDP_OK)
        err = signer_open(app->db, app->master, &app->key_policy, now, &app->signer);
    if (err == IDP_DENIED)
        return explain(err, why, "master_key_file: %s: does not open the keys in %s",
                       file != NULL ? file : MASTER_VARIABLE, app->config.sql);
    return explain(err, why, "store.sql: %s: the keys cannot be read", app->config.sql);
}

static void fill_access(struct app *app)
{
    const struct config *c = &app->config;
    app->access = (struct access){
        .db = app->db,
        .kv = app->kv,
        .keys = app->keys,
        .issuer = c->issuer,
        .challenge_s = c->challenge_s,
        .interaction_s = c->interaction_s,
        .code_s = c->code_s,
        .session_idle_s = c->session_idle_s,
        .session_absolute_s = c->session_absolute_s,
        .access_token_s = c->access_token_s,
        .launch_s = c->launch_s,
        .refresh_family_s = c->refresh_family_s,
        .refresh_grace_s = c->refresh_grace_s,
        .tells = c->mail_server != NULL,
        .support_phone = c->support_phone,
        .message_retry_s = c->mail_retry_s,
        .message_attempts = c->mail_attempts,
    };
}

static bool begin_records(struct app *app)
{
    app->kept = kept_new();
    app->seen = seen_new();
    app->refusals = refusals_new(app->seen);
    return app->kept != NULL && app->seen != NULL && app->refusals != NULL;
}

static enum idp_err open_stores(struct app *app, char **why)
{
    const struct config *c = &app->config;
    /* The one that leaves a file comes last: a wrong setting must not leave a database behind. */
    const struct kv_settings kv_settings = config_kv(c);
    enum idp_err err = kv_open(&kv_settings, why, &app->kv);
    if (err != IDP_OK)
        return explain(err, why, "store.kv: no memory");
    const struct sql_settings settings = config_sql(c);
    err = sql_open_with(&settings, why, &app->db);
    if (err != IDP_OK)
        return explain(err, why, "store.sql: no memory");
    err = check_schema(app, why);
    if (err == IDP_OK)
        err = open_keys(app, why);
    if (err != IDP_OK)
        return err;
    app->clients = client_registry_new(app->db);
    fill_access(app);
    return app->clients != NULL && begin_records(app) ? IDP_OK
                                                      : explain(IDP_FAULT, why, "no memory");
}

enum idp_err setup_open_stores(struct app *app, char **why)
{
    enum idp_err err = open_stores(app, why);
    if (err != IDP_OK)
        setup_close(app);
    return err;
}

static enum idp_err read_archive(void *db, struct arena *arena, const unsigned char *hash,
                                 const unsigned char **der, size_t *len)
{
    return evidence_object_read(db, arena, hash, der, len);
}

/* The folder is made only when the trust list names places of lists. */
static enum idp_err open_lists(struct app *app, const struct trust *trust, char **why)
{
    char *said = NULL;
    const char *folder = app->config.crl_folder;
    enum idp_err err = crls_new(folder, &app->crls);
    if (err != IDP_OK || !crls_are_wanted(trust))
        return err;
    if (folder == NULL)
        return explain(IDP_BAD_REQUEST, why,
                       "crl_folder: is missing, and the trust list names addresses of lists");
    err = crls_begin_folder(app->crls, &said);
    if (err != IDP_OK)
        err = explain(err, why, "crl_folder: %s", said != NULL ? said : folder);
    free(said);
    return err;
}

static enum idp_err begin_watch(struct app *app)
{
    const struct watch_hook hook = {.context = &app->access, .turned = watched_turned};
    app->access.pki = app->pki;
    app->lock_watch = watch_new(app->pki, &hook);
    return app->lock_watch != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err open_pki(struct app *app, char **why)
{
    struct trust *trust = NULL;
    enum idp_err err = trust_list_open(app, why, &trust);
    if (err != IDP_OK)
        return explain(err, why, "no memory");
    err = net_new((const char *const *)app->config.allow, &app->net);
    if (err == IDP_OK)
        err = open_lists(app, trust, why);
    if (err != IDP_OK) {
        trust_free(trust);
        return explain(err, why, "no memory");
    }
    struct pki_settings settings = {
        .trust = trust,
        .kv = app->kv,
        .db = app->db,
        .fetch = pki_fetch_by_net(app->net),
        .archive = {.context = app->db, .read = read_archive},
        .lists = pki_lists_of(app->crls),
        .background = BACKGROUND_THREADS,
        /* One slow authority may hold a quarter of the workers: the others serve the others. */
        .waiters = (unsigned)(app->config.workers + 3) / 4,
        .sm2_by_openssl = app->config.sm2_by_openssl,
    };
    err = pki_new(&settings, &app->pki);
    if (err != IDP_OK) {
        trust_free(trust);
        return explain(err, why, "no memory");
    }
    err = begin_watch(app);
    app->lists = crl_renew_new(app->net, app->crls);
    return explain(app->lists != NULL ? err : IDP_FAULT, why, "no memory");
}

/* Puts the setting's name before what the room said of a folder. */
static enum idp_err load_folder(const char *setting, const char *folder, char **why,
                                struct http_files **out)
{
    char *said = NULL;
    enum idp_err err = http_files_load(folder, &said, out);
    if (err != IDP_OK)
        err = explain(err, why, "%s: %s", setting, said != NULL ? said : folder);
    free(said);
    return err;
}

static enum idp_err open_pages(struct app *app, char **why)
{
    enum idp_err err = load_folder("pages", app->config.pages, why, &app->pages);
    if (err == IDP_OK && http_files_find(app->pages, "index.html") == NULL)
        err = explain(IDP_UNAVAILABLE, why, "pages: %s: has no index.html; build the pages first",
                      app->config.pages);
    if (err == IDP_OK && app->config.packages != NULL)
        err = load_folder("packages", app->config.packages, why, &app->packages);
    return err;
}

/* The password of the mail server, without the line end that editors leave. Without a file there is
 * none, and bytes stays NULL. */
static enum idp_err read_mail_password(const struct app *app, char **why, struct file_bytes *out)
{
    const char *path = app->config.mail_password_file;
    char *said = NULL;
    *out = (struct file_bytes){.bytes = NULL};
    if (path == NULL)
        return IDP_OK;
    enum idp_err err = file_read(path, FILE_PRIVATE, PASSWORD_MAX, &said, out);
    if (err == IDP_OK)
        out->bytes[strcspn(out->bytes, "\r\n")] = '\0';
    else
        err = explain(err, why, "mail.password_file: %s", said != NULL ? said : path);
    free(said);
    return err;
}

static enum idp_err open_mailer(struct app *app, char **why)
{
    const struct config *c = &app->config;
    struct file_bytes password;
    if (c->mail_server == NULL)
        return IDP_OK;
    enum idp_err err = read_mail_password(app, why, &password);
    if (err != IDP_OK)
        return err;
    const struct mailer_settings settings = {.server = c->mail_server,
                                             .starttls = c->mail_starttls,
                                             .ca_file = c->mail_ca_file,
                                             .user = c->mail_user,
                                             .password = password.bytes,
                                             .from = c->mail_from,
                                             .from_name = c->mail_name};
    err = mailer_new(app->net, &settings, &app->mailer);
    file_drop(&password);
    app->access.mailer = app->mailer;
    return explain(err, why, "no memory");
}

static enum idp_err check_mail_files(struct app *app, char **why)
{
    struct file_bytes password;
    const char *ca_file = app->config.mail_ca_file;
    enum idp_err err = read_mail_password(app, why, &password);
    if (err != IDP_OK)
        return err;
    file_drop(&password);
    if (ca_file != NULL && access(ca_file, R_OK) != 0)
        return explain(IDP_UNAVAILABLE, why, "mail.ca_file: %s: cannot be read", ca_file);
    return IDP_OK;
}

enum idp_err setup_open_files(struct app *app, char **why)
{
    enum idp_err err = explain(trust_list_read(app, why), why, "no memory");
    if (err == IDP_OK)
        err = check_mail_files(app, why);
    if (err == IDP_OK)
        err = open_pages(app, why);
    if (err != IDP_OK)
        setup_close(app);
    return err;
}

static enum idp_err open_server(struct app *app, char **why)
{
    enum idp_err err = open_pki(app, why);
    if (err == IDP_OK)
        err = open_mailer(app, why);
    if (err == IDP_OK && app->pages == NULL)
        err = open_pages(app, why);
    if (err == IDP_OK)
        err = explain(oauth_discovery_prepare(app), why, "no memory");
    if (err == IDP_OK)
        err = explain(oauth_jwks_prepare(app), why, "the signing keys cannot be used");
    return err;
}

enum idp_err setup_open_server(struct app *app, char **why)
{
    enum idp_err err = open_server(app, why);
    if (err != IDP_OK)
        setup_close(app);
    return err;
}

void setup_close(struct app *app)
{
    http_fixed_free(app->discovery);
    oauth_jwks_forget(app);
    http_files_free(app->pages);
    http_files_free(app->packages);
    trust_free(app->trust_file);
    mailer_free(app->mailer);
    crl_renew_free(app->lists);
    watch_free(app->lock_watch); /* before what its threads use */
    pki_free(app->pki);
    crls_free(app->crls);
    net_free(app->net);
    client_registry_free(app->clients);
    refusals_free(app->refusals);
    seen_free(app->seen);
    kept_free(app->kept);
    signer_close(app->signer);
    purpose_keys_close(app->keys);
    master_key_free(app->master);
    if (app->kv != NULL)
        kv_close(app->kv);
    if (app->db != NULL)
        sql_close(app->db);
    const struct app before = *app;
    *app = (struct app){.config = before.config,
                        .routes = before.routes,
                        .server = before.server,
                        .operate = before.operate};
}
