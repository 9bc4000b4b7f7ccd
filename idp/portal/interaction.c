/*
 * A platform's request as the pages see it: who asks, what it would learn, what is still needed.
 */
#include "portal/interaction.h"

#include <string.h>
#include <time.h>

#include "access/session.h"
#include "app.h"
#include "base/arena.h"
#include "base/object.h"
#include "base/text.h"
#include "client/client.h"
#include "enterprise/choices.h"
#include "enterprise/holder.h"
#include "http/http.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "portal/shared/browser.h"
#include "portal/shared/describe.h"
#include "portal/shared/pending.h"

static const struct param interaction_params[] = {
    {.name = "interaction", .required = true, .max = 64},
    {.name = NULL},
};

/* A text that reads the same in both languages. */
static json_t *same(const char *text)
{
    return describe_both(text, text);
}

static json_t *show_city(const char *id)
{
    const struct choice *city = enterprise_choice_find(enterprise_cities, id);
    return city != NULL ? describe_both(city->zh, city->en) : same(id);
}

static json_t *show_entity_types(struct arena *arena, const char *list)
{
    const char *zh = "";
    const char *en = "";
    const char *word = NULL;
    size_t len = 0;
    while ((word = text_list_next(&list, &len)) != NULL) {
        const char *id = arena_strndup(arena, word, len);
        const struct choice *c =
            id != NULL ? enterprise_choice_find(enterprise_entity_types, id) : NULL;
        if (c == NULL)
            continue;
        zh = arena_printf(arena, "%s%s%s", zh, *zh != '\0' ? "、" : "", c->zh);
        en = arena_printf(arena, "%s%s%s", en, *en != '\0' ? ", " : "", c->en);
        if (zh == NULL || en == NULL)
            return NULL;
    }
    return describe_both(zh, en);
}

/* The day in the region's own time, UTC+8. */
static const char *day_of(struct arena *arena, int64_t seconds)
{
    char text[16];
    struct tm parts;
    time_t local = (time_t)(seconds + (int64_t)8 * 3600);
    if (gmtime_r(&local, &parts) == NULL || strftime(text, sizeof(text), "%Y-%m-%d", &parts) == 0)
        return "";
    return arena_strdup(arena, text);
}

static json_t *show_lock(const struct request *rq, const struct lock *l)
{
    const struct trust *trust = pki_trust(rq->app->pki, rq->arena);
    if (trust == NULL)
        return NULL;
    const struct authority *a = trust_find(trust, l->authority);
    const char *day = day_of(rq->arena, l->not_after);
    if (a == NULL || day == NULL)
        return same(l->serial);
    const char *key = l->key_number != NULL ? l->key_number : "—";
    return describe_both(arena_printf(rq->arena, "%s，序列号 %s，Key号 %s，有效期至 %s", a->name_zh,
                                      l->serial, key, day),
                         arena_printf(rq->arena, "%s, serial %s, key number %s, valid until %s",
                                      a->name_en, l->serial, key, day));
}

/* The value of a claim as the bidder reads it; JSON null before anybody signed in. */
static json_t *show(const struct request *rq, uint32_t bit, const struct holder *holder)
{
    if (holder == NULL)
        return json_null();
    if (bit == CLAIM_REGION)
        return show_city(holder->enterprise.city);
    if (bit == CLAIM_ENTITY_TYPES)
        return show_entity_types(rq->arena, holder->enterprise.entity_types);
    if (bit == CLAIM_LOCK)
        return show_lock(rq, &holder->lock);
    const char *text = claims_show(bit, holder);
    return text != NULL ? same(text) : json_null();
}

static json_t *describe_claims(const struct request *rq, const struct interaction *in,
                               const struct holder *holder)
{
    json_t *list = json_array();
    uint32_t set = in->claims.userinfo | in->claims.id_token;
    for (const struct claim_kind *k = claim_kinds; k->bit != 0; k++) {
        if ((set & k->bit) == 0)
            continue;
        struct object o = object_new();
        object_text(&o, "name", k->name);
        object_put(&o, "title", describe_both(k->zh, k->en));
        object_put(&o, "value", show(rq, k->bit, holder));
        if (json_array_append_new(list, object_done(&o)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *describe_scopes(const char *scope)
{
    size_t len = 0;
    const char *word = NULL;
    json_t *list = json_array();
    while ((word = text_list_next(&scope, &len)) != NULL) {
        if (json_array_append_new(list, json_stringn(word, len)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* Days that were begun count as whole ones. */
static int64_t days_of(int64_t seconds)
{
    return (seconds + 86399) / 86400;
}

/* The signed-in holder, or NULL. */
static enum idp_err find_holder(struct request *rq, const struct holder **out)
{
    *out = NULL;
    if (rq->session == NULL || !rq->session->signed_in)
        return IDP_OK;
    enum idp_err err = holder_find(rq->app->db, rq->app->kv, rq->arena, rq->session->lock, out);
    return err == IDP_NOT_FOUND ? IDP_OK : err;
}

static enum idp_err interaction(struct request *rq, struct response *rs)
{
    static const char *const needs[] = {[AUTHORIZATION_NOTHING] = "nothing",
                                        [AUTHORIZATION_SIGN_IN] = "sign_in",
                                        [AUTHORIZATION_CONSENT] = "consent"};
    struct pending pending;
    const struct holder *holder = NULL;
    enum idp_err err = portal_find_pending(rq, http_param(rq, "interaction"), &pending);
    if (err == IDP_OK)
        err = find_holder(rq, &holder);
    if (err != IDP_OK)
        return err;
    bool known = pending.need != AUTHORIZATION_SIGN_IN;
    struct object o = object_new();
    object_put(&o, "client", describe_client(pending.client));
    object_text(&o, "needs", needs[pending.need]);
    object_put(&o, "scopes", describe_scopes(pending.in->scope));
    object_put(&o, "claims", describe_claims(rq, pending.in, known ? holder : NULL));
    if (text_list_has(pending.in->scope, claims_offline))
        object_number(&o, "offline_days", days_of(rq->app->config.refresh_family_s));
    return http_respond_json(rq, rs, 200, object_done(&o));
}

const struct route portal_interaction_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_GET,
    .path = "/api/interaction",
    .waits = HTTP_WAITS_ALWAYS,
    .params = interaction_params,
    .authenticate = portal_any_browser,
    .handle = interaction,
    .fail = portal_fail,
};

/* After signing in: straight back to the platform where consent was given before. */
static enum idp_err proceed(struct request *rq, struct response *rs)
{
    struct pending pending;
    const char *location = NULL;
    enum idp_err err = portal_find_pending(rq, http_param(rq, "interaction"), &pending);
    if (err != IDP_OK)
        return err;
    struct object o = object_new();
    if (pending.need == AUTHORIZATION_NOTHING) {
        err = portal_finish_pending(rq, &pending, &location);
        object_text(&o, "location", location);
    }
    if (pending.need == AUTHORIZATION_CONSENT)
        object_text(&o, "next", "consent");
    if (pending.need == AUTHORIZATION_SIGN_IN)
        object_text(&o, "next", "sign_in");
    json_t *body = object_done(&o);
    if (err == IDP_OK)
        return http_respond_json(rq, rs, 200, body);
    json_decref(body);
    return err;
}

const struct route portal_continue_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_POST,
    .path = "/api/continue",
    .waits = HTTP_WAITS_ALWAYS,
    .body = HTTP_BODY_JSON,
    .params = interaction_params,
    .authenticate = portal_signed_in_page,
    .handle = proceed,
    .fail = portal_fail,
};
