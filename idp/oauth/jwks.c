/*
 * The JWK Set, as clients may keep it for as long as Cache-Control says.
 *
 * A new key signs only when all sets from before it have run out at the clients, and what makes
 * that true is that no node serves a set for longer than it knows it to be right. A node that has
 * lost the database for two seconds cannot know of keys that others have published since: it serves
 * what it has, to be asked for again each time; and nothing any more when one of those keys may
 * have begun to sign. docs/decisions/key-rotation.md.
 */
#include "oauth/jwks.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/arena.h"
#include "http/http.h"
#include "jose/sign.h"
#include "oauth/discovery.h"
#include "oauth/shared/error.h"
#include "store/generation.h"

static enum idp_err make_slots(struct app *app)
{
    if (app->jwks == NULL)
        app->jwks = http_slot_new();
    if (app->jwks_stale == NULL)
        app->jwks_stale = http_slot_new();
    return app->jwks != NULL && app->jwks_stale != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err swap(struct app *app, const char *body)
{
    size_t len = strlen(body);
    char *text = strdup(body);
    struct http_fixed *fresh = oauth_document_new(body, len, oauth_cache_control(app));
    struct http_fixed *stale = oauth_document_new(body, len, "no-cache");
    if (text == NULL || fresh == NULL || stale == NULL) {
        free(text);
        http_fixed_free(fresh);
        http_fixed_free(stale);
        return IDP_FAULT;
    }
    free(app->jwks_text);
    app->jwks_text = text;
    http_slot_put(app->jwks, fresh);
    http_slot_put(app->jwks_stale, stale);
    return IDP_OK;
}

static enum idp_err prepare(struct app *app, struct arena *arena)
{
    const char *body = NULL;
    enum idp_err err = make_slots(app);
    if (err == IDP_OK)
        err = signer_jwks(app->signer, arena, &body);
    if (err != IDP_OK)
        return err;
    bool same = app->jwks_text != NULL && strcmp(app->jwks_text, body) == 0;
    return same ? IDP_OK : swap(app, body); /* most changes are none of the keys' */
}

enum idp_err oauth_jwks_prepare(struct app *app)
{
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? prepare(app, arena) : IDP_FAULT;
    arena_free(arena);
    return err;
}

void oauth_jwks_forget(struct app *app)
{
    http_slot_free(app->jwks);
    http_slot_free(app->jwks_stale);
    free(app->jwks_text);
    app->jwks = app->jwks_stale = NULL;
    app->jwks_text = NULL;
}

static enum idp_err jwks(struct request *rq, struct response *rs)
{
    struct app *app = rq->app;
    int64_t age_ms = app->watch != NULL ? generation_age_ms(app->watch) : 0;
    if (age_ms < GENERATION_LEASE_MS)
        return http_respond_slot(rq, rs, app->jwks);
    if (age_ms < 2000 * app->config.jwks_cache_s)
        return http_respond_slot(rq, rs, app->jwks_stale);
    return IDP_UNAVAILABLE;
}

const struct route oauth_jwks_route = {
    .spec = "RFC 7517 section 5",
    .methods = HTTP_GET,
    .path = "/oauth2/jwks",
    .waits = HTTP_WAITS_NEVER,
    .handle = jwks,
    .fail = oauth_fail,
};
