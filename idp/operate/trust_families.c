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
#include "pki/figures.h"
#include "pki/trust.h"

/* --- authorities ---------------------------------------------------------------------------- */

struct authorities {
    size_t count;
    struct pki_figure list[TRUST_AUTHORITIES_MAX];
};

static void questions(struct exposition *e, const struct authorities *all)
{
    exposition_counter(e, "tamga_authority_questions_total",
                       "Questions about revocation, by what came back: good; other (revoked, on "
                       "hold, unknown); unusable (nothing in time, or nothing that counts).");
    for (size_t i = 0; i < all->count; i++) {
        const struct pki_figure *f = &all->list[i];
        const struct {
            const char *result;
            uint64_t count;
        } results[] = {{"good", f->good}, {"other", f->other}, {"unusable", f->unusable}};
        for (size_t j = 0; j < 3; j++) {
            const struct label labels[] = {
                {"authority", f->id}, {"result", results[j].result}, {NULL, NULL}};
            exposition_count(e, labels, results[j].count);
        }
    }
}

static void timings(struct exposition *e, const struct authorities *all)
{
    exposition_histogram(e, "tamga_authority_question_seconds", "How long they took.");
    for (size_t i = 0; i < all->count; i++) {
        const struct pki_figure *f = &all->list[i];
        const struct label labels[] = {{"authority", f->id}, {NULL, NULL}};
        const struct timings timings = {.bounds_us = figures_bounds_us,
                                        .buckets = f->buckets,
                                        .bounds = FIGURES_BOUNDS,
                                        .total_us = f->total_us};
        exposition_timings(e, labels, &timings);
    }
}

static void not_asked(struct exposition *e, const struct authorities *all)
{
    exposition_counter(e, "tamga_authority_known_total",
                       "Answers that were remembered, so that nobody had to ask.");
    for (size_t i = 0; i < all->count; i++) {
        const struct label labels[] = {{"authority", all->list[i].id}, {NULL, NULL}};
        exposition_count(e, labels, all->list[i].known);
    }
    exposition_counter(e, "tamga_authority_spared_total",
                       "Questions that were not sent: the circuit was open, or too many waited.");
    for (size_t i = 0; i < all->count; i++) {
        const struct label labels[] = {{"authority", all->list[i].id}, {NULL, NULL}};
        exposition_count(e, labels, all->list[i].spared);
    }
}

static void authorities(struct exposition *e, const struct authorities *all)
{
    questions(e, all);
    timings(e, all);
    not_asked(e, all);
    exposition_gauge(e, "tamga_authority_circuit_open",
                     "1 while nobody asks the authority because it did not answer.");
    for (size_t i = 0; i < all->count; i++) {
        const struct label labels[] = {{"authority", all->list[i].id}, {NULL, NULL}};
        exposition_count(e, labels, all->list[i].open ? 1 : 0);
    }
}

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
    struct authorities all;
    all.count = pki_figures(rq->app->pki, rq->arena, all.list, TRUST_AUTHORITIES_MAX);
    authorities(e, &all);
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
