/*
 * Client authentication (RFC 6749 section 2.3): client_secret_basic, client_secret_post, and none
 * for public clients, who prove themselves by PKCE. One method a request, and only the one the
 * client is registered with.
 */
#include "oauth/shared/client_auth.h"

#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "access/rate.h"
#include "app.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/log.h"
#include "client/client.h"
#include "client/registry.h"
#include "client/secret.h"
#include "http/http.h"
#include "oauth/shared/suspect.h"

enum { CREDENTIALS_MAX = 1024, CREDENTIAL_MAX = 512 };

struct credentials {
    enum client_auth_method method;
    const char *id, *secret;
};

/* One half of Basic credentials: form-encoded text (RFC 6749 section 2.3.1, appendix B). */
static enum idp_err decode_half(struct arena *arena, const char *s, size_t len, const char **out)
{
    static const struct param half[] = {{.name = "v", .max = CREDENTIAL_MAX}, {.name = NULL}};
    const char *values[HTTP_PARAMS_MAX] = {NULL};
    if (memchr(s, '&', len) != NULL || memchr(s, '\0', len) != NULL)
        return IDP_BAD_CLIENT;
    char form[2 + CREDENTIALS_MAX] = "v="; /* len is less: it stood in that much */
    memcpy(form + 2, s, len);
    enum idp_err err = http_form_parse(arena, form, 2 + len, half, values);
    OPENSSL_cleanse(form, 2 + len);
    if (err == IDP_OK)
        *out = values[0];
    return err == IDP_BAD_REQUEST ? IDP_BAD_CLIENT : err;
}

/* RFC 7617: "Basic" 1*SP base64(id ":" secret). */
static enum idp_err read_basic(struct arena *arena, const char *header, struct credentials *out)
{
    char text[CREDENTIALS_MAX];
    size_t n = 0;
    if (strncasecmp(header, "Basic ", 6) != 0)
        return IDP_BAD_CLIENT;
    header += 6;
    header += strspn(header, " ");
    if (base64_decode(header, strlen(header), text, sizeof(text), &n) != IDP_OK)
        return IDP_BAD_CLIENT;
    const char *colon = memchr(text, ':', n);
    if (colon == NULL)
        return IDP_BAD_CLIENT;
    size_t id_len = (size_t)(colon - text);
    out->method = CLIENT_SECRET_BASIC;
    enum idp_err err = decode_half(arena, text, id_len, &out->id);
    if (err == IDP_OK)
        err = decode_half(arena, colon + 1, n - id_len - 1, &out->secret);
    return err;
}

static enum idp_err read_credentials(struct request *rq, struct credentials *out)
{
    const char *id = http_param(rq, "client_id");
    const char *secret = http_param(rq, "client_secret");
    if (rq->authorization != NULL) {
        enum idp_err err = read_basic(rq->arena, rq->authorization, out);
        /* Section 2.3: not more than one method; a client_id in the body may only agree. */
        bool twice = secret != NULL || (id != NULL && out->id != NULL && strcmp(id, out->id) != 0);
        return err == IDP_OK && (twice || out->id == NULL) ? IDP_BAD_CLIENT : err;
    }
    out->method = secret != NULL ? CLIENT_SECRET_POST : CLIENT_AUTH_NONE;
    out->id = id;
    out->secret = secret;
    return id != NULL ? IDP_OK : IDP_BAD_CLIENT;
}

/* Why the client is not let in, for the log; NULL when it is. */
static const char *objection(const struct client *client, const struct credentials *given)
{
    if (client == NULL)
        return "unknown client";
    if (client->standing != CLIENT_ACTIVE)
        return "client is not active";
    if (client->auth_method != given->method)
        return "another method than registered";
    return NULL;
}

static void note_failure(const struct request *rq, const char *id, const char *why)
{
    struct log_line line;
    log_begin(&line, LOG_WARN, "client_auth_failed");
    http_log_request(&line, rq);
    log_text(&line, "address", rq->address);
    log_text(&line, "client", id);
    log_text(&line, "why", why);
    log_end(&line);
}

/* Failures are counted per address and per client, so that guessing is slow; who succeeds is never
 * slowed by others. Returns IDP_OK while the measure is not full. */
static enum idp_err count_failure(const struct request *rq, const char *what, const char *id)
{
    const struct config *config = &rq->app->config;
    const struct rate address = {what, rq->network, config->rate_token_failures};
    const char *about = arena_printf(rq->arena, "%s client", what);
    const struct rate client = {about, id, config->rate_client};
    enum idp_err err = rate_take(&rq->app->access, &address, rq->now);
    if (err == IDP_OK && id != NULL && about != NULL)
        err = rate_take(&rq->app->access, &client, rq->now);
    return err;
}

enum idp_err oauth_count_failure(const struct request *rq, enum idp_err err)
{
    enum idp_err counted = count_failure(rq, "grant_failure", rq->client->id);
    return counted == IDP_OK ? err : counted;
}

static enum idp_err fail(const struct request *rq, const char *id, const char *why)
{
    enum idp_err err = count_failure(rq, "token_failure", id);
    if (err == IDP_WAIT || err == IDP_UNAVAILABLE)
        return err;
    note_failure(rq, id, why);
    return err == IDP_LIMITED ? err : IDP_BAD_CLIENT;
}

/*
 * Secrets guessed from one address for one client: past the measure the right one is refused too,
 * so that the answers tell nothing any more. Where none was wrong just now nothing is looked up.
 */
static enum idp_err check_secret(const struct request *rq, const struct client *client,
                                 const struct credentials *given)
{
    if (given->method == CLIENT_AUTH_NONE)
        return IDP_OK;
    const char *who = arena_printf(rq->arena, "%s|%s", client->id, rq->network);
    if (who == NULL)
        return IDP_FAULT;
    const struct rate guesses = {"secret", who, rq->app->config.rate_token_failures};
    enum idp_err err = IDP_OK;
    if (suspect_is(who, rq->now))
        err = rate_check(&rq->app->access, rq->arena, &guesses, rq->now);
    if (err != IDP_OK || client_secret_check(rq->app->keys, client, given->secret))
        return err;
    suspect_note(who, rq->now);
    err = rate_take(&rq->app->access, &guesses, rq->now);
    return err == IDP_OK || err == IDP_LIMITED ? fail(rq, client->id, "wrong secret") : err;
}

enum idp_err oauth_client_auth(struct request *rq)
{
    struct credentials given = {.id = NULL};
    const struct client *client = NULL;
    enum idp_err err = read_credentials(rq, &given);
    if (err == IDP_BAD_CLIENT)
        return fail(rq, given.id, "malformed or missing credentials");
    if (err == IDP_OK)
        err = client_find(rq->app->clients, rq->arena, given.id, &client);
    if (err != IDP_OK && err != IDP_NOT_FOUND)
        return err;
    const char *why = objection(client, &given);
    if (why != NULL)
        return fail(rq, given.id, why);
    err = check_secret(rq, client, &given);
    if (err == IDP_OK)
        rq->client = client;
    return err;
}

enum idp_err oauth_confidential_client_auth(struct request *rq)
{
    enum idp_err err = oauth_client_auth(rq);
    if (err == IDP_OK && rq->client->auth_method == CLIENT_AUTH_NONE)
        return fail(rq, rq->client->id, "a public client");
    return err;
}
