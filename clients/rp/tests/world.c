#include "rp/tests/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int64_t world_clock = WORLD_NOW;

static int64_t told_time(void)
{
    return world_clock;
}

json_t *world_discovery(const struct world *w)
{
    char urls[FAKE_PAGES][96];
    static const char *const paths[FAKE_PAGES] = {"/authorize", "/jwks", "/token", "/userinfo"};
    for (size_t i = 0; i < FAKE_PAGES; i++)
        (void)snprintf(urls[i], sizeof(urls[i]), "%s%s", fake_issuer(w->provider), paths[i]);
    json_t *document = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:[s],s:[ss],s:[s],s:[sss],s:b}", "issuer", fake_issuer(w->provider),
        "authorization_endpoint", urls[0], "jwks_uri", urls[1], "token_endpoint", urls[2],
        "userinfo_endpoint", urls[3], "response_types_supported", "code",
        "id_token_signing_alg_values_supported", "RS256", "ES256",
        "code_challenge_methods_supported", "S256", "token_endpoint_auth_methods_supported",
        "client_secret_basic", "client_secret_post", "none",
        "authorization_response_iss_parameter_supported", 1);
    assert_non_null(document);
    return document;
}

static EVP_PKEY *rsa_key, *ec_key, *other_key;

int world_make_keys(void **state)
{
    (void)state;
    rsa_key = fake_key("RS256");
    ec_key = fake_key("ES256");
    other_key = fake_key("ES256");
    return 0;
}

int world_drop_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa_key);
    EVP_PKEY_free(ec_key);
    EVP_PKEY_free(other_key);
    return 0;
}

int world_set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    world_clock = WORLD_NOW;
    w->provider = fake_start();
    w->rsa = rsa_key;
    w->ec = ec_key;
    w->other = other_key;
    w->settings = (struct rp_settings){.issuer = fake_issuer(w->provider),
                                       .client_id = CLIENT,
                                       .client_secret = SECRET,
                                       .redirect_uri = OWN "/callback",
                                       .scope = "openid enterprise",
                                       .development = true,
                                       .timeout_ms = 2000,
                                       .clock = told_time};
    fake_says_json(w->provider, FAKE_DISCOVERY, world_discovery(w));
    fake_says_json(
        w->provider, FAKE_JWKS,
        json_pack("{s:[oo]}", "keys", fake_jwk(w->rsa, "rsa-1"), fake_jwk(w->ec, "ec-1")));
    fake_says_json(w->provider, FAKE_USERINFO,
                   json_pack("{s:s,s:s,s:{s:s,s:i},s:[ss]}", "sub", "company-7", "name",
                             "Sand & Steppe Ltd.", "certificate", "serial", "0a1b", "not_after",
                             1800000000, "entity_types", "bidder", "supplier"));
    *state = w;
    return 0;
}

static void forget(struct world *w)
{
    rp_answer_free(w->answer);
    w->answer = NULL;
    rp_start_free(&w->start);
    json_decref(w->claims);
    json_decref(w->header);
    w->claims = w->header = NULL;
    free(w->nonce);
    w->nonce = NULL;
}

int world_tear_down(void **state)
{
    struct world *w = *state;
    forget(w);
    rp_free(w->rp);
    fake_stop(w->provider);
    free(w);
    return 0;
}

enum rp_err world_meet(struct world *w)
{
    rp_free(w->rp);
    w->rp = NULL;
    return rp_new(&w->settings, &w->note, &w->rp);
}

char *world_param(const char *url, const char *name)
{
    size_t len = strlen(name);
    const char *at = strchr(url, '?');
    at = at != NULL ? at + 1 : url;
    while (strncmp(at, name, len) != 0 || at[len] != '=') {
        at += strcspn(at, "&");
        if (*at == '\0')
            return NULL;
        at++;
    }
    return strndup(at + len + 1, strcspn(at + len + 1, "&"));
}

void world_begin(struct world *w, const struct rp_request *request)
{
    const json_int_t now = world_clock;
    forget(w);
    if (w->rp == NULL)
        assert_int_equal(world_meet(w), RP_OK);
    assert_int_equal(rp_begin(w->rp, request, &w->note, &w->start), RP_OK);
    w->nonce = world_param(w->start.url, "nonce");
    w->claims =
        json_pack("{s:s,s:s,s:s,s:I,s:I,s:s,s:I,s:s,s:[ss]}", "iss", fake_issuer(w->provider),
                  "sub", "company-7", "aud", CLIENT, "exp", now + 300, "iat", now, "nonce",
                  w->nonce, "auth_time", now - 10, "acr", "urn:tamga:lock", "amr", "hwk", "pin");
    w->header = json_pack("{s:s,s:s}", "alg", "ES256", "kid", "ec-1");
    assert_non_null(w->claims);
}

void world_hands_out(struct world *w, char *token)
{
    fake_says_json(w->provider, FAKE_TOKEN,
                   json_pack("{s:s,s:s,s:i,s:s}", "access_token", "an-access-token", "token_type",
                             "Bearer", "expires_in", 600, "id_token", token));
    free(token);
}

enum rp_err world_finish_with(struct world *w, const char *before_state, const char *after_state)
{
    char query[1024];
    (void)snprintf(query, sizeof(query), "%s%s%s", before_state, w->start.state, after_state);
    return rp_finish(w->rp, query, w->start.pending, &w->note, &w->answer);
}

enum rp_err world_finish(struct world *w)
{
    char iss[96];
    (void)snprintf(iss, sizeof(iss), "&iss=%s", fake_issuer(w->provider));
    return world_finish_with(w, "code=a-code&state=", iss);
}

enum rp_err world_sign_in(struct world *w)
{
    world_hands_out(w, fake_sign(w->ec, json_incref(w->header), json_incref(w->claims)));
    return world_finish(w);
}
