#include "oauth/shared/standing.h"

#include "access/grant.h"
#include "app.h"
#include "client/client.h"
#include "client/registry.h"
#include "enterprise/holder.h"
#include "http/http.h"
#include "pki/pki.h"

enum idp_err oauth_check_client(struct request *rq, const struct grant *grant)
{
    const struct client *client = NULL;
    enum idp_err err = client_find(rq->app->clients, rq->arena, grant->client, &client);
    if (err == IDP_NOT_FOUND || (err == IDP_OK && client->standing != CLIENT_ACTIVE))
        return IDP_BAD_TOKEN;
    return err;
}

enum idp_err oauth_find_holder(struct request *rq, const struct grant *grant,
                               const struct holder **out)
{
    enum idp_err err = oauth_check_client(rq, grant);
    if (err == IDP_OK)
        err = holder_find(rq->app->db, rq->app->kv, rq->arena, grant->lock, out);
    if (err == IDP_NOT_FOUND)
        return IDP_BAD_TOKEN;
    if (err != IDP_OK)
        return err;
    bool stands = holder_in_good_standing(*out) &&
                  !pki_is_revoked(rq->app->pki, (*out)->lock.certificate_hash);
    return stands ? IDP_OK : IDP_BAD_TOKEN;
}
