#include "pki/figures.h"

#include "base/arena.h"
#include "base/clock.h"
#include "pki/certificate_time.h"
#include "pki/state.h"
#include "pki/trust/rules.h"

/* A pinned responder that is over answers for nobody any more, as an anchor. */
static int64_t first_end(const struct authority_rules *rules)
{
    int64_t from = 0;
    int64_t until = 0;
    const struct anchors *anchors = &rules->anchors;
    const X509 *responder = rules->revocation.responder;
    int64_t ends = anchors->list[0].not_after;
    for (size_t i = 1; i < anchors->count; i++)
        if (anchors->list[i].not_after < ends)
            ends = anchors->list[i].not_after;
    bool known = responder != NULL && certificate_time_span(responder, &from, &until);
    return known && until < ends ? until : ends;
}

/* Returns false when there is no memory. */
static bool look_at_service(struct services *services, const char *url, struct arena *arena,
                            struct pki_service_figure *out)
{
    struct service service;
    services_look(services, url, &service);
    *out = (struct pki_service_figure){
        .address = arena_strdup(arena, url),
        .asked = service.asked,
        .hedged = service.hedged,
        .won = service.won,
        .lost = service.lost,
        .unusable = arena_copy(arena, service.unusable, sizeof(service.unusable)),
        .p50_us = latency_quantile(&service.latency, 50),
        .p95_us = latency_quantile(&service.latency, 95),
        .is_down = clock_ticks_ms() < service.down_until_ms,
    };
    return out->address != NULL && out->unusable != NULL;
}

static void look_at_services(const struct urls *urls, struct services *services,
                             struct arena *arena, struct pki_figure *out)
{
    struct pki_service_figure *list = arena_alloc(arena, RULES_OCSP_MAX * sizeof(*list));
    out->services = list;
    for (size_t i = 0; i < urls->count && list != NULL; i++)
        if (look_at_service(services, urls->list[i], arena, &list[out->service_count]))
            out->service_count++;
}

size_t pki_figures(struct pki *pki, struct arena *arena, struct pki_figure *out, size_t max)
{
    const struct view *view = pki_view(pki, arena);
    size_t n = view == NULL ? 0 : view->trust->count < max ? view->trust->count : max;
    for (size_t i = 0; i < n; i++) {
        const struct authority *authority = &view->trust->authorities[i];
        struct line *line = view->lines[i];
        out[i] = (struct pki_figure){
            .id = authority->id,
            .good = atomic_load(&line->good),
            .other = atomic_load(&line->other),
            .unusable = atomic_load(&line->unusable),
            .total_us = atomic_load(&line->total_us),
            .known = atomic_load(&line->known),
            .spared = atomic_load(&line->spared),
            .open = circuit_is_open(&line->circuit),
            .watched = atomic_load(&line->watch.watched),
            .due = atomic_load(&line->watch.due),
            .renewed = atomic_load(&line->watch.renewed),
            .failed = atomic_load(&line->watch.failed),
            .late = atomic_load(&line->watch.late),
            .waiting = atomic_load(&line->people),
            .ends = first_end(authority->rules),
        };
        for (size_t j = 0; j < FIGURES_BUCKETS; j++)
            out[i].buckets[j] = atomic_load(&line->buckets[j]);
        look_at_services(&authority->rules->revocation.ocsp, &line->services, arena, &out[i]);
    }
    return n;
}
