#include "operate/families.h"

#include <stdatomic.h>

#include "app.h"
#include "base/arena.h"
#include "evidence/refusals.h"
#include "http/http.h"
#include "http/server.h"
#include "jose/sign.h"
#include "operate/expiry.h"
#include "operate/exposition.h"

/* --- locks ---------------------------------------------------------------------------------- */

static void refusals(struct exposition *e, struct request *rq)
{
    struct refusal_figure *list =
        arena_alloc(rq->arena, (REFUSALS_FIGURES_MAX + 1) * sizeof(*list));
    size_t count =
        list != NULL ? refusals_figures(rq->app->refusals, list, REFUSALS_FIGURES_MAX + 1) : 0;
    exposition_counter(e, "tamga_refusals_total",
                       "Locks that were refused, by authority (empty: not a recognised one) and "
                       "reason.");
    for (size_t i = 0; i < count; i++) {
        const struct label labels[] = {
            {"authority", list[i].authority}, {"reason", list[i].reason}, {NULL, NULL}};
        exposition_count(e, labels, list[i].count);
    }
    exposition_gauge(e, "tamga_refusals_waiting",
                     "Rows about them that are still to be written to the database.");
    exposition_count(e, NULL, refusals_waiting(rq->app->refusals));
}

/* --- keys ----------------------------------------------------------------------------------- */

static void keys(struct exposition *e, struct request *rq)
{
    struct signing_figure figures[SIGNING_KEYS_ALL];
    size_t count = signer_figures(rq->app->signer, rq->now, figures, SIGNING_KEYS_ALL);
    exposition_gauge(e, "tamga_signing_key_age_seconds", "Since the key was published.");
    for (size_t i = 0; i < count; i++) {
        const struct label labels[] = {{"kid", figures[i].kid},
                                       {"alg", jose_alg_name(figures[i].alg)},
                                       {"state", signing_key_state_name(figures[i].state)},
                                       {NULL, NULL}};
        exposition_value(e, labels, (double)(rq->now - figures[i].published));
    }
    exposition_gauge(e, "tamga_signing_key_overdue",
                     "1 when the key should have had a successor by now: nobody rotates.");
    for (size_t i = 0; i < count; i++) {
        const struct label labels[] = {
            {"kid", figures[i].kid}, {"alg", jose_alg_name(figures[i].alg)}, {NULL, NULL}};
        exposition_count(e, labels, figures[i].overdue ? 1 : 0);
    }
}

/* --- ends ----------------------------------------------------------------------------------- */

static void tell_end(void *with, const struct expiry *what)
{
    const struct label labels[] = {{"kind", what->kind}, {"name", what->name}, {NULL, NULL}};
    exposition_value(with, labels, (double)what->left_s / EXPIRY_DAY_S);
}

void families_of_trust(struct exposition *e, struct request *rq)
{
    refusals(e, rq);
    keys(e, rq);
    exposition_gauge(e, "tamga_expires_days",
                     "Days until the server's certificate, the first certificate of an authority "
                     "or, by schedule, a signing key ends.");
    expiry_each(rq->app, rq->arena, rq->now, tell_end, e);
    exposition_gauge(e, "tamga_trust_list_damaged",
                     "1 while the trust list that counts cannot be used and the one before is.");
    exposition_count(e, NULL, atomic_load(&rq->app->trust_damaged) ? 1 : 0);
}
