/*
 * Requests, responses and routes. An endpoint is one const struct route; the server walks the
 * list of them it is given and knows no endpoint by name.
 *
 * The room serves any program of the project: what the program shares is a struct app that only
 * the program knows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "base/refusal.h"

struct app;
struct arena;
struct client;
struct json_out;
struct log_line;
struct session;

enum { HTTP_PARAMS_MAX = 24, HTTP_HEADERS_MAX = 12 };

/*
 * Bits, so that a route may take several. HEAD is answered as GET without the body. OPTIONS is for
 * services that other origins' pages may call (CORS); of such a request nothing is parsed.
 */
enum http_method { HTTP_GET = 1, HTTP_POST = 2, HTTP_OPTIONS = 4 };

/* What the body has to be. A form also takes its parameters from the query on GET. */
enum http_body {
    HTTP_BODY_FORM = 0, /* application/x-www-form-urlencoded; on GET the query string */
    HTTP_BODY_JSON,     /* application/json, one object with the declared members only; on GET the
                           query string, as with a form */
    HTTP_BODY_RAW,      /* anything; no parameters are read from it */
};

/* What a route waits for; dispatch chooses the lane by it (docs/architecture.md, "Two lanes"). */
enum http_waits {
    HTTP_WAITS_NEVER = 0,
    HTTP_WAITS_ON_MISS, /* may answer IDP_WAIT before any side effect, and is then run again from
                           the start on a worker */
    HTTP_WAITS_ALWAYS,  /* goes to a worker at once */
};

enum param_kind { PARAM_TEXT = 0, PARAM_OBJECT, PARAM_LIST, PARAM_NUMBER, PARAM_TRUTH };

/* A parameter an endpoint takes. A list of them ends with a NULL name. */
struct param {
    const char *name;
    bool required;
    enum param_kind kind; /* other kinds than text exist in JSON bodies only: see rq->json */
    size_t max;           /* longest text in bytes after decoding, most entries of a list */
};

struct request {
    struct arena *arena; /* all memory of this request */
    struct app *app;     /* settings, stores and keys; shared by all requests */
    const struct route *route;
    const struct client *client; /* who asks, once route->authenticate has said so */
    struct session *session;     /* the browser's session, once route->authenticate has found it */
    struct refusal refusal;      /* why, when a step returns IDP_REFUSED */
    int64_t now;                 /* seconds; read once, so that all checks see the same time */
    const char *id;              /* for the log, 16 characters */
    const char *trace;           /* the trace-id of whoever asks, 32 digits, or NULL: for the log */
    const char *address;         /* who asks, an IP address as text: for the log */
    const char *network;         /* who is counted for limits: IPv4 as it is, IPv6 as its /64 */
    enum http_method method;
    const char *path;
    /* Headers, or NULL. One that came twice makes the request a 400 before any route sees it
     * (save Cookie, whose lines are joined with "; ", RFC 9113 section 8.2.3). */
    const char *host, *authorization, *cookie, *origin, *content_type, *accept, *if_none_match,
        *sec_fetch_site, *sec_fetch_mode;
    const char *portal_token; /* X-Tamga-Token */
    const char *agent;        /* X-Tamga-Agent */
    const char *query;        /* raw, without '?', or NULL */
    const char *body;         /* exactly body_len bytes, no NUL behind them */
    size_t body_len;
    json_t *json;                        /* the parsed body of a JSON route; owned by the arena */
    const char *values[HTTP_PARAMS_MAX]; /* texts, by position in route->params */
};

struct http_header {
    const char *name, *value;
};

/* An answer that is the same for everybody and was made ready once, e.g. the discovery document. */
struct http_fixed;

struct response {
    int status;
    const char *type; /* Content-Type, or NULL without a body */
    const char *body; /* lives as long as the request's arena, or longer */
    size_t body_len;
    const struct http_fixed *fixed; /* sent instead of all other members when not NULL */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    const char *error_code; /* for the log: what fail() told the caller; a text that stays */
};

/* One endpoint. The members stand in the order in which a request meets them. */
struct route {
    const char *spec; /* the document that defines the endpoint */
    unsigned methods; /* enum http_method, one or several */
    const char *path; /* exact; a path ending in '/' followed by '*' takes all below it */
    enum http_waits waits;
    enum http_body body;
    size_t body_max;                                  /* 0: 16 KiB */
    const struct param *params;                       /* NULL: none */
    enum idp_err (*admit)(struct request *rq);        /* NULL: no rate limit */
    enum idp_err (*authenticate)(struct request *rq); /* NULL: open to everybody */
    enum idp_err (*handle)(struct request *rq, struct response *rs);
    void (*fail)(struct request *rq, struct response *rs, enum idp_err err);
};

/*
 * Takes the request through parse, admit, authenticate, handle; what fails goes to fail, with an
 * rs from which all that the handler had begun is gone. Returns false when a step answered
 * IDP_WAIT: the whole has then to be run again on a thread that may wait, rs means nothing yet,
 * and what the steps had found (client, session, refusal, values, json) is taken out of rq.
 */
bool http_dispatch(struct request *rq, struct response *rs);

/*
 * Decodes application/x-www-form-urlencoded text into values, one slot for each entry of params.
 * Unknown names are skipped and empty values count as absent, as RFC 6749 sections 3.1 and 3.2
 * ask; a name that is declared may not come twice. Returns IDP_BAD_REQUEST for a missing,
 * repeated, too long or undecodable parameter.
 */
enum idp_err http_form_parse(struct arena *arena, const char *body, size_t len,
                             const struct param *params, const char *values[HTTP_PARAMS_MAX]);

/*
 * Says whether the query beside a posted form leaves the form's parameters alone. Returns
 * IDP_BAD_REQUEST when it names a declared one, or has a name that cannot be decoded; IDP_FAULT.
 */
enum idp_err http_form_names_none(struct arena *arena, const char *query, size_t len,
                                  const struct param *params);

/*
 * Parses a JSON body: one object, at most 8 levels deep, no duplicate members, only the declared
 * ones, each of its kind and within its limit (a number is an integer). Texts also go to values,
 * where an empty one counts as absent, as in a form. The tree is the arena's. Returns
 * IDP_BAD_REQUEST for anything else, IDP_FAULT without memory.
 */
enum idp_err http_json_parse(struct arena *arena, const char *body, size_t len,
                             const struct param *params, const char *values[HTTP_PARAMS_MAX],
                             json_t **out);

/* Adds the request's id and trace to a log line. */
void http_log_request(struct log_line *line, const struct request *rq);

/* The value of a text parameter the route declares, or NULL when it was not sent. */
const char *http_param(const struct request *rq, const char *name);

/* --- answers (respond.c) ------------------------------------------------------------------- */

/* Answers with a JSON value and takes it over, also on failure. NULL gives IDP_FAULT. */
enum idp_err http_respond_json(struct request *rq, struct response *rs, int status, json_t *body);

/*
 * Answers 200 with what was written into json, which is copied; then the caller's buffer is wiped.
 * A document that did not fit is IDP_FAULT.
 */
enum idp_err http_respond_written(struct request *rq, struct response *rs, struct json_out *json);

/* Answers with bytes that live as long as the arena. */
enum idp_err http_respond_bytes(struct response *rs, int status, const char *type, const char *body,
                                size_t len);

/* Answers with 303 See Other and an empty body (302 would let a POST be repeated). */
enum idp_err http_redirect(struct response *rs, const char *location);

/*
 * Adds a header; both texts live as long as the arena. IDP_FAULT when there are too many, or when
 * the value is empty or holds a control character, so that no value can begin a header of its own.
 */
enum idp_err http_header_add(struct response *rs, const char *name, const char *value);

/* --- cookies (cookie.c; RFC 6265) ----------------------------------------------------------- */

/*
 * Finds a cookie by exact name. Returns a copy in the arena, or NULL when there is none, it comes
 * twice, or its value is longer than 512 bytes or holds octets RFC 6265 section 4.1.1 forbids.
 */
const char *http_cookie_find(struct request *rq, const char *name);

/*
 * Sets a session cookie: Path=/; Secure; HttpOnly; SameSite=Lax. An empty value deletes it.
 * IDP_FAULT when name or value hold octets that RFC 6265 section 4.1.1 forbids.
 */
enum idp_err http_cookie_set(struct request *rq, struct response *rs, const char *name,
                             const char *value);

/* --- answers made ready once (fixed.c) ------------------------------------------------------ */

/*
 * Makes an answer of bytes (copied) with status 200, these headers (borrowed, ended by a NULL name;
 * NULL: none) and an ETag that is the hash of the body. Returns NULL when there is no memory or a
 * header cannot be sent.
 *
 * It may be freed while answers made of it are still being sent, however slowly they are read: each
 * holds it. A handler that is about to give it to http_respond_fixed() does not: what is replaced
 * under running requests lies in a slot.
 */
struct http_fixed *http_fixed_new(const char *type, const void *body, size_t len,
                                  const struct http_header *headers);
void http_fixed_free(struct http_fixed *fixed);

/*
 * Answers with it, or with 304 when If-None-Match names its ETag (RFC 9110 section 13.1.2). rs also
 * shows its type and body, for whoever looks at the answer without a server.
 */
enum idp_err http_respond_fixed(struct request *rq, struct response *rs,
                                const struct http_fixed *fixed);

/* --- answers that are replaced while serving (slot.c) ---------------------------------------- */

/* Where one answer lies at a time. */
struct http_slot;

/* Makes an empty one. Returns NULL when there is no memory. */
struct http_slot *http_slot_new(void);

/* Frees it and what lies in it, also while answers made of that are being sent. NULL is allowed. */
void http_slot_free(struct http_slot *slot);

/* Replaces what lies in it and takes the new answer over. Requests that found the one before send
 * it to the end. */
void http_slot_put(struct http_slot *slot, struct http_fixed *fixed);

/* http_respond_fixed() with what lies in it now, which the request holds until its end. Never
 * waits. IDP_FAULT when it is empty or there is no memory. */
enum idp_err http_respond_slot(struct request *rq, struct response *rs, struct http_slot *slot);
