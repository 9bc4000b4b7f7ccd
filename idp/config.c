#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/text.h"
#include "client/address.h"
#include "config_mail.h"
#include "http/proxies.h"

enum kind { TEXT, PATH, STORE, NUMBER, TRUTH, TEXTS };

static const char whose_keys[] = "the hashes of at least two trust managers' keys, who sign the "
                                 "trust list (tamgactl trust locks tells them)";

/* Every setting there is: its key, where it goes, what it may be, what it is when left out (or,
 * where it may not be left out, what is missing). */
static const struct setting {
    const char *section, *key; /* a NULL section is the top of the file */
    enum kind kind;
    bool required;
    size_t at;
    int64_t least, most, number;
    const char *text;
} settings[] = {
#define AT(member) .at = offsetof(struct config, member)
    {NULL, "issuer", TEXT, true, AT(issuer)},
    {NULL, "development", TRUTH, false, AT(development)},
    {NULL, "master_key_file", PATH, false, AT(master_key_file)},
    {NULL, "master_key_file_next", PATH, false, AT(master_key_file_next)},
    {NULL, "trust_list", PATH, false, AT(trust_list)},
    {NULL, "sm2_by_openssl", TRUTH, false, AT(sm2_by_openssl)},
    {NULL, "crl_folder", PATH, false, AT(crl_folder)},
    {NULL, "pages", PATH, true, AT(pages)},
    {NULL, "packages", PATH, false, AT(packages)},
    {"trust", "managers", TEXTS, true, AT(trust_managers), .text = whose_keys},
    {"trust", "signatures", NUMBER, false, AT(trust_signatures), .least = 2, .most = 16,
     .number = 2},
    {"listen", "address", TEXT, false, AT(listen_address), .text = "127.0.0.1"},
    {"listen", "port", NUMBER, true, AT(listen_port), .least = 1, .most = 65535},
    {"listen", "threads", NUMBER, false, AT(threads), .least = 0, .most = 256},
    {"listen", "workers", NUMBER, false, AT(workers), .least = 1, .most = 1024, .number = 32},
    {"listen", "queue", NUMBER, false, AT(queue), .least = 1, .most = 100000, .number = 1024},
    {"listen", "connections", NUMBER, false, AT(connections), .least = 16, .most = 1000000,
     .number = 16384},
    {"listen", "connections_per_address", NUMBER, false, AT(connections_per_address), .least = 0,
     .most = 1000000},
    {"listen", "deadline_ms", NUMBER, false, AT(deadline_ms), .least = 1000, .most = 120000,
     .number = 15000},
    {"listen", "tls_certificate", PATH, false, AT(tls_certificate)},
    {"listen", "tls_key", PATH, false, AT(tls_key)},
    {"listen", "proxies", TEXTS, false, AT(proxies)},
    {"operate", "address", TEXT, false, AT(operate_address), .text = "127.0.0.1"},
    {"operate", "port", NUMBER, false, AT(operate_port), .least = 1, .most = 65535},
    {"operate", "drain_ms", NUMBER, false, AT(drain_ms), .least = 0, .most = 60000, .number = 3000},
    {"operate", "stop_ms", NUMBER, false, AT(stop_ms), .least = 100, .most = 120000,
     .number = 10000},
    {"store", "sql", STORE, true, AT(sql)},
    {"store", "sql_password_file", PATH, false, AT(sql_password_file)},
    {"store", "sql_connections", NUMBER, false, AT(sql_connections), .least = 1, .most = 1000,
     .number = 16},
    {"store", "sql_deadline_ms", NUMBER, false, AT(sql_deadline_ms), .least = 100, .most = 60000,
     .number = 3000},
    {"store", "kv", TEXT, false, AT(kv), .text = "memory:"},
    {"store", "kv_password_file", PATH, false, AT(kv_password_file)},
    {"store", "kv_ca_file", PATH, false, AT(kv_ca_file)},
    {"store", "kv_deadline_ms", NUMBER, false, AT(kv_deadline_ms), .least = 100, .most = 60000,
     .number = 1000},
    {"assistant", "address", TEXT, false, AT(assistant_address), .text = "http://127.0.0.1:17681"},
    {"assistant", "minimum_version", TEXT, false, AT(assistant_minimum_version), .text = "0.1.0"},
    {"outgoing", "allow", TEXTS, false, AT(allow)},
    {"support", "phone", TEXT, false, AT(support_phone), .text = ""},
    {"log", "level", TEXT, false, AT(log_level), .text = "info"},
    {"log", "file", PATH, false, AT(log_file)},
    {"lifetimes", "challenge_s", NUMBER, false, AT(challenge_s), .least = 10, .most = 600,
     .number = 180},
    {"lifetimes", "interaction_s", NUMBER, false, AT(interaction_s), .least = 30, .most = 3600,
     .number = 900},
    {"lifetimes", "code_s", NUMBER, false, AT(code_s), .least = 5, .most = 600, .number = 60},
    {"lifetimes", "session_idle_s", NUMBER, false, AT(session_idle_s), .least = 60, .most = 86400,
     .number = 1800},
    {"lifetimes", "session_absolute_s", NUMBER, false, AT(session_absolute_s), .least = 60,
     .most = 604800, .number = 28800},
    {"lifetimes", "access_token_s", NUMBER, false, AT(access_token_s), .least = 30, .most = 86400,
     .number = 600},
    {"lifetimes", "id_token_s", NUMBER, false, AT(id_token_s), .least = 30, .most = 86400,
     .number = 300},
    {"lifetimes", "refresh_family_s", NUMBER, false, AT(refresh_family_s), .least = 60,
     .most = 31536000, .number = 2592000},
    {"lifetimes", "refresh_grace_s", NUMBER, false, AT(refresh_grace_s), .least = 0, .most = 60,
     .number = 10},
    {"lifetimes", "launch_s", NUMBER, false, AT(launch_s), .least = 10, .most = 3600,
     .number = 120},
    {"lifetimes", "jwks_cache_s", NUMBER, false, AT(jwks_cache_s), .least = 0, .most = 86400,
     .number = 900},
    {"keys", "rotate_days", NUMBER, false, AT(rotate_days), .least = 0, .most = 3650, .number = 90},
    {"keys", "clock_margin_s", NUMBER, false, AT(clock_margin_s), .least = 2, .most = 3600,
     .number = 60},
    {"retention", "grants_days", NUMBER, false, AT(grants_days), .least = 1, .most = 36500,
     .number = 90},
    {"retention", "outbox_days", NUMBER, false, AT(outbox_days), .least = 1, .most = 36500,
     .number = 30},
    {"retention", "access_log_days", NUMBER, false, AT(access_log_days), .least = 1, .most = 36500,
     .number = 180},
    {"retention", "certificates_days", NUMBER, false, AT(certificates_days), .least = 1,
     .most = 36500, .number = 90},
    {"retention", "refusals_days", NUMBER, false, AT(refusals_days), .least = 1, .most = 36500,
     .number = 180},
    {"rate_limits", "challenge_per_minute", NUMBER, false, AT(rate_challenge), .least = 0,
     .most = 1000000000, .number = 120},
    {"rate_limits", "authorize_per_minute", NUMBER, false, AT(rate_authorize), .least = 0,
     .most = 1000000000, .number = 240},
    {"rate_limits", "token_failures_per_minute", NUMBER, false, AT(rate_token_failures), .least = 0,
     .most = 1000000000, .number = 60},
    {"rate_limits", "sign_in_per_minute", NUMBER, false, AT(rate_sign_in), .least = 0,
     .most = 1000000000, .number = 60},
    {"rate_limits", "per_client_per_minute", NUMBER, false, AT(rate_client), .least = 0,
     .most = 1000000000, .number = 60000},
    {"mail", "server", TEXT, false, AT(mail_server)},
    {"mail", "from", TEXT, false, AT(mail_from)},
    {"mail", "name", TEXT, false, AT(mail_name)},
    {"mail", "user", TEXT, false, AT(mail_user)},
    {"mail", "password_file", PATH, false, AT(mail_password_file)},
    {"mail", "ca_file", PATH, false, AT(mail_ca_file)},
    {"mail", "starttls", TRUTH, false, AT(mail_starttls), .number = 1},
    {"mail", "retry_s", NUMBER, false, AT(mail_retry_s), .least = 1, .most = 3600, .number = 60},
    {"mail", "attempts", NUMBER, false, AT(mail_attempts), .least = 1, .most = 1000, .number = 48},
#undef AT
};

enum { SETTINGS = sizeof(settings) / sizeof(*settings) };

/* What one reading of the file needs at hand. */
struct reading {
    const char *path;
    struct arena *arena;
    json_t *root;
    struct config *out;
    char **why;
};

/* Puts "file: text" into *why. */
__attribute__((format(printf, 2, 3))) static enum idp_err wrong(const struct reading *r,
                                                                const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t n = strlen(r->path) + strlen(text) + 3;
    *r->why = malloc(n);
    if (*r->why == NULL)
        return IDP_FAULT;
    (void)snprintf(*r->why, n, "%s: %s", r->path, text);
    return IDP_BAD_REQUEST;
}

static const char *dotted(const struct reading *r, const struct setting *s)
{
    const char *name =
        s->section == NULL ? s->key : arena_printf(r->arena, "%s.%s", s->section, s->key);
    return name != NULL ? name : s->key;
}

/* How much of a text stands before a path: nothing, or the name of a store's driver. */
static size_t before_path(const struct setting *s, const char *text)
{
    static const char sqlite[] = "sqlite:";
    return s->kind == STORE && text_starts(text, sqlite) ? sizeof(sqlite) - 1 : 0;
}

/* A path is relative to the folder of the file. */
static const char *from_folder(const struct reading *r, const struct setting *s, const char *text)
{
    size_t before = before_path(s, text);
    const char *slash = strrchr(r->path, '/');
    bool holds_path = s->kind == PATH || before > 0;
    if (!holds_path || slash == NULL || text[before] == '/' || text[before] == '\0')
        return text;
    return arena_printf(r->arena, "%.*s%.*s/%s", (int)before, text, (int)(slash - r->path), r->path,
                        text + before);
}

static enum idp_err set_text(const struct reading *r, const struct setting *s, const json_t *value)
{
    const char *text = json_string_value(value);
    if (text == NULL || *text == '\0' || strlen(text) > 1024)
        return wrong(r, "%s: expected a text of 1 to 1024 characters", dotted(r, s));
    text = from_folder(r, s, text);
    if (text == NULL)
        return IDP_FAULT;
    *(const char **)(void *)((char *)r->out + s->at) = text;
    return IDP_OK;
}

static enum idp_err set_number(const struct reading *r, const struct setting *s,
                               const json_t *value)
{
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < s->least || n > s->most)
        return wrong(r, "%s: expected a number from %lld to %lld", dotted(r, s),
                     (long long)s->least, (long long)s->most);
    *(int64_t *)(void *)((char *)r->out + s->at) = n;
    return IDP_OK;
}

static enum idp_err set_texts(const struct reading *r, const struct setting *s, const json_t *value)
{
    size_t i = 0;
    const json_t *entry = NULL;
    const char **list = (const char **)(void *)((char *)r->out + s->at);
    bool fine = json_is_array(value) && json_array_size(value) <= CONFIG_ALLOW_MAX;
    json_array_foreach(value, i, entry)
    {
        fine = fine && json_is_string(entry);
        if (fine)
            list[i] = json_string_value(entry);
    }
    if (!fine)
        return wrong(r, "%s: expected a list of at most 64 texts", dotted(r, s));
    return IDP_OK;
}

static enum idp_err set(const struct reading *r, const struct setting *s, const json_t *value)
{
    switch (s->kind) {
    case TEXT:
    case PATH:
    case STORE:
        return set_text(r, s, value);
    case NUMBER:
        return set_number(r, s, value);
    case TEXTS:
        return set_texts(r, s, value);
    case TRUTH:
        break;
    }
    if (!json_is_boolean(value))
        return wrong(r, "%s: expected true or false", dotted(r, s));
    *(bool *)(void *)((char *)r->out + s->at) = json_is_true(value);
    return IDP_OK;
}

static void set_default(const struct reading *r, const struct setting *s)
{
    void *at = (char *)r->out + s->at;
    if (s->kind == NUMBER)
        *(int64_t *)at = s->number;
    if (s->kind == TEXT)
        *(const char **)at = s->text;
    if (s->kind == TRUTH)
        *(bool *)at = s->number != 0;
}

static enum idp_err read_setting(const struct reading *r, const struct setting *s)
{
    const json_t *section = s->section != NULL ? json_object_get(r->root, s->section) : r->root;
    const json_t *value = json_object_get(section, s->key);
    if (value != NULL)
        return set(r, s, value);
    if (s->required)
        return wrong(r, "%s: is missing%s%s", dotted(r, s), s->text != NULL ? ": " : "",
                     s->text != NULL ? s->text : "");
    set_default(r, s);
    return IDP_OK;
}

static bool is_known(const char *section, const char *key)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        const char *of = settings[i].section;
        bool same = section == NULL ? of == NULL : of != NULL && strcmp(of, section) == 0;
        if (same && strcmp(settings[i].key, key) == 0)
            return true;
    }
    return false;
}

static bool is_section(const char *name)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (settings[i].section != NULL && strcmp(settings[i].section, name) == 0)
            return true;
    return false;
}

static enum idp_err refuse_unknown_in(const struct reading *r, const char *section, json_t *object)
{
    const char *key = NULL;
    json_t *value = NULL;
    if (!json_is_object(object))
        return wrong(r, "%s: expected an object", section);
    json_object_foreach(object, key, value)
    {
        if (!is_known(section, key))
            return wrong(r, "%s.%s: no such setting", section, key);
    }
    return IDP_OK;
}

static enum idp_err refuse_unknown(const struct reading *r)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(r->root, key, value)
    {
        enum idp_err err = is_section(key) ? refuse_unknown_in(r, key, value) : IDP_OK;
        if (err != IDP_OK)
            return err;
        if (!is_section(key) && !is_known(NULL, key))
            return wrong(r, "%s: no such setting", key);
    }
    return IDP_OK;
}

/* The port that belongs to the scheme, which browsers leave out of an origin. */
static const char *usual_port(const char *issuer)
{
    return text_starts(issuer, "https:") ? ":443" : ":80";
}

/*
 * OIDC Discovery section 2: https, no query, no fragment; and no path, so that cookies, CORS and
 * the origin inside a lock's signature all mean the same thing. It is compared with what browsers
 * send as Origin (RFC 6454 section 6.1), byte for byte.
 */
static enum idp_err check_issuer(const struct reading *r)
{
    const char *issuer = r->out->issuer;
    const struct address_rules rules = {.development = r->out->development};
    const char *problem = address_problem(issuer, &rules);
    if (problem != NULL)
        return wrong(r, "issuer: %s", problem);
    const char *host = strchr(issuer, ':') + 3;
    if (strpbrk(host, "/?") != NULL)
        return wrong(r, "issuer: expected scheme://host[:port] and nothing behind it");
    if (strpbrk(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL)
        return wrong(r, "issuer: expected lower case, as browsers write an origin");
    const char *port = strrchr(issuer, ':');
    if (strcmp(port, usual_port(issuer)) == 0)
        return wrong(r, "issuer: expected without %s, as browsers write an origin", port);
    r->out->origin = issuer;
    return IDP_OK;
}

/* Reads a key as it is named: its hash, and not that of one before. */
static bool add_manager(struct trust_managers *managers, const char *name)
{
    size_t n = 0;
    unsigned char *key = managers->keys[managers->count];
    if (base64url_decode(name, strlen(name), key, DIGEST_SIZE, &n) != IDP_OK || n != DIGEST_SIZE)
        return false;
    for (size_t i = 0; i < managers->count; i++)
        if (memcmp(managers->keys[i], key, DIGEST_SIZE) == 0)
            return false;
    managers->count++;
    return true;
}

/* The trust list counts with their signatures only, so there is no start without them. */
static enum idp_err check_managers(const struct reading *r)
{
    const char *const *names = r->out->trust_managers;
    struct trust_managers *managers = &r->out->managers;
    *managers = (struct trust_managers){.origin = r->out->origin,
                                        .needed = (size_t)r->out->trust_signatures};
    for (size_t i = 0; names[i] != NULL && i <= TRUST_MANAGERS_MAX; i++)
        if (i == TRUST_MANAGERS_MAX || !add_manager(managers, names[i]))
            return wrong(r,
                         "trust.managers[%zu]: expected another key's hash, at most 16 of them: "
                         "SHA-256 of its SubjectPublicKeyInfo in base64url (tamgactl trust locks "
                         "tells it)",
                         i);
    if (managers->count < TRUST_MANAGERS_MIN)
        return wrong(r, "trust.managers: expected %s", whose_keys);
    if (managers->needed > managers->count)
        return wrong(r, "trust.signatures: expected no more than there are trust.managers");
    return IDP_OK;
}

static enum idp_err check_log_level(const struct reading *r)
{
    return text_list_has("debug info warn error", r->out->log_level)
               ? IDP_OK
               : wrong(r, "log.level: expected debug, info, warn or error");
}

static bool is_loopback(const char *address)
{
    return text_starts(address, "127.") || strcmp(address, "::1") == 0;
}

static enum idp_err check_proxies(const struct reading *r)
{
    size_t bad = 0;
    struct http_proxies *proxies = NULL;
    enum idp_err err = http_proxies_new(r->out->proxies, &bad, &proxies);
    if (err == IDP_BAD_REQUEST)
        return wrong(r, "listen.proxies[%zu]: expected an IP address or a network like 10.0.0.0/8",
                     bad);
    if (err == IDP_OK)
        http_proxies_free(proxies);
    return err;
}

/* Whoever serves strangers speaks TLS, or stands behind somebody who does. */
static enum idp_err check_tls(const struct reading *r)
{
    const struct config *c = r->out;
    if ((c->tls_certificate == NULL) != (c->tls_key == NULL))
        return wrong(r, "listen.tls_certificate, listen.tls_key: expected both or none");
    if (c->tls_certificate == NULL && c->proxies[0] == NULL && !c->development)
        return wrong(r, "listen.tls_certificate: is missing, and no listen.proxies that speak TLS");
    return IDP_OK;
}

/* Plain http is for one's own machine. */
static enum idp_err check_listen(const struct reading *r)
{
    if (r->out->development && !is_loopback(r->out->listen_address))
        return wrong(r, "listen.address: expected a loopback address with development: true");
    if (r->out->operate_port == r->out->listen_port &&
        strcmp(r->out->operate_address, r->out->listen_address) == 0)
        return wrong(r, "operate.port: expected another one than listen.port");
    return check_proxies(r);
}

/* The assistant is on the bidder's own machine, and the pages' policy names its address. */
static enum idp_err check_assistant(const struct reading *r)
{
    const char *address = r->out->assistant_address;
    bool local = text_starts(address, "http://127.") || text_starts(address, "http://[::1]");
    if (!local || strpbrk(address + strlen("http://"), "/?#@ ;,'\"") != NULL)
        return wrong(r, "assistant.address: expected http://127.0.0.1:PORT");
    return IDP_OK;
}

static enum idp_err check_outgoing(const struct reading *r)
{
    for (size_t i = 0; r->out->allow[i] != NULL; i++) {
        const char *colon = strrchr(r->out->allow[i], ':');
        int64_t port = 0;
        if (colon == NULL || colon == r->out->allow[i] || strchr(r->out->allow[i], '/') != NULL ||
            !text_to_number(colon + 1, 1, 65535, &port))
            return wrong(r, "outgoing.allow[%zu]: expected host:port", i);
    }
    return IDP_OK;
}

static enum idp_err check_mail(const struct reading *r)
{
    const char *problem = config_mail_problem(r->out);
    return problem != NULL ? wrong(r, "%s", problem) : IDP_OK;
}

/* Beside an embedded database there is a place that the program may write to. */
static enum idp_err place_lists(const struct reading *r)
{
    static const char sqlite[] = "sqlite:";
    struct config *c = r->out;
    if (c->crl_folder != NULL || !text_starts(c->sql, sqlite))
        return IDP_OK;
    c->crl_folder = arena_printf(r->arena, "%s.crl", c->sql + sizeof(sqlite) - 1);
    return c->crl_folder != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err read_all(const struct reading *r)
{
    enum idp_err err = refuse_unknown(r);
    for (size_t i = 0; err == IDP_OK && i < SETTINGS; i++)
        err = read_setting(r, &settings[i]);
    if (err == IDP_OK)
        err = check_issuer(r);
    if (err == IDP_OK)
        err = place_lists(r);
    if (err == IDP_OK)
        err = check_managers(r);
    if (err == IDP_OK)
        err = check_log_level(r);
    if (err == IDP_OK)
        err = check_listen(r);
    if (err == IDP_OK)
        err = check_tls(r);
    if (err == IDP_OK)
        err = check_assistant(r);
    if (err == IDP_OK)
        err = check_mail(r);
    return err == IDP_OK ? check_outgoing(r) : err;
}

static void drop_json(void *json)
{
    json_decref(json);
}

static enum idp_err parse(const struct reading *r, json_t **out)
{
    json_error_t error;
    json_t *root = json_load_file(r->path, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL && error.line < 1)
        return wrong(r, "cannot be read");
    if (root == NULL)
        return wrong(r, "line %d: %s", error.line, error.text);
    if (arena_own(r->arena, root, drop_json) == NULL)
        return IDP_FAULT;
    if (!json_is_object(root))
        return wrong(r, "expected one JSON object");
    *out = root;
    return IDP_OK;
}

enum idp_err config_load(const char *path, char **why, struct config *out)
{
    struct arena *arena = arena_new();
    struct reading r = {.path = path, .arena = arena, .out = out, .why = why};
    if (arena == NULL)
        return IDP_FAULT;
    *out = (struct config){.document = arena};
    enum idp_err err = parse(&r, &r.root);
    if (err == IDP_OK)
        err = read_all(&r);
    if (err != IDP_OK)
        config_free(out);
    return err;
}

void config_free(struct config *config)
{
    arena_free(config->document);
    config->document = NULL;
}

struct sql_settings config_sql(const struct config *config)
{
    return (struct sql_settings){.where = config->sql,
                                 .password_file = config->sql_password_file,
                                 .connections = config->sql_connections,
                                 .deadline_ms = config->sql_deadline_ms,
                                 .development = config->development};
}

struct kv_settings config_kv(const struct config *config)
{
    return (struct kv_settings){
        .where = config->kv,
        .password_file = config->kv_password_file,
        .ca_file = config->kv_ca_file,
        .deadline_ms = config->kv_deadline_ms,
    };
}

struct key_policy config_keys(const struct config *config)
{
    enum { DAY_S = 86400 };
    return (struct key_policy){.cache_s = config->jwks_cache_s,
                               .longest_s = config->id_token_s,
                               .margin_s = config->clock_margin_s,
                               .rotate_s = config->rotate_days * DAY_S};
}
