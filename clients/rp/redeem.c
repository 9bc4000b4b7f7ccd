/*
 * The token request with client_secret_basic, client_secret_post or none (RFC 6749 sections 2.3.1
 * and 4.1.3, RFC 7636 section 4.5), and userinfo.
 */
#include "rp/redeem.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/base64.h"
#include "rp/form.h"
#include "rp/note.h"

static enum rp_err no_memory(struct rp_note *note)
{
    return rp_note_set(note, RP_FAULT, "out of memory");
}

static const char *text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* RFC 6749 section 2.3.1: both are form-encoded first, so that a colon in them stays theirs. */
static const char *basic(const struct rp *rp, struct arena *arena)
{
    const char *id = rp_form_encode(arena, rp->settings.client_id);
    const char *secret = rp_form_encode(arena, rp->settings.client_secret);
    const char *pair =
        id != NULL && secret != NULL ? arena_printf(arena, "%s:%s", id, secret) : NULL;
    size_t len = pair != NULL ? strlen(pair) : 0;
    char *encoded = pair != NULL ? arena_alloc(arena, (len + 2) / 3 * 4 + 1) : NULL;
    if (encoded == NULL)
        return NULL;
    base64_encode(pair, len, encoded);
    return arena_printf(arena, "Basic %s", encoded);
}

static const char *token_form(const struct rp *rp, struct arena *arena, const char *code,
                              const char *verifier)
{
    struct rp_form form = rp_form_new(arena, "");
    rp_form_add(&form, "grant_type", "authorization_code");
    rp_form_add(&form, "code", code);
    rp_form_add(&form, "redirect_uri", rp->settings.redirect_uri);
    rp_form_add(&form, "code_verifier", verifier);
    if (rp->settings.client_auth != RP_CLIENT_SECRET_BASIC)
        rp_form_add(&form, "client_id", rp->settings.client_id);
    if (rp->settings.client_auth == RP_CLIENT_SECRET_POST)
        rp_form_add(&form, "client_secret", rp->settings.client_secret);
    return form.full ? NULL : form.text;
}

/* RFC 6749 section 5.2 */
static enum rp_err read_error(const struct rp_reply *reply, struct rp_note *note)
{
    const char *error = text(reply->json, "error");
    rp_note_error(note, error != NULL ? error : "");
    enum rp_err err = RP_BAD_TOKEN;
    if (error != NULL && strcmp(error, "invalid_grant") == 0)
        err = RP_BAD_CODE;
    if (reply->status == 401 || (error != NULL && (strcmp(error, "invalid_client") == 0 ||
                                                   strcmp(error, "unauthorized_client") == 0)))
        err = RP_BAD_CLIENT;
    return rp_note_set(note, err, "the token endpoint answers %ld %s", reply->status,
                       error != NULL ? error : "without an error code");
}

/* RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3 */
static enum rp_err read_tokens(const struct rp_reply *reply, struct rp_note *note,
                               struct rp_tokens *out)
{
    const char *type = text(reply->json, "token_type");
    struct rp_tokens tokens = {
        .access_token = text(reply->json, "access_token"),
        .id_token = text(reply->json, "id_token"),
        .lifetime = json_integer_value(json_object_get(reply->json, "expires_in")),
    };
    if (type == NULL || strcasecmp(type, "Bearer") != 0)
        return rp_note_set(note, RP_BAD_TOKEN, "token response: token_type is not Bearer");
    if (tokens.access_token == NULL || tokens.access_token[0] == '\0')
        return rp_note_set(note, RP_BAD_TOKEN, "token response: no access_token");
    for (const char *s = tokens.access_token; *s != '\0'; s++)
        if (*s <= ' ' || *s > '~') /* it goes into a header */
            return rp_note_set(note, RP_BAD_TOKEN, "token response: access_token is malformed");
    if (tokens.id_token == NULL)
        return rp_note_set(note, RP_BAD_TOKEN, "token response: no id_token");
    if (tokens.lifetime < 0 || tokens.lifetime > INT32_MAX)
        return rp_note_set(note, RP_BAD_TOKEN, "token response: expires_in is malformed");
    *out = tokens;
    return RP_OK;
}

enum rp_err rp_redeem_code(const struct rp *rp, struct arena *arena, const char *code,
                           const struct rp_pending *pending, struct rp_note *note,
                           struct rp_tokens *out)
{
    struct rp_reply reply = {0};
    bool is_basic = rp->settings.client_auth == RP_CLIENT_SECRET_BASIC;
    const struct rp_call call = {.url = rp->metadata.token_endpoint,
                                 .form = token_form(rp, arena, code, pending->verifier),
                                 .authorization = is_basic ? basic(rp, arena) : NULL};
    if (call.form == NULL || (is_basic && call.authorization == NULL))
        return no_memory(note);
    enum rp_err err = rp_fetch(arena, &rp->limits, &call, note, &reply);
    if (err != RP_OK)
        return err == RP_BAD_PROVIDER ? RP_BAD_TOKEN : err;
    return reply.status == 200 ? read_tokens(&reply, note, out) : read_error(&reply, note);
}

enum rp_err rp_redeem_userinfo(const struct rp *rp, struct arena *arena, const char *access_token,
                               const char *subject, struct rp_note *note, const json_t **out)
{
    struct rp_reply reply = {0};
    const struct rp_call call = {.url = rp->metadata.userinfo_endpoint,
                                 .authorization = arena_printf(arena, "Bearer %s", access_token)};
    if (call.authorization == NULL)
        return no_memory(note);
    enum rp_err err = rp_fetch(arena, &rp->limits, &call, note, &reply);
    if (err != RP_OK)
        return err == RP_BAD_PROVIDER ? RP_BAD_USERINFO : err;
    if (reply.status != 200 || reply.json == NULL)
        return rp_note_set(note, RP_BAD_USERINFO, "userinfo answers %ld, or no JSON", reply.status);
    const char *theirs = text(reply.json, "sub");
    if (theirs == NULL || strcmp(theirs, subject) != 0) /* section 5.3.2 */
        return rp_note_set(note, RP_BAD_USERINFO, "userinfo is about somebody else");
    *out = reply.json;
    return RP_OK;
}
