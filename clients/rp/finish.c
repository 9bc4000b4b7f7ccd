/*
 * The callback (OpenID Connect Core section 3.1.2.7, RFC 9207). In this order: is it well-formed,
 * did this browser ask, did our provider answer, what does it say. Only then a code is redeemed.
 */
#include <string.h>

#include <openssl/crypto.h>

#include "base/arena.h"
#include "base/text.h"
#include "rp/answer.h"
#include "rp/form.h"
#include "rp/id_token.h"
#include "rp/note.h"
#include "rp/redeem.h"

/* The parameters of the callback, in the order of `names`. */
struct callback {
    const char *state, *iss, *error, *code;
};

static enum rp_err read_callback(struct arena *arena, const char *query, struct rp_note *note,
                                 struct callback *out)
{
    static const char *const names[] = {"state", "iss", "error", "code", NULL};
    const char *values[4];
    if (query == NULL || !rp_form_parse(arena, query, names, values))
        return rp_note_set(note, RP_BAD_CALLBACK,
                           "the callback cannot be decoded, or a parameter came twice");
    *out = (struct callback){
        .state = values[0], .iss = values[1], .error = values[2], .code = values[3]};
    if ((out->code == NULL) == (out->error == NULL))
        return rp_note_set(note, RP_BAD_CALLBACK,
                           "the callback has neither code nor error, or both");
    return RP_OK;
}

/* RFC 9207 section 2.4: a provider that promises iss has to send it, and it is always compared. */
static enum rp_err check_issuer(const struct rp *rp, const char *iss, struct rp_note *note)
{
    if (iss == NULL && rp->metadata.answers_with_iss)
        return rp_note_set(note, RP_BAD_ISSUER, "the callback lacks iss");
    if (iss != NULL && strcmp(iss, rp->settings.issuer) != 0)
        return rp_note_set(note, RP_BAD_ISSUER, "the callback is from %s", iss);
    return RP_OK;
}

/* Was it asked here, and is it our provider that answers? */
static enum rp_err check_origin(const struct rp *rp, const struct callback *callback,
                                const struct rp_pending *pending, struct rp_note *note)
{
    if (callback->state == NULL || !text_same_secret_string(callback->state, pending->state))
        return rp_note_set(note, RP_BAD_STATE, "state is missing, or not this browser's");
    enum rp_err err = check_issuer(rp, callback->iss, note);
    if (err != RP_OK || callback->error == NULL)
        return err;
    rp_note_error(note, callback->error);
    return rp_note_set(note, RP_DENIED, "the provider answers %s", callback->error);
}

/* Code to tokens, tokens to claims. */
static enum rp_err learn(struct rp *rp, struct arena *arena, const char *code,
                         const struct rp_id_token_check *check, struct rp_note *note,
                         struct rp_answer **out)
{
    struct rp_tokens tokens = {0};
    const json_t *claims = NULL;
    const json_t *userinfo = NULL;
    struct rp_id_token_check with_token = *check;
    enum rp_err err = rp_redeem_code(rp, arena, code, check->pending, note, &tokens);
    if (err != RP_OK)
        return err;
    with_token.access_token = tokens.access_token;
    err = rp_id_token_verify(rp, arena, tokens.id_token, &with_token, note, &claims);
    if (err == RP_OK && rp->metadata.userinfo_endpoint != NULL)
        err =
            rp_redeem_userinfo(rp, arena, tokens.access_token,
                               json_string_value(json_object_get(claims, "sub")), note, &userinfo);
    if (err != RP_OK)
        return err;
    return rp_answer_new(&tokens, claims, userinfo, check->now, out);
}

static enum rp_err finish(struct rp *rp, struct arena *arena, const char *query, const char *record,
                          struct rp_note *note, struct rp_answer **out)
{
    struct callback callback = {0};
    struct rp_pending pending = {0};
    const struct rp_id_token_check check = {.pending = &pending, .now = rp_now(rp)};
    enum rp_err err = read_callback(arena, query, note, &callback);
    if (err != RP_OK)
        return err;
    if (record == NULL || rp_pending_open(rp, record, check.now, &pending) != RP_OK)
        return rp_note_set(note, RP_BAD_PENDING, "no good pending record in this browser");
    err = check_origin(rp, &callback, &pending, note);
    if (err == RP_OK)
        err = learn(rp, arena, callback.code, &check, note, out);
    OPENSSL_cleanse(&pending, sizeof(pending));
    return err;
}

enum rp_err rp_finish(struct rp *rp, const char *query, const char *pending, struct rp_note *note,
                      struct rp_answer **out)
{
    if (note != NULL)
        *note = (struct rp_note){0};
    struct arena *arena = arena_new();
    if (arena == NULL)
        return rp_note_set(note, RP_FAULT, "out of memory");
    enum rp_err err = finish(rp, arena, query, pending, note, out);
    arena_free(arena);
    return err == RP_FAULT ? rp_note_set(note, err, "out of memory") : err;
}
