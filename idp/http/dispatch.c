/*
 * The one way every request takes: parse, admit, authenticate, handle, fail. No endpoint can leave
 * a step out, and none calls them itself.
 */
#include "http/http.h"

#include <string.h>
#include <strings.h>

#include "base/log.h"

/*
 * Says whether Content-Type (RFC 9110 section 8.3) names this media type, with no parameter but
 * charset=utf-8.
 */
static bool type_is(const char *content_type, const char *wanted)
{
    size_t len = strlen(wanted);
    if (content_type == NULL || strncasecmp(content_type, wanted, len) != 0)
        return false;
    const char *rest = content_type + len;
    rest += strspn(rest, " \t");
    if (*rest == '\0')
        return true;
    if (*rest != ';')
        return false;
    rest++;
    rest += strspn(rest, " \t");
    return strcasecmp(rest, "charset=utf-8") == 0 || strcasecmp(rest, "charset=\"utf-8\"") == 0;
}

static enum idp_err parse_query(struct request *rq)
{
    const char *query = rq->query != NULL ? rq->query : "";
    return http_form_parse(rq->arena, query, strlen(query), rq->route->params, rq->values);
}

static enum idp_err parse_json(struct request *rq)
{
    if (!type_is(rq->content_type, "application/json"))
        return IDP_BAD_REQUEST;
    return http_json_parse(rq->arena, rq->body, rq->body_len, rq->route->params, rq->values,
                           &rq->json);
}

/*
 * What a form carries is in its body alone: the same in the query beside it is refused, so that
 * nobody sends a secret where logs keep it and finds that it works (RFC 6749 section 2.3.1), nor
 * names a parameter twice (section 3.1).
 */
static enum idp_err parse_form(struct request *rq)
{
    if (rq->body_len > 0 && !type_is(rq->content_type, "application/x-www-form-urlencoded"))
        return IDP_BAD_REQUEST;
    enum idp_err err = IDP_OK;
    if (rq->query != NULL)
        err = http_form_names_none(rq->arena, rq->query, strlen(rq->query), rq->route->params);
    return err == IDP_OK
               ? http_form_parse(rq->arena, rq->body, rq->body_len, rq->route->params, rq->values)
               : err;
}

static enum idp_err parse(struct request *rq)
{
    const struct route *route = rq->route;
    bool posted = rq->method == HTTP_POST;
    if (route->body == HTTP_BODY_RAW || rq->method == HTTP_OPTIONS)
        return IDP_OK;
    if (posted && route->body == HTTP_BODY_JSON)
        return parse_json(rq);
    if (route->params == NULL)
        return IDP_OK;
    return posted ? parse_form(rq) : parse_query(rq);
}

static enum idp_err run(struct request *rq, struct response *rs)
{
    const struct route *route = rq->route;
    enum idp_err err = parse(rq);
    if (err == IDP_OK && route->admit != NULL)
        err = route->admit(rq);
    if (err == IDP_OK && route->authenticate != NULL)
        err = route->authenticate(rq);
    return err == IDP_OK ? route->handle(rq, rs) : err;
}

/* The next run must find nothing of this one. */
static void forget(struct request *rq, struct response *rs)
{
    *rs = (struct response){0};
    memset(rq->values, 0, sizeof(rq->values));
    rq->json = NULL;
    rq->client = NULL;
    rq->session = NULL;
    rq->refusal = (struct refusal){0};
}

bool http_dispatch(struct request *rq, struct response *rs)
{
    enum idp_err err = run(rq, rs);
    if (err == IDP_OK)
        return true;
    if (err == IDP_WAIT) {
        forget(rq, rs);
        return false;
    }
    *rs = (struct response){0}; /* no cookie or header of a half-made answer goes out */
    rq->route->fail(rq, rs, err);
    return true;
}

void http_log_request(struct log_line *line, const struct request *rq)
{
    log_text(line, "request", rq->id);
    log_text(line, "trace", rq->trace);
}

/* Most callers give the very literal that stands in the table: then no text is compared. */
const char *http_param(const struct request *rq, const char *name)
{
    const struct param *params = rq->route->params;
    for (int i = 0; params != NULL && i < HTTP_PARAMS_MAX && params[i].name != NULL; i++)
        if (params[i].name == name || strcmp(params[i].name, name) == 0)
            return rq->values[i];
    return NULL;
}
