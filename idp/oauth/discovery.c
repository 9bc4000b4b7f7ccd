/*
 * The discovery document (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2). Endpoints
 * come from the route table, so the document cannot promise what is not there.
 */
#include "oauth/discovery.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/acr.h"
#include "access/claims.h"
#include "app.h"
#include "base/arena.h"
#include "base/json_out.h"
#include "http/http.h"
#include "oauth/authorize.h"
#include "oauth/introspect.h"
#include "oauth/jwks.h"
#include "oauth/revoke.h"
#include "oauth/shared/error.h"
#include "oauth/token.h"
#include "oauth/userinfo.h"

enum { DOCUMENT_MAX = 8192 };

static const struct endpoint {
    const char *name;
    const struct route *route;
} endpoints[] = {
    {"authorization_endpoint", &oauth_authorize_route},
    {"token_endpoint", &oauth_token_route},
    {"userinfo_endpoint", &oauth_userinfo_route},
    {"introspection_endpoint", &oauth_introspect_route},
    {"revocation_endpoint", &oauth_revoke_route},
    {"jwks_uri", &oauth_jwks_route},
};

/* Members whose value is a fixed list, space-separated. */
static const struct list {
    const char *name, *values;
} lists[] = {
    {"response_types_supported", "code"},
    {"response_modes_supported", "query"},
    {"grant_types_supported", "authorization_code refresh_token client_credentials"},
    {"subject_types_supported", "public"},
    {"id_token_signing_alg_values_supported", "ES256 RS256"},
    {"token_endpoint_auth_methods_supported", "client_secret_basic client_secret_post none"},
    {"introspection_endpoint_auth_methods_supported", "client_secret_basic client_secret_post"},
    {"revocation_endpoint_auth_methods_supported", "client_secret_basic client_secret_post none"},
    {"code_challenge_methods_supported", "S256"},
    {"prompt_values_supported", "none login consent"},
    {"acr_values_supported", acr_supported},
    {"claim_types_supported", "normal"},
    {"ui_locales_supported", "zh-CN en"},
};

/* Members of the ID token that need no asking. */
static const char always[] = "iss sub aud exp iat auth_time nonce acr amr lock_status at_hash";

static bool is_served(const struct app *app, const struct route *route)
{
    for (size_t i = 0; app->routes[i] != NULL; i++)
        if (app->routes[i] == route)
            return true;
    return false;
}

static enum idp_err write_endpoints(const struct app *app, struct arena *arena,
                                    struct json_out *json)
{
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(*endpoints); i++) {
        if (!is_served(app, endpoints[i].route))
            continue;
        const char *uri = arena_printf(arena, "%s%s", app->config.issuer, endpoints[i].route->path);
        if (uri == NULL)
            return IDP_FAULT;
        json_out_text(json, endpoints[i].name, uri);
    }
    return IDP_OK;
}

static void write_scopes(struct json_out *json)
{
    json_out_array(json, "scopes_supported");
    json_out_words(json, claims_scopes);
    json_out_words(json, claims_client_scopes);
    json_out_end_array(json);
}

static void write_claims(struct json_out *json)
{
    json_out_array(json, "claims_supported");
    json_out_words(json, always);
    for (const struct claim_kind *k = claim_kinds; k->bit != 0; k++)
        json_out_text(json, NULL, k->name);
    json_out_end_array(json);
}

static enum idp_err write_document(const struct app *app, struct arena *arena,
                                   struct json_out *json)
{
    json_out_object(json, NULL);
    json_out_text(json, "issuer", app->config.issuer);
    enum idp_err err = write_endpoints(app, arena, json);
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        json_out_array(json, lists[i].name);
        json_out_words(json, lists[i].values);
        json_out_end_array(json);
    }
    write_scopes(json);
    write_claims(json);
    json_out_truth(json, "claims_parameter_supported", true);
    json_out_truth(json, "request_parameter_supported", false);
    json_out_truth(json, "request_uri_parameter_supported", false);
    json_out_truth(json, "authorization_response_iss_parameter_supported", true);
    json_out_end_object(json);
    return err;
}

struct http_fixed *oauth_document_new(const char *body, size_t len, const char *cache_control)
{
    const struct http_header headers[] = {
        {"Cache-Control", cache_control},
        {"Access-Control-Allow-Origin", "*"},
        {NULL, NULL},
    };
    return http_fixed_new("application/json", body, len, headers);
}

const char *oauth_cache_control(struct app *app)
{
    if (*app->cache_control == '\0')
        (void)snprintf(app->cache_control, sizeof(app->cache_control), "public, max-age=%lld",
                       (long long)app->config.jwks_cache_s);
    return app->cache_control;
}

static enum idp_err prepare_discovery(struct app *app, struct arena *arena)
{
    char *body = arena_alloc(arena, DOCUMENT_MAX);
    if (body == NULL)
        return IDP_FAULT;
    struct json_out json = json_out_new(body, DOCUMENT_MAX);
    enum idp_err err = write_document(app, arena, &json);
    size_t len = json_out_done(&json);
    if (err != IDP_OK || len == 0)
        return IDP_FAULT;
    app->discovery = oauth_document_new(body, len, oauth_cache_control(app));
    return app->discovery != NULL ? IDP_OK : IDP_FAULT;
}

enum idp_err oauth_discovery_prepare(struct app *app)
{
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? prepare_discovery(app, arena) : IDP_FAULT;
    arena_free(arena);
    return err;
}

static enum idp_err discovery(struct request *rq, struct response *rs)
{
    return http_respond_fixed(rq, rs, rq->app->discovery);
}

const struct route oauth_discovery_route = {
    .spec = "OpenID Connect Discovery 1.0 section 4",
    .methods = HTTP_GET,
    .path = "/.well-known/openid-configuration",
    .waits = HTTP_WAITS_NEVER,
    .handle = discovery,
    .fail = oauth_fail,
};
