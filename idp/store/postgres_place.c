#include "store/postgres_place.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "store/postgres_report.h"

enum { PASSWORD_MAX = 1024, PARAMETERS_MAX = 96, NAME_MAX_LEN = 512 };

/* A parameter of libpq (PostgreSQL manual, section 34.1.2). */
struct parameter {
    const char *keyword, *value;
};

/* What is set where the URI says nothing. */
static const struct parameter usual[] = {
    {"sslmode", "prefer"},
    {"gssencmode", "disable"},           /* asks a Kerberos server first, without a deadline */
    {"target_session_attrs", "primary"}, /* of several hosts, the one that can write */
    {"application_name", "tamga"},
    {"keepalives_idle", "15"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
};

/* What a URI may not set, and why. */
static const struct parameter refused[] = {
    {"password", "the password stands in store.sql_password_file, not in the URI"},
    {"passfile", "the password stands in store.sql_password_file"},
    {"sslpassword", "a key's password cannot stand in the URI: keep the key without one"},
    {"service", "name the host instead of a service"},
    {"client_encoding", "client_encoding is always UTF8"},
    {"replication", "replication is not for programs like this one"},
};

enum {
    USUAL = sizeof(usual) / sizeof(*usual),
    REFUSED = sizeof(refused) / sizeof(*refused),
};

static const char *value_of(const struct postgres_place *place, const char *keyword)
{
    const PQconninfoOption *option = place->options;
    while (option->keyword != NULL && strcmp(option->keyword, keyword) != 0)
        option++;
    return option->val != NULL && *option->val != '\0' ? option->val : NULL;
}

/* --- what may be asked for ----------------------------------------------------------------- */

/* The next of a list with commas: its length, and *at moves behind it. */
static size_t next_host(const char **at, const char **host)
{
    size_t len = strcspn(*at, ",");
    *host = *at;
    *at += len + ((*at)[len] == ',');
    return len;
}

static bool is_near(const char *host, size_t len)
{
    static const char *const names[] = {"localhost", "::1"};
    if (len > 0 && (*host == '/' || *host == '@' || strncmp(host, "127.", 4) == 0))
        return true; /* sockets of this machine */
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (len == strlen(names[i]) && strncmp(host, names[i], len) == 0)
            return true;
    return false;
}

/* Whether no host of a list (NULL: none) is on the network. */
static bool are_near(const char *hosts)
{
    const char *host = NULL;
    while (hosts != NULL && *hosts != '\0') {
        size_t len = next_host(&hosts, &host);
        if (len > 0 && !is_near(host, len))
            return false;
    }
    return true;
}

static bool demands_tls(const struct postgres_place *place)
{
    const char *mode = value_of(place, "sslmode");
    return mode != NULL && text_list_has("require verify-ca verify-full", mode);
}

static enum idp_err check(const struct postgres_place *place, char **why)
{
    const char *host = value_of(place, "host");
    const char *address = value_of(place, "hostaddr");
    for (size_t i = 0; i < REFUSED; i++)
        if (value_of(place, refused[i].keyword) != NULL)
            return postgres_explain(IDP_BAD_REQUEST, why, "store.sql: %s", refused[i].value);
    if ((host == NULL && address == NULL) || value_of(place, "dbname") == NULL)
        return postgres_explain(IDP_BAD_REQUEST, why,
                                "store.sql: expected postgresql://USER@HOST/DATABASE");
    if (!place->development && !demands_tls(place) && !(are_near(host) && are_near(address)))
        return postgres_explain(IDP_BAD_REQUEST, why,
                                "store.sql: a database on the network needs "
                                "?sslmode=verify-full&sslrootcert=FILE");
    return IDP_OK;
}

/* --- making and freeing -------------------------------------------------------------------- */

static char *name_of(const struct postgres_place *place)
{
    char name[NAME_MAX_LEN];
    const char *host = value_of(place, "host");
    const char *database = value_of(place, "dbname");
    if (host == NULL)
        host = value_of(place, "hostaddr");
    (void)snprintf(name, sizeof(name), "database \"%s\" at %s", database, host);
    return strdup(name);
}

/* Reads the URI. What libpq would say of a wrong one may repeat it, password and all. */
static enum idp_err parse(struct postgres_place *place, const char *uri, char **why)
{
    char *message = NULL;
    place->options = PQconninfoParse(uri, &message);
    PQfreemem(message);
    if (place->options == NULL)
        return postgres_explain(IDP_BAD_REQUEST, why,
                                "store.sql: cannot be read as postgresql://USER@HOST/DATABASE?...");
    return check(place, why);
}

static enum idp_err fill(struct postgres_place *place, const struct sql_settings *settings,
                         char **why)
{
    place->development = settings->development;
    place->deadline_ms = settings->deadline_ms;
    (void)snprintf(place->deadline, sizeof(place->deadline), "%" PRId64, settings->deadline_ms);
    enum idp_err err = parse(place, settings->where, why);
    if (err != IDP_OK)
        return err;
    place->name = name_of(place);
    if (settings->password_file != NULL)
        place->password_file = strdup(settings->password_file);
    bool whole =
        place->name != NULL && (settings->password_file == NULL || place->password_file != NULL);
    return whole ? IDP_OK : IDP_FAULT;
}

enum idp_err postgres_place_new(const struct sql_settings *settings, char **why,
                                struct postgres_place **out)
{
    struct postgres_place *place = calloc(1, sizeof(*place));
    if (place == NULL)
        return IDP_FAULT;
    enum idp_err err = fill(place, settings, why);
    if (err != IDP_OK) {
        postgres_place_free(place);
        return err;
    }
    *out = place;
    return IDP_OK;
}

void postgres_place_free(struct postgres_place *place)
{
    if (place == NULL)
        return;
    PQconninfoFree(place->options);
    free(place->password_file);
    free(place->name);
    free(place);
}

/* --- connecting ---------------------------------------------------------------------------- */

/* Parameters as PQconnectStartParams() takes them. */
struct parameters {
    const char *keywords[PARAMETERS_MAX + 1], *values[PARAMETERS_MAX + 1];
    size_t count;
};

static void add(struct parameters *parameters, const char *keyword, const char *value)
{
    if (parameters->count == PARAMETERS_MAX || value == NULL)
        return;
    parameters->keywords[parameters->count] = keyword;
    parameters->values[parameters->count++] = value;
}

static void gather(const struct postgres_place *place, struct parameters *out)
{
    for (const PQconninfoOption *option = place->options; option->keyword != NULL; option++)
        add(out, option->keyword, option->val);
    for (size_t i = 0; i < USUAL; i++)
        if (value_of(place, usual[i].keyword) == NULL)
            add(out, usual[i].keyword, usual[i].value);
    if (value_of(place, "tcp_user_timeout") == NULL)
        add(out, "tcp_user_timeout", place->deadline);
    add(out, "client_encoding", "UTF8");
}

static enum idp_err start(const struct postgres_place *place, const char *password, PGconn **out)
{
    struct parameters parameters = {.count = 0};
    gather(place, &parameters);
    add(&parameters, "password", password);
    *out = PQconnectStartParams(parameters.keywords, parameters.values, 0);
    return *out != NULL ? IDP_OK : IDP_FAULT;
}

enum idp_err postgres_place_connect(const struct postgres_place *place, char **why, PGconn **out)
{
    struct file_bytes file = {.bytes = NULL};
    char *said = NULL;
    if (place->password_file == NULL)
        return start(place, NULL, out);
    enum idp_err err = file_read(place->password_file, FILE_PRIVATE, PASSWORD_MAX, &said, &file);
    if (err != IDP_OK) {
        (void)postgres_explain(err, why, "store.sql_password_file: %s", said != NULL ? said : "");
        free(said);
        return err == IDP_FAULT ? err : IDP_UNAVAILABLE;
    }
    file.bytes[strcspn(file.bytes, "\r\n")] = '\0';
    err = start(place, file.bytes, out);
    file_drop(&file);
    return err;
}
