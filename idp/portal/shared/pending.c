#include "portal/shared/pending.h"

#include "access/session.h"
#include "app.h"
#include "client/client.h"
#include "client/registry.h"
#include "http/http.h"
#include "portal/shared/reasons.h"

static enum idp_err find_client(struct request *rq, struct pending *p)
{
    enum idp_err err = client_find(rq->app->clients, rq->arena, p->in->client, &p->client);
    bool usable = err == IDP_OK && p->client->standing == CLIENT_ACTIVE &&
                  client_has_redirect_uri(p->client, p->in->redirect_uri);
    if (err == IDP_NOT_FOUND || (err == IDP_OK && !usable))
        return refusal_set(&rq->refusal, &portal_platform_unknown);
    return err;
}

enum idp_err portal_find_pending(struct request *rq, const char *id, struct pending *out)
{
    if (rq->session == NULL)
        return refusal_set(&rq->refusal, &portal_interaction_gone);
    enum idp_err err =
        interaction_find(&rq->app->access, rq->arena, id, rq->session, rq->now, &out->in);
    if (err == IDP_NOT_FOUND)
        return refusal_set(&rq->refusal, &portal_interaction_gone);
    if (err == IDP_OK)
        err = find_client(rq, out);
    if (err == IDP_OK)
        err = authorization_need(&rq->app->access, rq->arena, out->in, rq->session, &out->need);
    if (err == IDP_OK && out->need != AUTHORIZATION_SIGN_IN &&
        !authorization_lock_fits(&rq->app->access, out->client, rq->session))
        out->need = AUTHORIZATION_SIGN_IN;
    return err;
}

enum idp_err portal_finish_pending(struct request *rq, const struct pending *pending,
                                   const char **out)
{
    enum idp_err err = interaction_end(&rq->app->access, pending->in->id);
    if (err == IDP_NOT_FOUND) /* another window was faster */
        return refusal_set(&rq->refusal, &portal_interaction_gone);
    if (err != IDP_OK)
        return err;
    return authorization_grant(&rq->app->access, rq->arena, pending->in, rq->session, rq->now, out);
}
