/*
 * The authorization request (OpenID Connect Core section 3.1.2.1) with state, nonce and PKCE S256
 * (RFC 7636 section 4.2), each from 32 random bytes of its own.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "rp/form.h"
#include "rp/note.h"
#include "rp/pending.h"

static bool make_challenge(const char *verifier, char out[RP_SECRET_LEN + 1])
{
    unsigned char hash[DIGEST_SIZE];
    if (digest(DIGEST_SHA256, verifier, strlen(verifier), hash) != IDP_OK)
        return false;
    base64url_encode(hash, sizeof(hash), out);
    return true;
}

static void add_wishes(struct arena *arena, struct rp_form *form, const struct rp_request *request)
{
    rp_form_add(form, "prompt", request->prompt);
    if (request->max_age >= 0) {
        const char *age = arena_printf(arena, "%" PRId64, request->max_age);
        form->full = form->full || age == NULL;
        rp_form_add(form, "max_age", age);
    }
    rp_form_add(form, "ui_locales", request->ui_locales);
    rp_form_add(form, "acr_values", request->acr_values);
    rp_form_add(form, "claims", request->claims);
    rp_form_add(form, "login_hint", request->login_hint);
}

/* The address, or NULL when it is too long. */
static const char *make_url(const struct rp *rp, struct arena *arena,
                            const struct rp_request *request, const struct rp_pending *pending)
{
    char challenge[RP_SECRET_LEN + 1];
    const char *endpoint = rp->metadata.authorization_endpoint;
    struct rp_form form = rp_form_new(arena, endpoint);
    if (form.full || !make_challenge(pending->verifier, challenge))
        return NULL;
    if (strchr(endpoint, '?') == NULL) { /* RFC 6749 section 3.1: it may have a query */
        const char *with_query = arena_printf(arena, "%s?", endpoint);
        form = rp_form_new(arena, with_query != NULL ? with_query : "");
        form.full = form.full || with_query == NULL;
    }
    rp_form_add(&form, "response_type", "code");
    rp_form_add(&form, "client_id", rp->settings.client_id);
    rp_form_add(&form, "redirect_uri", rp->settings.redirect_uri);
    rp_form_add(&form, "scope", rp->settings.scope);
    rp_form_add(&form, "state", pending->state);
    rp_form_add(&form, "nonce", pending->nonce);
    rp_form_add(&form, "code_challenge", challenge);
    rp_form_add(&form, "code_challenge_method", "S256");
    add_wishes(arena, &form, request);
    return form.full ? NULL : form.text;
}

/* Hands copies out that outlive the arena. */
static enum rp_err hand_out(const char *url, const char *pending, const char *state,
                            struct rp_start *out)
{
    struct rp_start start = {
        .url = strdup(url), .pending = strdup(pending), .state = strdup(state)};
    if (start.url == NULL || start.pending == NULL || start.state == NULL) {
        rp_start_free(&start);
        return RP_FAULT;
    }
    *out = start;
    return RP_OK;
}

static enum rp_err begin(const struct rp *rp, struct arena *arena, const struct rp_request *request,
                         struct rp_note *note, struct rp_start *out)
{
    struct rp_pending pending = {0};
    const char *sealed = NULL;
    enum rp_err err = rp_pending_new(rp_now(rp), request->max_age, &pending);
    if (err == RP_OK)
        err = rp_pending_seal(rp, arena, &pending, &sealed);
    if (err != RP_OK)
        return rp_note_set(note, err, "out of memory or of randomness");
    const char *url = make_url(rp, arena, request, &pending);
    if (url == NULL)
        return rp_note_set(note, RP_BAD_SETTINGS, "the authorization request is too long");
    err = hand_out(url, sealed, pending.state, out);
    OPENSSL_cleanse(&pending, sizeof(pending));
    return err == RP_OK ? err : rp_note_set(note, err, "out of memory");
}

enum rp_err rp_begin(const struct rp *rp, const struct rp_request *request, struct rp_note *note,
                     struct rp_start *out)
{
    static const struct rp_request plain = {.max_age = RP_NO_MAX_AGE};
    if (note != NULL)
        *note = (struct rp_note){0};
    struct arena *arena = arena_new();
    if (arena == NULL)
        return rp_note_set(note, RP_FAULT, "out of memory");
    enum rp_err err = begin(rp, arena, request != NULL ? request : &plain, note, out);
    arena_free(arena);
    return err;
}

static void wipe(char *s)
{
    if (s != NULL)
        OPENSSL_cleanse(s, strlen(s));
    free(s);
}

void rp_start_free(struct rp_start *start)
{
    wipe(start->url);
    wipe(start->pending);
    wipe(start->state);
    *start = (struct rp_start){0};
}
