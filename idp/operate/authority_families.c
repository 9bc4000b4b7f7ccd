/*
 * The certification authorities: what was asked, of which address, and what came back.
 */
#include "operate/families.h"

#include "app.h"
#include "http/http.h"
#include "operate/exposition.h"
#include "pki/figures.h"
#include "pki/ocsp/ocsp.h"
#include "pki/trust/trust.h"

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

static void watched(struct exposition *e, const struct authorities *all)
{
    exposition_gauge(e, "tamga_authority_watched",
                     "Certificates whose answers this node renews ahead of time.");
    for (size_t i = 0; i < all->count; i++) {
        const struct label labels[] = {{"authority", all->list[i].id}, {NULL, NULL}};
        exposition_count(e, labels, all->list[i].watched);
    }
    exposition_gauge(e, "tamga_authority_watch_due", "Of them, those to be asked about now.");
    for (size_t i = 0; i < all->count; i++) {
        const struct label labels[] = {{"authority", all->list[i].id}, {NULL, NULL}};
        exposition_count(e, labels, all->list[i].due);
    }
}

static void renewals(struct exposition *e, const struct authorities *all)
{
    exposition_counter(e, "tamga_authority_renewals_total",
                       "What came of the questions asked for them; late: an answer ended before.");
    for (size_t i = 0; i < all->count; i++) {
        const struct pki_figure *f = &all->list[i];
        const struct {
            const char *result;
            uint64_t count;
        } results[] = {{"renewed", f->renewed}, {"failed", f->failed}, {"late", f->late}};
        for (size_t j = 0; j < sizeof(results) / sizeof(*results); j++) {
            const struct label labels[] = {
                {"authority", f->id}, {"result", results[j].result}, {NULL, NULL}};
            exposition_count(e, labels, results[j].count);
        }
    }
}

static void present(struct exposition *e, const struct authorities *all)
{
    exposition_gauge(e, "tamga_authority_circuit_open",
                     "1 while nobody asks the authority because it did not answer.");
    for (size_t i = 0; i < all->count; i++) {
        const struct label labels[] = {{"authority", all->list[i].id}, {NULL, NULL}};
        exposition_count(e, labels, all->list[i].open ? 1 : 0);
    }
    exposition_gauge(e, "tamga_authority_waiting",
                     "Threads that ask the authority, or wait for its answer, now.");
    for (size_t i = 0; i < all->count; i++) {
        const struct label labels[] = {{"authority", all->list[i].id}, {NULL, NULL}};
        exposition_count(e, labels, all->list[i].waiting);
    }
}

/* --- the addresses of their status services ------------------------------------------------- */

/* Calls tell for each address. */
static void each_service(struct exposition *e, const struct authorities *all,
                         void (*tell)(struct exposition *e, const char *id,
                                      const struct pki_service_figure *service))
{
    for (size_t i = 0; i < all->count; i++)
        for (size_t j = 0; j < all->list[i].service_count; j++)
            tell(e, all->list[i].id, &all->list[i].services[j]);
}

static void tell_count(struct exposition *e, const char *id,
                       const struct pki_service_figure *service, uint64_t count)
{
    const struct label labels[] = {{"authority", id}, {"address", service->address}, {NULL, NULL}};
    exposition_count(e, labels, count);
}

static void tell_asked(struct exposition *e, const char *id,
                       const struct pki_service_figure *service)
{
    tell_count(e, id, service, service->asked);
}

static void tell_hedged(struct exposition *e, const char *id,
                        const struct pki_service_figure *service)
{
    tell_count(e, id, service, service->hedged);
}

static void tell_won(struct exposition *e, const char *id, const struct pki_service_figure *service)
{
    tell_count(e, id, service, service->won);
}

static void tell_lost(struct exposition *e, const char *id,
                      const struct pki_service_figure *service)
{
    tell_count(e, id, service, service->lost);
}

static void tell_down(struct exposition *e, const char *id,
                      const struct pki_service_figure *service)
{
    tell_count(e, id, service, service->is_down ? 1 : 0);
}

/* What never happened is left out: ten kinds for each address would fill pages with zeros. */
static void tell_unusable(struct exposition *e, const char *id,
                          const struct pki_service_figure *service)
{
    for (size_t i = 0; i < FAULTS; i++) {
        const struct label labels[] = {{"authority", id},
                                       {"address", service->address},
                                       {"fault", ocsp_fault_names[i]},
                                       {NULL, NULL}};
        if (service->unusable[i] > 0)
            exposition_count(e, labels, service->unusable[i]);
    }
}

static void tell_usual(struct exposition *e, const char *id,
                       const struct pki_service_figure *service)
{
    const struct {
        const char *quantile;
        int64_t us;
    } list[] = {{"0.5", service->p50_us}, {"0.95", service->p95_us}};
    for (size_t i = 0; i < 2; i++) {
        const struct label labels[] = {{"authority", id},
                                       {"address", service->address},
                                       {"quantile", list[i].quantile},
                                       {NULL, NULL}};
        if (list[i].us > 0)
            exposition_value(e, labels, (double)list[i].us / 1e6);
    }
}

static void services(struct exposition *e, const struct authorities *all)
{
    exposition_counter(e, "tamga_service_asked_total", "Questions sent to an OCSP address.");
    each_service(e, all, tell_asked);
    exposition_counter(
        e, "tamga_service_hedged_total",
        "Of them, sent because the address before took longer than it usually does.");
    each_service(e, all, tell_hedged);
    exposition_counter(e, "tamga_service_won_total", "Of them, those whose answer counted.");
    each_service(e, all, tell_won);
    exposition_counter(e, "tamga_service_lost_total",
                       "Of them, broken off because another address had answered.");
    each_service(e, all, tell_lost);
    exposition_counter(e, "tamga_service_unusable_total",
                       "Of them, those without an answer that counts, by what was wrong.");
    each_service(e, all, tell_unusable);
    exposition_gauge(e, "tamga_service_usual_seconds",
                     "How long an OCSP address takes: estimated quantiles of its last answers.");
    each_service(e, all, tell_usual);
    exposition_gauge(e, "tamga_service_down",
                     "1 while an OCSP address is asked after the others, having been of no use.");
    each_service(e, all, tell_down);
}

void families_of_authorities(struct exposition *e, struct request *rq)
{
    struct authorities all;
    all.count = pki_figures(rq->app->pki, rq->arena, all.list, TRUST_AUTHORITIES_MAX);
    questions(e, &all);
    timings(e, &all);
    not_asked(e, &all);
    present(e, &all);
    watched(e, &all);
    renewals(e, &all);
    services(e, &all);
}
