/*
 * The authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core section 3.1.2).
 *
 * Nobody is ever sent to an address that is not the client's, byte for byte: until client and
 * redirect URI are good, whatever is wrong is a page. After that every error goes to the client.
 * What needs the bidder (a lock, a consent) becomes an interaction of this browser's session.
 */
#include "oauth/authorize.h"

#include <stddef.h>
#include <string.h>

#include "access/authorization.h"
#include "access/interaction.h"
#include "access/launch.h"
#include "access/rate.h"
#include "access/session.h"
#include "app.h"
#include "base/arena.h"
#include "base/text.h"
#include "client/client.h"
#include "client/registry.h"
#include "http/http.h"
#include "oauth/shared/error_page.h"
#include "oauth/shared/pkce.h"
#include "oauth/shared/scope.h"

static const struct param authorize_params[] = {
    {.name = "client_id", .max = 128},
    {.name = "redirect_uri", .max = 2048},
    {.name = "response_type", .max = 64},
    {.name = "response_mode", .max = 32},
    {.name = "scope", .max = 1024},
    {.name = "state", .max = 2048},
    {.name = "nonce", .max = 512},
    {.name = "code_challenge", .max = 128},
    {.name = "code_challenge_method", .max = 16},
    {.name = "prompt", .max = 64},
    {.name = "max_age", .max = 16},
    {.name = "claims", .max = 4096},
    /* understood by others and ignored here, but twice is twice (RFC 6749 section 3.1) */
    {.name = "ui_locales", .max = 256},
    {.name = "claims_locales", .max = 256},
    {.name = "acr_values", .max = 1024},
    {.name = "id_token_hint", .max = 8192},
    {.name = "login_hint", .max = 512},
    {.name = "display", .max = 16},
    {.name = "request", .max = 16384},
    {.name = "request_uri", .max = 2048},
    {.name = NULL},
};

/* The values of prompt (OpenID Connect Core section 3.1.2.1). */
enum prompt { PROMPT_NONE = 1, PROMPT_LOGIN = 2, PROMPT_CONSENT = 4 };

enum { MAX_AGE_MOST = 1000000000, QUERY_MAX = 12000 };

/* The request as it is being understood. */
struct asking {
    struct interaction in;
    const struct client *client;
    unsigned prompt;
    struct authorization_error error; /* set when something is wrong */
};

static void refuse(struct asking *a, const char *error, const char *description)
{
    if (a->error.error == NULL)
        a->error = (struct authorization_error){error, description};
}

/* The client and its redirect URI: what is wrong here is told to the person, on a page. */
static enum idp_err find_client(struct request *rq, struct asking *a)
{
    const char *id = http_param(rq, "client_id");
    const char *uri = http_param(rq, "redirect_uri");
    if (id == NULL)
        return refusal_set(&rq->refusal, &authorize_unknown_client);
    enum idp_err err = client_find(rq->app->clients, rq->arena, id, &a->client);
    if (err == IDP_NOT_FOUND)
        return refusal_set(&rq->refusal, &authorize_unknown_client);
    if (err != IDP_OK)
        return err;
    if (uri == NULL || !client_has_redirect_uri(a->client, uri))
        return refusal_set(&rq->refusal, &authorize_bad_redirect_uri);
    if (a->client->standing != CLIENT_ACTIVE)
        return refusal_set(&rq->refusal, &authorize_client_not_active);
    const struct rate rate = {"authorize_client", id, rq->app->config.rate_client};
    err = rate_take(&rq->app->access, &rate, rq->now);
    if (err != IDP_OK)
        return err;
    a->in.client = a->client->id;
    a->in.redirect_uri = uri;
    return IDP_OK;
}

static void check_kind(struct request *rq, struct asking *a)
{
    const char *type = http_param(rq, "response_type");
    const char *mode = http_param(rq, "response_mode");
    if (http_param(rq, "request") != NULL) /* OpenID Connect Core section 6.3 */
        refuse(a, "request_not_supported", NULL);
    if (http_param(rq, "request_uri") != NULL)
        refuse(a, "request_uri_not_supported", NULL);
    if (!text_list_has(a->client->grant_types, "authorization_code"))
        refuse(a, "unauthorized_client", NULL);
    if (type == NULL)
        refuse(a, "invalid_request", "response_type is missing");
    else if (strcmp(type, "code") != 0)
        refuse(a, "unsupported_response_type", NULL);
    if (mode != NULL && strcmp(mode, "query") != 0)
        refuse(a, "invalid_request", "response_mode is not supported");
}

/* RFC 9700 section 2.1.1: PKCE for every client, with S256. */
static void read_pkce(struct request *rq, struct asking *a)
{
    const char *challenge = http_param(rq, "code_challenge");
    if (!pkce_challenge_is_good(challenge, http_param(rq, "code_challenge_method")))
        refuse(a, "invalid_request", "code_challenge with code_challenge_method S256 is required");
    a->in.code_challenge = challenge;
}

static void read_prompt(struct request *rq, struct asking *a)
{
    static const struct {
        const char *name;
        unsigned bit;
    } known[] = {{"none", PROMPT_NONE}, {"login", PROMPT_LOGIN}, {"consent", PROMPT_CONSENT}};
    const char *list = http_param(rq, "prompt");
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (text_list_has(list, known[i].name))
            a->prompt |= known[i].bit;
    if ((a->prompt & PROMPT_NONE) != 0 && a->prompt != PROMPT_NONE)
        refuse(a, "invalid_request", "prompt none stands alone");
    a->in.ask_consent = (a->prompt & PROMPT_CONSENT) != 0;
    a->in.ask_sign_in = (a->prompt & PROMPT_LOGIN) != 0;
}

static void read_max_age(struct request *rq, struct asking *a)
{
    int64_t max_age = 0;
    const char *text = http_param(rq, "max_age");
    if (text == NULL)
        return;
    if (!text_to_number(text, 0, MAX_AGE_MOST, &max_age)) {
        refuse(a, "invalid_request", "max_age is not a number of seconds");
        return;
    }
    a->in.signed_in_since = rq->now - max_age;
    a->in.ask_sign_in = a->in.ask_sign_in || max_age == 0;
}

/* OpenID Connect Core section 11: without prompt=consent, offline_access is ignored. So it is for a
 * client that could not use a refresh token. */
static bool may_ask_offline(const struct asking *a)
{
    return a->in.ask_consent && text_list_has(a->client->grant_types, "refresh_token");
}

static enum idp_err read_scope(struct request *rq, struct asking *a)
{
    const char *claims = http_param(rq, "claims");
    enum idp_err err = scope_resolve(rq->arena, a->client, http_param(rq, "scope"),
                                     may_ask_offline(a), &a->in.scope);
    if (err == IDP_BAD_SCOPE) {
        refuse(a, "invalid_scope", NULL);
        return IDP_OK;
    }
    if (err != IDP_OK)
        return err;
    a->in.claims.userinfo = claims_of_scope(a->in.scope);
    err =
        claims == NULL ? IDP_OK : claims_parse(rq->arena, claims, a->client->scope, &a->in.claims);
    if (err == IDP_BAD_REQUEST) {
        refuse(a, "invalid_request", "claims is not a claims request");
        return IDP_OK;
    }
    return err;
}

static bool is_printable(const char *s)
{
    for (; s != NULL && *s != '\0'; s++)
        if (*s < 0x20 || *s > 0x7E) /* RFC 6749 appendix A.5 */
            return false;
    return true;
}

/* Everything after client and redirect URI: what is wrong goes to the client. */
static enum idp_err read_request(struct request *rq, struct asking *a)
{
    a->in.state = http_param(rq, "state");
    a->in.nonce = http_param(rq, "nonce");
    a->in.began = rq->now;
    if (!is_printable(a->in.state)) {
        a->in.state = NULL;
        refuse(a, "invalid_request", "state holds a character that is not allowed");
    }
    /* It goes into the ID token, which is JSON and so UTF-8 (RFC 8259 section 8.1). */
    if (a->in.nonce != NULL && !text_is_clean_utf8(a->in.nonce, strlen(a->in.nonce)))
        refuse(a, "invalid_request", "nonce holds a character that is not allowed");
    check_kind(rq, a);
    read_pkce(rq, a);
    read_prompt(rq, a);
    read_max_age(rq, a);
    return read_scope(rq, a);
}

static enum idp_err send_error(struct request *rq, struct response *rs, const struct asking *a,
                               const struct authorization_error *error)
{
    rs->error_code = error->error;
    const char *uri =
        authorization_refuse(&rq->app->access, rq->arena, a->in.redirect_uri, a->in.state, error);
    return uri != NULL ? http_redirect(rs, uri) : IDP_FAULT;
}

/* The browser's session, or a new visitor's with its cookie. */
static enum idp_err find_session(struct request *rq, struct response *rs)
{
    const struct access *access = &rq->app->access;
    enum idp_err err = session_find(access, rq->arena, http_cookie_find(rq, session_cookie),
                                    rq->now, &rq->session);
    if (err != IDP_NOT_FOUND)
        return err;
    err = session_visit(access, rq->arena, &rq->session);
    if (err == IDP_OK)
        err = http_cookie_set(rq, rs, session_cookie, rq->session->id);
    return err;
}

/* What stands in the way of a code. A launch from the portal asks for consent anew. */
static enum idp_err find_need(struct request *rq, struct asking *a, enum authorization_need *out)
{
    const struct access *access = &rq->app->access;
    if (rq->session->signed_in) {
        enum idp_err err = launch_take(access, rq->session, a->client->id);
        if (err != IDP_OK && err != IDP_NOT_FOUND)
            return err;
        a->in.ask_consent = a->in.ask_consent || err == IDP_OK;
    }
    enum idp_err err = authorization_need(access, rq->arena, &a->in, rq->session, out);
    if (err == IDP_OK && *out != AUTHORIZATION_SIGN_IN &&
        !authorization_lock_fits(access, a->client, rq->session))
        *out = AUTHORIZATION_SIGN_IN; /* with a lock of the client's own environment */
    return err;
}

static enum idp_err ask_bidder(struct request *rq, struct response *rs, struct asking *a,
                               enum authorization_need need)
{
    a->in.session = rq->session->hash;
    enum idp_err err = interaction_begin(&rq->app->access, rq->arena, &a->in);
    if (err != IDP_OK)
        return err;
    const char *page = need == AUTHORIZATION_SIGN_IN ? "sign-in" : "consent";
    const char *uri = arena_printf(rq->arena, "/%s?interaction=%s", page, a->in.id);
    return uri != NULL ? http_redirect(rs, uri) : IDP_FAULT;
}

static enum idp_err proceed(struct request *rq, struct response *rs, struct asking *a)
{
    static const struct authorization_error silent[] = {
        [AUTHORIZATION_SIGN_IN] = {"login_required", NULL},
        [AUTHORIZATION_CONSENT] = {"consent_required", NULL},
    };
    enum authorization_need need = AUTHORIZATION_SIGN_IN;
    const char *uri = NULL;
    enum idp_err err = find_session(rq, rs);
    if (err == IDP_OK)
        err = find_need(rq, a, &need);
    if (err != IDP_OK)
        return err;
    if (need != AUTHORIZATION_NOTHING && (a->prompt & PROMPT_NONE) != 0)
        return send_error(rq, rs, a, &silent[need]);
    if (need != AUTHORIZATION_NOTHING)
        return ask_bidder(rq, rs, a, need);
    err = authorization_grant(&rq->app->access, rq->arena, &a->in, rq->session, rq->now, &uri);
    return err == IDP_OK ? http_redirect(rs, uri) : err;
}

/* Only what may stand in a query (RFC 3986 section 3.4) goes into the header as it came. */
static bool is_query(const char *s, size_t len)
{
    static const char others[] = "-._~!$&'()*+,;=:@/?%";
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!plain && (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return true;
}

/*
 * A POST from another site comes without our cookie (SameSite=Lax), whoever is signed in here. It
 * is asked again as a GET, which brings the cookie: answered as it is, it would put a visitor's
 * session in the place of the bidder's.
 */
static enum idp_err ask_again(struct request *rq, struct response *rs)
{
    if (rq->body_len > QUERY_MAX || !is_query(rq->body, rq->body_len))
        return IDP_BAD_REQUEST;
    const char *uri =
        arena_printf(rq->arena, "%s?%.*s", oauth_authorize_route.path, (int)rq->body_len, rq->body);
    return uri != NULL ? http_redirect(rs, uri) : IDP_FAULT;
}

static enum idp_err authorize(struct request *rq, struct response *rs)
{
    struct asking a = {.client = NULL};
    enum idp_err err = find_client(rq, &a);
    if (err == IDP_OK && rq->method == HTTP_POST && http_cookie_find(rq, session_cookie) == NULL)
        return ask_again(rq, rs);
    if (err == IDP_OK)
        err = read_request(rq, &a);
    if (err != IDP_OK)
        return err;
    if (a.error.error != NULL)
        return send_error(rq, rs, &a, &a.error);
    return proceed(rq, rs, &a);
}

static enum idp_err admit(struct request *rq)
{
    const struct rate rate = {"authorize", rq->network, rq->app->config.rate_authorize};
    return rate_take(&rq->app->access, &rate, rq->now);
}

const struct route oauth_authorize_route = {
    .spec = "RFC 6749 section 3.1, OpenID Connect Core 1.0 section 3.1.2",
    .methods = HTTP_GET | HTTP_POST,
    .path = "/oauth2/authorize",
    .waits = HTTP_WAITS_ALWAYS,
    .body_max = 32768,
    .params = authorize_params,
    .admit = admit,
    .handle = authorize,
    .fail = oauth_fail_page,
};
