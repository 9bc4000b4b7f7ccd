#include "http/send.h"

#include <string.h>
#include <strings.h>

#include "http/fixed.h"

/* libmicrohttpd 0.9.75 takes what it never writes to without const. */
static void *without_const(const void *bytes)
{
    union {
        const void *given;
        void *wanted;
    } pointer = {.given = bytes};
    return pointer.wanted;
}

static bool has_header(const struct response *rs, const char *name)
{
    for (size_t i = 0; i < rs->header_count; i++)
        if (strcasecmp(rs->headers[i].name, name) == 0)
            return true;
    return false;
}

static bool add_all(struct MHD_Response *response, const struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (MHD_add_response_header(response, headers[i].name, headers[i].value) != MHD_YES)
            return false;
    return true;
}

static bool add_common(struct MHD_Response *response, const struct response *rs)
{
    static const struct http_header common[] = {
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cache-Control", "no-store"},
    };
    return add_all(response, common, has_header(rs, "Cache-Control") ? 2 : 3);
}

/* What a page may do; the last line lets the portal's page ask for the assistant on loopback. */
static bool add_policies(struct MHD_Response *response, const char *csp)
{
    const struct http_header policies[] = {
        {"X-Frame-Options", "DENY"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Permissions-Policy", "loopback-network=(self), local-network-access=(self)"},
        {"Content-Security-Policy", csp},
    };
    return add_all(response, policies, csp != NULL ? 4 : 3);
}

static bool is_html(const struct response *rs)
{
    return rs->type != NULL && strncasecmp(rs->type, "text/html", 9) == 0;
}

/* libmicrohttpd counts who sends a response and leaves the owner after the last of them. */
static struct MHD_Response *create(const struct response *rs, const struct http_fixed *owner)
{
    if (owner == NULL)
        return MHD_create_response_from_buffer(rs->body_len, without_const(rs->body),
                                               MHD_RESPMEM_PERSISTENT);
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        rs->body_len, without_const(rs->body), http_fixed_leave, owner->self);
    if (response != NULL)
        atomic_fetch_add(&owner->self->holders, 1);
    return response;
}

struct MHD_Response *http_send_make(const struct response *rs, const struct http_fixed *owner,
                                    const char *csp)
{
    struct MHD_Response *response = create(rs, owner);
    if (response == NULL)
        return NULL;
    const struct http_header type = {"Content-Type", rs->type};
    bool good = add_all(response, &type, rs->type != NULL ? 1 : 0) &&
                add_all(response, rs->headers, rs->header_count) && add_common(response, rs) &&
                (!is_html(rs) || add_policies(response, csp));
    if (good)
        return response;
    MHD_destroy_response(response);
    return NULL;
}

/* A fixed answer that lacks the server's own words: HTML, or that the connection ends. */
static struct MHD_Response *make_fixed(const struct response *rs, const char *csp)
{
    struct response answer = rs->fixed->answer;
    if (rs->status == MHD_HTTP_NOT_MODIFIED) {
        answer.body = NULL;
        answer.body_len = 0;
    }
    return http_send_make(&answer, rs->fixed, csp);
}

static struct MHD_Response *ready(const struct response *rs)
{
    if (rs->fixed == NULL)
        return NULL;
    return rs->status == MHD_HTTP_NOT_MODIFIED ? rs->fixed->unchanged : rs->fixed->full;
}

enum MHD_Result http_send(struct MHD_Connection *connection, const struct response *rs,
                          const char *csp, bool closing)
{
    struct MHD_Response *shared = closing ? NULL : ready(rs);
    if (shared != NULL)
        return MHD_queue_response(connection, (unsigned)rs->status, shared);
    struct MHD_Response *response =
        rs->fixed != NULL ? make_fixed(rs, csp) : http_send_make(rs, NULL, csp);
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result queued = MHD_YES;
    if (closing)
        queued = MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (queued == MHD_YES)
        queued = MHD_queue_response(connection, (unsigned)rs->status, response);
    MHD_destroy_response(response);
    return queued;
}

void http_send_problem(struct response *rs, int status, const char *code)
{
    static const struct {
        const char *code, *body;
    } problems[] = {
        {"bad_request", "{\"error\":\"bad_request\"}"},
        {"not_found", "{\"error\":\"not_found\"}"},
        {"method_not_allowed", "{\"error\":\"method_not_allowed\"}"},
        {"too_large", "{\"error\":\"too_large\"}"},
        {"overloaded", "{\"error\":\"overloaded\"}"},
        {"stopping", "{\"error\":\"stopping\"}"},
    };
    const char *body = "{\"error\":\"fault\"}";
    for (size_t i = 0; i < sizeof(problems) / sizeof(*problems); i++)
        if (strcmp(problems[i].code, code) == 0)
            body = problems[i].body;
    *rs = (struct response){.status = status,
                            .type = "application/json",
                            .body = body,
                            .body_len = strlen(body),
                            .error_code = code};
}
