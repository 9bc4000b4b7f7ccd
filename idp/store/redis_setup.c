#include "store/redis_setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "store/explain.h"
#include "store/kv.h"
#include "store/redis_error.h"
#include "store/redis_host.h"
#include "store/redis_tls.h"

/* GETDEL, and SET with PX and GET, are as old as this. */
enum { LEAST_MAJOR = 6, LEAST_MINOR = 2, PASSWORD_MAX = 1024 };

/* --- settings -------------------------------------------------------------------------------- */

/* The file is read again for each connection; here it is only seen to be good. */
static enum idp_err take_password(const char *path, char **why, struct redis_setup *out)
{
    struct file_bytes file = {.bytes = NULL};
    char *said = NULL;
    if (path == NULL)
        return IDP_OK;
    enum idp_err err = file_read(path, FILE_PRIVATE, PASSWORD_MAX, &said, &file);
    bool empty = err == IDP_OK && strcspn(file.bytes, "\r\n") == 0;
    file_drop(&file);
    if (err != IDP_OK)
        (void)store_explain(err, why, "store.kv_password_file: %s", said != NULL ? said : path);
    free(said);
    if (err != IDP_OK)
        return err == IDP_FAULT ? err : IDP_BAD_REQUEST;
    if (empty)
        return store_explain(IDP_BAD_REQUEST, why,
                             "store.kv_password_file: %s: expected a password in its first line",
                             path);
    out->password_file = strdup(path);
    out->server.password_file = out->password_file;
    return out->password_file != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err take_authorities(const char *ca_file, char **why, struct redis_setup *out)
{
    if (!out->place.tls && ca_file != NULL)
        return store_explain(IDP_BAD_REQUEST, why,
                             "store.kv_ca_file: %s: expected only with rediss:// in store.kv",
                             ca_file);
    if (!out->place.tls)
        return IDP_OK;
    enum idp_err err = redis_tls_new(ca_file, &out->server.target.tls);
    if (err != IDP_UNAVAILABLE)
        return err;
    return store_explain(IDP_BAD_REQUEST, why, "store.kv_ca_file: %s: expected certificates in PEM",
                         ca_file != NULL ? ca_file : "the system's");
}

static enum idp_err take_host(char **why, struct redis_setup *out)
{
    const struct redis_host_name name = {.name = out->place.host, .port = out->place.port};
    if (*name.name == '\0')
        return IDP_OK;
    enum idp_err err = redis_host_new(&name, &out->server.target.host);
    return err == IDP_UNAVAILABLE
               ? store_explain(err, why, "store.kv: the host %s has no address", name.name)
               : err;
}

/* What stands before an @ may hold a password, which is not to be shown. */
static enum idp_err misplaced(const char *where, const char *problem, char **why)
{
    return strchr(where, '@') == NULL
               ? store_explain(IDP_BAD_REQUEST, why, "store.kv: %s: %s", where, problem)
               : store_explain(IDP_BAD_REQUEST, why, "store.kv: %s", problem);
}

enum idp_err redis_setup_make(const struct kv_settings *settings, char **why,
                              struct redis_setup *out)
{
    const char *problem = NULL;
    *out = (struct redis_setup){.server = {.target = {.place = &out->place}}};
    enum idp_err err = redis_place_read(settings->where, &problem, &out->place);
    if (err != IDP_OK)
        return misplaced(settings->where, problem, why);
    err = take_password(settings->password_file, why, out);
    if (err == IDP_OK)
        err = take_authorities(settings->ca_file, why, out);
    if (err == IDP_OK)
        err = take_host(why, out);
    return err;
}

void redis_setup_drop(struct redis_setup *setup)
{
    redis_host_free(setup->server.target.host);
    SSL_CTX_free(setup->server.target.tls);
    free(setup->password_file);
}

/* --- the server ------------------------------------------------------------------------------ */

/* What a check has at hand. */
struct check {
    const struct redis_setup *setup;
    struct redis_connection connection;
    struct arena *arena;
    int64_t until;
    char **why;
};

static enum idp_err unfit(const struct check *c, enum idp_err err, const char *problem)
{
    const struct redis_place *place = &c->setup->place;
    bool on_network = *place->host != '\0';
    return store_explain(err, c->why, "store.kv: %s%s%s: %s",
                         on_network ? place->host : place->path, on_network ? ":" : "",
                         on_network ? place->port : "", problem);
}

/* A section of INFO, as text; "" when this user may not see it. */
static enum idp_err ask_info(struct check *c, const char *section, const char **out)
{
    struct redis_reply reply = {.arena = c->arena};
    const struct redis_command info = {.count = 2, .words = {kv_text("INFO"), kv_text(section)}};
    enum idp_err err = redis_connection_ask(&c->connection, &info, c->until, &reply);
    if (err != IDP_OK)
        return unfit(c, err, c->connection.problem);
    if (reply.kind == REDIS_ERROR && text_starts(reply.line, "NOAUTH"))
        return unfit(c, IDP_BAD_REQUEST, "Redis demands a password: store.kv_password_file");
    bool hidden = reply.kind == REDIS_ERROR && text_starts(reply.line, "NOPERM");
    if (reply.kind == REDIS_ERROR && !hidden)
        return unfit(c, IDP_UNAVAILABLE, redis_error_meaning(reply.line)->code);
    if (reply.kind != REDIS_VALUE && !hidden)
        return unfit(c, IDP_UNAVAILABLE, "no Redis answers there");
    *out = hidden ? "" : reply.value.bytes;
    return IDP_OK;
}

/* The value of "name:value" in a section, up to the line's end; NULL when it is not there. */
static const char *find_info(struct arena *arena, const char *section, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = section; line != NULL && *line != '\0';) {
        if (strncmp(line, name, len) == 0 && line[len] == ':')
            return arena_strndup(arena, line + len + 1, strcspn(line + len + 1, "\r\n"));
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return NULL;
}

static enum idp_err check_version(struct check *c)
{
    char *rest = NULL;
    const char *section = NULL;
    enum idp_err err = ask_info(c, "server", &section);
    const char *version = err == IDP_OK ? find_info(c->arena, section, "redis_version") : NULL;
    if (version == NULL)
        return err;
    long major = strtol(version, &rest, 10);
    long minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
    if (major > LEAST_MAJOR || (major == LEAST_MAJOR && minor >= LEAST_MINOR))
        return IDP_OK;
    return unfit(c, IDP_BAD_REQUEST, "the server is too old: expected Redis 6.2 or later");
}

/* One that evicts would drop sessions, and marks against replay, to make room for others. */
static enum idp_err check_policy(struct check *c)
{
    const char *section = NULL;
    enum idp_err err = ask_info(c, "memory", &section);
    const char *policy = err == IDP_OK ? find_info(c->arena, section, "maxmemory_policy") : NULL;
    if (policy != NULL && strcmp(policy, "noeviction") != 0)
        log_event(LOG_WARN, "redis_may_evict", "maxmemory_policy", policy);
    if (err == IDP_OK && policy == NULL)
        log_event(LOG_WARN, "redis_not_checked", "expected", "the right to INFO");
    return err;
}

static bool is_above(struct arena *arena, const char *section, const char *name, long most)
{
    const char *value = find_info(arena, section, name);
    return value != NULL && strtol(value, NULL, 10) > most;
}

/* One that comes back with what it held a while ago has forgotten what was ended since: marks of
 * grants and sessions that are over. Empty it does no harm. */
static enum idp_err check_memory_only(struct check *c)
{
    const char *section = NULL;
    enum idp_err err = ask_info(c, "persistence", &section);
    if (err != IDP_OK)
        return err;
    if (is_above(c->arena, section, "aof_enabled", 0) ||
        is_above(c->arena, section, "rdb_saves", 0) ||
        is_above(c->arena, section, "rdb_last_bgsave_time_sec", -1) || /* before Redis 7 */
        is_above(c->arena, section, "rdb_last_load_keys_loaded", 0))
        log_event(LOG_WARN, "redis_may_come_back_old", "expected",
                  "save \"\" and appendonly no in its settings");
    return IDP_OK;
}

/* A unix socket, or this machine's own network. */
static bool is_near(const char *host)
{
    return *host == '\0' || strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           text_starts(host, "127.");
}

static enum idp_err connect_and_check(struct check *c)
{
    enum idp_err err = redis_connection_open(&c->connection, &c->setup->server, c->until);
    if (err != IDP_OK)
        return unfit(c, err == IDP_DENIED ? IDP_BAD_REQUEST : err, c->connection.problem);
    err = check_version(c);
    if (err == IDP_OK)
        err = check_policy(c);
    return err == IDP_OK ? check_memory_only(c) : err;
}

enum idp_err redis_setup_check(const struct redis_setup *setup, int64_t until, char **why)
{
    struct check c = {.setup = setup,
                      .connection = redis_connection_closed,
                      .arena = arena_new(),
                      .until = until,
                      .why = why};
    if (c.arena == NULL)
        return IDP_FAULT;
    if (!setup->place.tls && !is_near(setup->place.host))
        log_event(LOG_WARN, "redis_in_clear", "host", setup->place.host);
    enum idp_err err = connect_and_check(&c);
    redis_connection_close(&c.connection);
    arena_free(c.arena);
    return err;
}
