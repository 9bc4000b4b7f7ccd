#include "oauth/shared/error.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_out.h"
#include "http/http.h"

/*
 * What the client is told. The text is fixed for each error: details that could help an attacker
 * go to the log only.
 */
static const struct answer {
    int status;
    const char *code;
    const char *text;
} answers[] = {
    [IDP_OK] = {500, "server_error", "The server failed."},
    [IDP_BAD_REQUEST] = {400, "invalid_request", "A parameter is missing, repeated or malformed."},
    [IDP_BAD_CLIENT] = {401, "invalid_client", "Client authentication failed."},
    [IDP_BAD_GRANT] = {400, "invalid_grant", "The grant is not valid, expired or was used."},
    [IDP_BAD_SCOPE] = {400, "invalid_scope", "The scope is not known or not allowed."},
    [IDP_BAD_TOKEN] = {401, "invalid_token", "The access token is not valid or has ended."},
    [IDP_DENIED] = {400, "unauthorized_client", "The client may not do this."},
    [IDP_REFUSED] = {400, "unsupported_grant_type", "The grant type is not supported."},
    [IDP_LIMITED] = {429, "temporarily_unavailable", "Too many requests. Please try again later."},
    [IDP_NOT_FOUND] = {500, "server_error", "The server failed."}, /* a handler forgot a case */
    [IDP_CONFLICT] = {500, "server_error", "The server failed."},
    [IDP_WAIT] = {500, "server_error", "The server failed."},
    [IDP_UNAVAILABLE] = {503, "temporarily_unavailable", "Please try again later."},
    [IDP_FULL] = {503, "temporarily_unavailable", "Please try again later."},
    [IDP_FAULT] = {500, "server_error", "The server failed."},
};

enum { BODY_MAX = 256 };

static void write_body(struct request *rq, struct response *rs, const struct answer *a)
{
    char *body = arena_alloc(rq->arena, BODY_MAX);
    rs->error_code = a->code;
    if (body == NULL) { /* no memory for a body: the status alone must do */
        rs->status = 500;
        return;
    }
    struct json_out json = json_out_new(body, BODY_MAX);
    json_out_object(&json, NULL);
    json_out_text(&json, "error", a->code);
    json_out_text(&json, "error_description", a->text);
    json_out_end_object(&json);
    (void)http_respond_bytes(rs, a->status, "application/json", body, json_out_done(&json));
}

static void add_retry_after(struct response *rs, const struct answer *a)
{
    if (a->status == 503 || a->status == 429)
        (void)http_header_add(rs, "Retry-After", a->status == 429 ? "60" : "1");
}

void oauth_fail(struct request *rq, struct response *rs, enum idp_err err)
{
    const struct answer *a = &answers[err];
    write_body(rq, rs, a);
    add_retry_after(rs, a);
    if (err == IDP_BAD_CLIENT) /* RFC 9110 section 15.5.2: a 401 names a scheme */
        (void)http_header_add(rs, "WWW-Authenticate", "Basic realm=\"tamga\"");
}

/* RFC 6750 section 3.1: the token is good, and not for this. */
static const struct answer insufficient = {403, "insufficient_scope",
                                           "The access token does not have the scope openid."};

/* A call without a token is as bad as one with a bad token: no client has to log in here. */
static const struct answer *bearer_answer(enum idp_err err)
{
    if (err == IDP_BAD_SCOPE)
        return &insufficient;
    return &answers[err == IDP_BAD_CLIENT ? IDP_BAD_TOKEN : err];
}

void oauth_fail_bearer(struct request *rq, struct response *rs, enum idp_err err)
{
    const struct answer *a = bearer_answer(err);
    write_body(rq, rs, a);
    add_retry_after(rs, a);
    if (err == IDP_BAD_TOKEN)
        (void)http_header_add(rs, "WWW-Authenticate",
                              "Bearer realm=\"tamga\", error=\"invalid_token\"");
    if (err == IDP_BAD_REQUEST)
        (void)http_header_add(rs, "WWW-Authenticate",
                              "Bearer realm=\"tamga\", error=\"invalid_request\"");
    if (err == IDP_BAD_SCOPE)
        (void)http_header_add(
            rs, "WWW-Authenticate",
            "Bearer realm=\"tamga\", error=\"insufficient_scope\", scope=\"openid\"");
    if (err == IDP_BAD_CLIENT) /* RFC 6750 section 3.1: no token was sent, so no error is named */
        (void)http_header_add(rs, "WWW-Authenticate", "Bearer realm=\"tamga\"");
}
