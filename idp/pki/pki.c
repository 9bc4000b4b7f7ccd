#include "pki/pki.h"

#include <stdlib.h>

#include "base/lane.h"
#include "net/fetch.h"
#include "pki/state.h"

static enum idp_err send_by_net(void *context, struct arena *arena,
                                const struct net_request *request, struct net_answer *out)
{
    return net_fetch(context, arena, request, out);
}

struct pki_fetch pki_fetch_by_net(struct net *net)
{
    return (struct pki_fetch){.context = net, .send = send_by_net};
}

enum idp_err pki_new(const struct pki_settings *settings, struct pki **out)
{
    struct pki *pki = calloc(1, sizeof(*pki));
    if (pki == NULL)
        return IDP_FAULT;
    pki->kv = settings->kv;
    pki->leaves = leaves_new();
    pki->asking = asking_new(settings->trust, settings->fetch, settings->waiters);
    pki->trust = settings->trust;
    if (pki->leaves != NULL && pki->asking != NULL)
        pki->ahead = ahead_new(pki, settings->background);
    if (pki->ahead == NULL) {
        pki->trust = NULL; /* the caller's still */
        pki_free(pki);
        return IDP_FAULT;
    }
    *out = pki;
    return IDP_OK;
}

void pki_free(struct pki *pki)
{
    if (pki == NULL)
        return;
    ahead_free(pki->ahead); /* first: its threads use the others */
    asking_free(pki->asking);
    leaves_free(pki->leaves);
    trust_free(pki->trust);
    free(pki);
}

const struct trust *pki_trust(const struct pki *pki)
{
    return pki->trust;
}

void pki_ask_ahead(struct pki *pki, const void *der, size_t len)
{
    ahead_add(pki->ahead, der, len);
}

enum idp_err pki_status(struct pki *pki, struct arena *arena, const struct leaf *leaf, int64_t now,
                        struct status *out)
{
    enum idp_err err = status_find(pki, arena, leaf, now, out);
    if (err != IDP_NOT_FOUND)
        return err; /* a store that is down is no reason to say good, revoked or unknown */
    if (!lane_may_wait())
        return IDP_WAIT;
    err = asking_ask(pki->asking, arena, leaf, now, out);
    if (err == IDP_OK)
        status_keep(pki, leaf, now, out);
    return err;
}
