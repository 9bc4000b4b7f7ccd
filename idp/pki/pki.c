#include "pki/pki.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/log.h"
#include "net/race.h"
#include "pki/crl/crls.h"
#include "pki/sm2/sm2.h"
#include "pki/state.h"
#include "pki/trust/trust.h"

static enum idp_err race_by_net(void *context, struct arena *arena, struct net_race *race)
{
    return net_race(context, arena, race);
}

struct pki_fetch pki_fetch_by_net(struct net *net)
{
    return (struct pki_fetch){.context = net, .race = race_by_net};
}

static void find_by_shelf(void *context, const unsigned char *issuer, const unsigned char *serial,
                          size_t serial_len, struct crl_finding *out)
{
    crls_find(context, issuer, serial, serial_len, out);
}

static bool look_for_anchor(void *context, const unsigned char *anchor)
{
    return crls_anchor_revoked(context, anchor);
}

/* Without memory the lists of new authorities are missing, which refuses their locks. */
static void let_shelf_follow(void *context, const struct trust *trust)
{
    if (crls_follow(context, trust) != IDP_OK)
        log_event(LOG_ERROR, "lists_do_not_follow", "version", trust->version);
}

struct pki_lists pki_lists_of(struct crls *crls)
{
    return (struct pki_lists){.context = crls,
                              .find = find_by_shelf,
                              .anchor_revoked = look_for_anchor,
                              .follow = let_shelf_follow};
}

static void follow(const struct pki *pki, const struct trust *trust)
{
    if (pki->lists.follow != NULL)
        pki->lists.follow(pki->lists.context, trust);
}

/* The list stays the caller's when there is no memory. */
static struct views *begin_views(struct trust *trust)
{
    struct view *first = view_new(trust, NULL);
    struct views *views = first != NULL ? views_new(first) : NULL;
    if (first != NULL && views == NULL)
        view_drop(first);
    return views;
}

enum idp_err pki_new(const struct pki_settings *settings, struct pki **out)
{
    struct pki *pki = calloc(1, sizeof(*pki));
    if (pki == NULL)
        return IDP_FAULT;
    sm2_set_by_openssl(settings->sm2_by_openssl);
    (void)sm2_is_used(); /* a self-test that fails is told at start */
    pki->kv = settings->kv;
    pki->waiters = settings->waiters > 0 ? settings->waiters : ASKING_WAITERS;
    pki->lists = settings->lists;
    pki->archive = settings->archive;
    pki->revoked = revoked_new(settings->db);
    if (pki->revoked != NULL)
        pki->asking = asking_new(settings->fetch, settings->lists, settings->waiters);
    if (pki->asking != NULL)
        pki->ahead = ahead_new(pki, settings->background); /* idle until somebody can call us */
    if (pki->ahead != NULL)
        pki->views = begin_views(settings->trust);
    if (pki->views == NULL) {
        pki_free(pki);
        return IDP_FAULT;
    }
    follow(pki, settings->trust);
    *out = pki;
    return IDP_OK;
}

void pki_free(struct pki *pki)
{
    if (pki == NULL)
        return;
    ahead_free(pki->ahead); /* first: its threads use the others */
    asking_free(pki->asking);
    revoked_free(pki->revoked);
    views_free(pki->views);
    free(pki);
}

static void leave(void *place)
{
    views_leave(place);
}

struct view *pki_view(struct pki *pki, struct arena *arena)
{
    const struct views_place *place = arena_own(arena, views_take(pki->views), leave);
    return place != NULL ? views_of(place) : NULL;
}

const struct trust *pki_trust(struct pki *pki, struct arena *arena)
{
    const struct view *view = pki_view(pki, arena);
    return view != NULL ? view->trust : NULL;
}

bool pki_lists(struct pki *pki, const char *authority, const char *environment, int64_t auth_time)
{
    struct views_place *place = views_take(pki->views);
    const struct authority *found = trust_find(views_of(place)->trust, authority);
    bool listed = found != NULL && found->rights_ended < auth_time &&
                  (environment == NULL || strcmp(found->environment, environment) == 0);
    views_leave(place);
    return listed;
}

enum idp_err pki_exchange(struct pki *pki, struct trust *trust)
{
    struct views_place *before = views_take(pki->views);
    struct view *view = view_new(trust, views_of(before));
    views_leave(before);
    enum idp_err err = view != NULL ? views_turn(pki->views, view) : IDP_FAULT;
    if (err != IDP_OK)
        view_drop(view);
    else
        follow(pki, trust);
    return err;
}

enum idp_err pki_renew_revoked(struct pki *pki)
{
    return revoked_renew(pki->revoked);
}

enum idp_err pki_write_revoked(struct pki *pki)
{
    return revoked_write(pki->revoked);
}

bool pki_is_revoked(struct pki *pki, const char *certificate_hash)
{
    size_t n = 0;
    struct revoked_fact fact;
    unsigned char hash[DIGEST_SIZE];
    return certificate_hash != NULL &&
           base64url_decode(certificate_hash, strlen(certificate_hash), hash, sizeof(hash), &n) ==
               IDP_OK &&
           n == sizeof(hash) && revoked_find(pki->revoked, hash, &fact);
}

void pki_ask_ahead(struct pki *pki, const void *der, size_t len)
{
    ahead_add(pki->ahead, der, len);
}
