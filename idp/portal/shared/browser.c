#include "portal/shared/browser.h"

#include <string.h>

#include "access/session.h"
#include "app.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/object.h"
#include "http/http.h"
#include "portal/shared/reasons.h"

enum idp_err portal_any_browser(struct request *rq)
{
    enum idp_err err = session_find(&rq->app->access, rq->arena,
                                    http_cookie_find(rq, session_cookie), rq->now, &rq->session);
    return err == IDP_NOT_FOUND ? IDP_OK : err;
}

enum idp_err portal_own_page(struct request *rq)
{
    if (rq->origin == NULL || strcmp(rq->origin, rq->app->config.origin) != 0)
        return refusal_set(&rq->refusal, &portal_request_origin);
    enum idp_err err = portal_any_browser(rq);
    if (err != IDP_OK)
        return err;
    if (rq->session == NULL || rq->portal_token == NULL)
        return refusal_set(&rq->refusal, &portal_request_token);
    err = session_token_check(&rq->app->access, rq->session, rq->portal_token);
    return err == IDP_DENIED ? refusal_set(&rq->refusal, &portal_request_token) : err;
}

enum idp_err portal_signed_in_page(struct request *rq)
{
    enum idp_err err = portal_own_page(rq);
    if (err == IDP_OK && !rq->session->signed_in)
        return refusal_set(&rq->refusal, &portal_session_gone);
    return err;
}

static const struct reason *reason_of(const struct request *rq, enum idp_err err)
{
    switch (err) {
    case IDP_REFUSED:
        return rq->refusal.reason != NULL ? rq->refusal.reason : &portal_server_fault;
    case IDP_BAD_REQUEST:
        return &portal_request_shape;
    case IDP_LIMITED:
        return &portal_rate_limited;
    case IDP_UNAVAILABLE:
    case IDP_FULL:
        return &portal_server_unavailable;
    case IDP_OK:
    case IDP_BAD_CLIENT:
    case IDP_BAD_GRANT:
    case IDP_BAD_SCOPE:
    case IDP_BAD_TOKEN:
    case IDP_DENIED:
    case IDP_NOT_FOUND:
    case IDP_CONFLICT:
    case IDP_WAIT:
    case IDP_FAULT:
        break;
    }
    return &portal_server_fault;
}

static json_t *both(struct request *rq, const char *zh, const char *en)
{
    struct object o = object_new();
    object_text(&o, "zh", refusal_text(&rq->refusal, rq->arena, zh));
    object_text(&o, "en", refusal_text(&rq->refusal, rq->arena, en));
    return object_done(&o);
}

static json_t *facts_of(const struct refusal *refusal)
{
    struct object o = object_new();
    for (size_t i = 0; i < refusal->count; i++)
        object_text(&o, refusal->facts[i].name, refusal->facts[i].value);
    return object_done(&o);
}

static json_t *describe(struct request *rq, const struct reason *r)
{
    struct object o = object_new();
    object_text(&o, "code", r->code);
    object_text(&o, "request", rq->id);
    object_text(&o, "action", r->action);
    object_put(&o, "message", both(rq, r->zh, r->en));
    object_put(&o, "next", both(rq, r->zh_next, r->en_next));
    object_put(&o, "facts", facts_of(&rq->refusal));
    return object_done(&o);
}

static void note(const struct request *rq, const struct reason *r)
{
    struct log_line line;
    log_begin(&line, r->status >= 500 ? LOG_ERROR : LOG_INFO, "refused");
    http_log_request(&line, rq);
    log_text(&line, "code", r->code);
    log_text(&line, "why", r->operator_note);
    log_text(&line, "authority", refusal_find(&rq->refusal, "authority"));
    log_text(&line, "field", refusal_find(&rq->refusal, "field"));
    log_text(&line, "certificate", rq->refusal.about);
    log_end(&line);
}

void portal_fail(struct request *rq, struct response *rs, enum idp_err err)
{
    const struct reason *r = reason_of(rq, err);
    refusal_fact(&rq->refusal, "support", rq->app->config.support_phone);
    bool ours = r->zh_next != NULL && strstr(r->zh_next, "{support}") != NULL;
    if (ours || refusal_find(&rq->refusal, "phone") == NULL) /* the number that the text names */
        refusal_fact(&rq->refusal, "phone", rq->app->config.support_phone);
    rs->error_code = r->code;
    note(rq, r);
    struct object o = object_new();
    object_put(&o, "error", describe(rq, r));
    if (http_respond_json(rq, rs, r->status, object_done(&o)) != IDP_OK)
        rs->status = 500;
    const char *retry = refusal_find(&rq->refusal, "retry");
    if (retry == NULL)
        retry = r->status == 429 ? "60" : "1";
    if (r->status == 503 || r->status == 429)
        (void)http_header_add(rs, "Retry-After", retry);
}
