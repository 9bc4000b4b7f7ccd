#include "platform/pages/visit.h"

#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "platform/app.h"

const char visit_cookie[] = "platform";

enum idp_err visit_find(struct request *rq)
{
    struct session session;
    const char *id = http_cookie_find(rq, visit_cookie);
    if (sessions_find(rq->app->sessions, id, rq->now, &session) != IDP_OK)
        return IDP_OK;
    rq->session = arena_copy(rq->arena, &session, sizeof(session));
    return rq->session != NULL ? IDP_OK : IDP_FAULT;
}

/* Browsers that know Fetch Metadata tell where a form came from; the others rely on the token. */
static bool came_from_here(const struct request *rq)
{
    return rq->sec_fetch_site == NULL || strcmp(rq->sec_fetch_site, "same-origin") == 0;
}

enum idp_err visit_check_form(struct request *rq)
{
    enum idp_err err = visit_find(rq);
    const char *token = http_param(rq, "token");
    if (err != IDP_OK)
        return err;
    if (rq->session == NULL || token == NULL || !came_from_here(rq) ||
        !text_same_secret_string(token, rq->session->token))
        return IDP_DENIED;
    return IDP_OK;
}

bool visit_is_inside(const struct request *rq)
{
    return rq->session != NULL && rq->session->signed_in && rq->session->confirmed;
}

enum idp_err visit_set(struct request *rq, struct response *rs, const struct session *session)
{
    rq->session = arena_copy(rq->arena, session, sizeof(*session));
    if (rq->session == NULL)
        return IDP_FAULT;
    return http_cookie_set(rq, rs, visit_cookie, session->id);
}
