#include "access/authorization.h"

#include <string.h>

#include "access/access.h"
#include "access/code.h"
#include "access/consent.h"
#include "access/interaction.h"
#include "access/session.h"
#include "base/arena.h"
#include "base/text.h"
#include "client/client.h"
#include "pki/pki.h"

enum idp_err authorization_need(const struct access *access, struct arena *arena,
                                const struct interaction *in, const struct session *session,
                                enum authorization_need *out)
{
    const struct holder *holder = NULL;
    *out = AUTHORIZATION_SIGN_IN;
    if (!session->signed_in || in->ask_sign_in || session->auth_time < in->signed_in_since)
        return IDP_OK;
    enum idp_err err = session_holder(access, arena, session, &holder);
    if (err != IDP_OK)
        return err == IDP_NOT_FOUND ? IDP_OK : err;
    *out = AUTHORIZATION_CONSENT;
    if (in->ask_consent)
        return IDP_OK;
    const struct consent consent = {.enterprise = session->enterprise,
                                    .client = in->client,
                                    .scope = in->scope,
                                    .claims = in->claims};
    err = consent_find(access, arena, &consent);
    if (err == IDP_OK)
        *out = AUTHORIZATION_NOTHING;
    return err == IDP_NOT_FOUND ? IDP_OK : err;
}

/* A parameter of the answer; a NULL value is left out, a NULL name ends the list. */
struct answer_param {
    const char *name, *value;
};

/* The redirect URI, kept byte for byte, with the parameters behind it. */
static const char *answer_uri(struct arena *arena, const char *uri,
                              const struct answer_param *params)
{
    size_t size = strlen(uri) + 1;
    for (const struct answer_param *p = params; p->name != NULL; p++)
        if (p->value != NULL)
            size += strlen(p->name) + 3 * strlen(p->value) + 2;
    char *out = arena_alloc(arena, size);
    if (out == NULL)
        return NULL;
    size_t n = strlen(uri);
    memcpy(out, uri, n);
    char separator = strchr(uri, '?') != NULL ? '&' : '?';
    for (const struct answer_param *p = params; p->name != NULL; p++) {
        if (p->value == NULL)
            continue;
        out[n++] = separator;
        memcpy(out + n, p->name, strlen(p->name));
        n += strlen(p->name);
        out[n++] = '=';
        n += text_escape_uri(p->value, out + n);
        separator = '&';
    }
    out[n] = '\0';
    return out;
}

enum idp_err authorization_grant(const struct access *access, struct arena *arena,
                                 const struct interaction *in, const struct session *session,
                                 int64_t now, const char **out)
{
    const char *text = NULL;
    const struct code code = {
        .client = in->client,
        .redirect_uri = in->redirect_uri,
        .code_challenge = in->code_challenge,
        .nonce = in->nonce,
        .scope = in->scope,
        .claims = in->claims,
        .enterprise = session->enterprise,
        .lock = session->lock,
        .session = session->family,
        .authority = session->authority,
        .acr = session->acr,
        .amr = session->amr,
        .auth_time = session->auth_time,
        .issued = now,
        .expires = now + access->code_s,
    };
    enum idp_err err = code_issue(access, arena, &code, &text);
    if (err != IDP_OK)
        return err;
    const struct answer_param params[] = {
        {"code", text}, {"state", in->state}, {"iss", access->issuer}, {NULL, NULL}};
    *out = answer_uri(arena, in->redirect_uri, params);
    return *out != NULL ? IDP_OK : IDP_FAULT;
}

const char *authorization_refuse(const struct access *access, struct arena *arena,
                                 const char *redirect_uri, const char *state,
                                 const struct authorization_error *error)
{
    const struct answer_param params[] = {{"error", error->error},
                                          {"error_description", error->description},
                                          {"state", state},
                                          {"iss", access->issuer},
                                          {NULL, NULL}};
    return answer_uri(arena, redirect_uri, params);
}

bool authorization_lock_fits(const struct access *access, const struct client *client,
                             const struct session *session)
{
    const char *environment = client_environment_name(client->environment);
    return strcmp(environment, session->environment) == 0 &&
           pki_lists(access->pki, session->authority, environment, session->auth_time);
}
