#include "tests/oauth/asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/authorization.h"
#include "access/consent.h"
#include "access/interaction.h"
#include "base/base64.h"
#include "jose/jws.h"
#include "jose/sign.h"
#include "oauth/authorize.h"
#include "oauth/introspect.h"
#include "oauth/revoke.h"
#include "oauth/token.h"
#include "oauth/userinfo.h"

struct asking asking_of(enum world_client client)
{
    return (struct asking){.client_id = world.client_ids[client],
                           .redirect_uri = world.redirect_uris[client],
                           .response_type = "code",
                           .scope = "openid enterprise",
                           .state = "a state",
                           .nonce = "a nonce",
                           .code_challenge = CHALLENGE,
                           .code_challenge_method = "S256"};
}

/* Leaves pairs without value out. */
static const char *encode(const char *const all[][2], size_t count)
{
    const char *pairs[64] = {NULL};
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (all[i][1] == NULL)
            continue;
        pairs[n++] = all[i][0];
        pairs[n++] = all[i][1];
    }
    return form_of(pairs);
}

const char *asking_text(const struct asking *a)
{
    const char *const pairs[][2] = {
        {"client_id", a->client_id},
        {"redirect_uri", a->redirect_uri},
        {"response_type", a->response_type},
        {"response_mode", a->response_mode},
        {"scope", a->scope},
        {"state", a->state},
        {"nonce", a->nonce},
        {"code_challenge", a->code_challenge},
        {"code_challenge_method", a->code_challenge_method},
        {"prompt", a->prompt},
        {"max_age", a->max_age},
        {"claims", a->claims},
        {"request", a->request},
        {"request_uri", a->request_uri},
    };
    return encode(pairs, sizeof(pairs) / sizeof(*pairs));
}

const struct answer *authorize(struct browser *browser, const struct asking *asking)
{
    return browse(browser, &oauth_authorize_route, asking_text(asking));
}

void agree(enum world_lock lock, enum world_client client)
{
    const struct consent consent = {.enterprise = world.holders[lock].enterprise.id,
                                    .client = world.client_ids[client],
                                    .scope = "openid enterprise",
                                    .claims = {.userinfo = claims_of_scope("enterprise")}};
    assert_int_equal(consent_give(&world.app.access, world.arena, &consent, world.now), IDP_OK);
}

const char *code_for(struct browser *browser, const struct asking *asking)
{
    const struct answer *answer = authorize(browser, asking);
    const char *code = query_value(answer->location, "code");
    assert_int_equal(answer->status, 303);
    if (code == NULL)
        fail_msg("%s", answer->location);
    return code;
}

struct redeeming redeeming_of(enum world_client client, const char *code)
{
    struct redeeming r = {.grant_type = "authorization_code",
                          .code = code,
                          .redirect_uri = world.redirect_uris[client],
                          .code_verifier = VERIFIER};
    if (client == CLIENT_POST || client == CLIENT_PUBLIC)
        r.client_id = world.client_ids[client];
    if (client == CLIENT_POST)
        r.client_secret = world.secrets[client];
    if (r.client_id == NULL)
        r.authorization = basic(client);
    return r;
}

const char *redeeming_text(const struct redeeming *r)
{
    const char *const pairs[][2] = {
        {"grant_type", r->grant_type},     {"code", r->code},
        {"redirect_uri", r->redirect_uri}, {"code_verifier", r->code_verifier},
        {"client_id", r->client_id},       {"client_secret", r->client_secret},
    };
    return encode(pairs, sizeof(pairs) / sizeof(*pairs));
}

const struct answer *redeem(const struct redeeming *r)
{
    return world_send(&(struct sent){
        .route = &oauth_token_route, .body = redeeming_text(r), .authorization = r->authorization});
}

const char *agreed_code(enum world_client client, const struct browser *browser, const char *scope)
{
    const char *uri = NULL;
    const struct interaction in = {.client = world.client_ids[client],
                                   .redirect_uri = world.redirect_uris[client],
                                   .scope = scope,
                                   .nonce = "a nonce",
                                   .code_challenge = CHALLENGE,
                                   .claims = {.userinfo = claims_of_scope(scope)}};
    const struct session *session = session_of(browser);
    const struct consent consent = {.enterprise = session->enterprise,
                                    .client = in.client,
                                    .scope = scope,
                                    .claims = in.claims};
    assert_int_equal(consent_give(&world.app.access, world.arena, &consent, world.now), IDP_OK);
    assert_int_equal(
        authorization_grant(&world.app.access, world.arena, &in, session, world.now, &uri), IDP_OK);
    return query_value(uri, "code");
}

const struct answer *offline_tokens(enum world_client client, enum world_lock lock)
{
    const struct browser browser = signed_in(lock);
    const char *code = agreed_code(client, &browser, "openid enterprise offline_access");
    const struct redeeming redeeming = redeeming_of(client, code);
    const struct answer *answer = redeem(&redeeming);
    assert_int_equal(answer->status, 200);
    return answer;
}

struct sent refreshing(enum world_client client, const char *token, const char *scope)
{
    bool in_form = client == CLIENT_POST || client == CLIENT_PUBLIC;
    const char *const pairs[][2] = {
        {"grant_type", "refresh_token"},
        {"refresh_token", token},
        {"scope", scope},
        {"client_id", in_form ? world.client_ids[client] : NULL},
        {"client_secret", client == CLIENT_POST ? world.secrets[client] : NULL},
    };
    return (struct sent){.route = &oauth_token_route,
                         .body = encode(pairs, sizeof(pairs) / sizeof(*pairs)),
                         .authorization = in_form ? NULL : basic(client)};
}

const struct answer *refresh(enum world_client client, const char *token, const char *scope)
{
    const struct sent sent = refreshing(client, token, scope);
    return world_send(&sent);
}

const char *basic_of(const char *id, const char *secret)
{
    const char *plain = arena_printf(world.arena, "%s:%s", id, secret);
    char *text = arena_alloc(world.arena, 2 * strlen(plain) + 8);
    base64_encode(plain, strlen(plain), text);
    return arena_printf(world.arena, "Basic %s", text);
}

const char *basic(enum world_client client)
{
    return basic_of(world.client_ids[client], world.secrets[client]);
}

/* A form with a token, from a client by the method it is registered with. */
static const struct answer *send_token(const struct route *route, enum world_client client,
                                       const char *token)
{
    bool in_form = client == CLIENT_POST || client == CLIENT_PUBLIC;
    const char *const pairs[][2] = {
        {"token", token},
        {"client_id", in_form ? world.client_ids[client] : NULL},
        {"client_secret", client == CLIENT_POST ? world.secrets[client] : NULL},
    };
    return world_send(&(struct sent){.route = route,
                                     .body = encode(pairs, sizeof(pairs) / sizeof(*pairs)),
                                     .authorization = in_form ? NULL : basic(client)});
}

const struct answer *give_back(enum world_client client, const char *token)
{
    return send_token(&oauth_revoke_route, client, token);
}

const struct answer *introspect_as(enum world_client client, const char *token)
{
    return send_token(&oauth_introspect_route, client, token);
}

const struct answer *introspect(const char *token)
{
    return introspect_as(CLIENT_GATEWAY, token);
}

const struct answer *userinfo(const char *token)
{
    return world_send(
        &(struct sent){.route = &oauth_userinfo_route,
                       .authorization = arena_printf(world.arena, "Bearer %s", token)});
}

static void drop_json(void *json)
{
    json_decref(json);
}

const json_t *payload_of(const char *jws, const char *alg)
{
    struct jwk_set keys;
    struct jose_jws good;
    assert_non_null(jws);
    assert_int_equal(signer_public_keys(world.app.signer, world.arena, &keys), IDP_OK);
    assert_int_equal(jose_jws_verify(&keys, world.arena, jws, strlen(jws), &good), IDP_OK);
    assert_string_equal(jose_alg_name(good.key->alg), alg);
    assert_string_equal(good.typ, "JWT");
    json_t *payload = json_loadb(good.payload, good.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(payload);
    assert_non_null(arena_own(world.arena, payload, drop_json));
    return payload;
}
