/*
 * Lists of revoked certificates: which are in use, how old they are, and how their addresses do.
 */
#include "operate/families.h"

#include "app.h"
#include "http/http.h"
#include "operate/exposition.h"
#include "pki/crl/crl_renew.h"
#include "pki/crl/crls.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"

enum { ISSUERS_MAX = 32, SOURCES_MAX = 16 };

/* The list is kept as long as the request's arena. */
struct lists {
    struct exposition *e;
    struct app *app;
    const struct trust *trust;
    int64_t now;
};

/* One list of one issuer. */
struct one_list {
    const char *authority, *issuer, *kind;
    const struct crl_name *name;
    size_t entries;
};

static void tell_info(const struct lists *lists, const struct one_list *list)
{
    const struct label labels[] = {{"authority", list->authority},
                                   {"issuer", list->issuer},
                                   {"kind", list->kind},
                                   {"number", list->name->number},
                                   {NULL, NULL}};
    exposition_count(lists->e, labels, 1);
}

static void tell(const struct lists *lists, const struct one_list *list, double value)
{
    const struct label labels[] = {{"authority", list->authority},
                                   {"issuer", list->issuer},
                                   {"kind", list->kind},
                                   {NULL, NULL}};
    exposition_value(lists->e, labels, value);
}

static void tell_entries(const struct lists *lists, const struct one_list *list)
{
    tell(lists, list, (double)list->entries);
}

static void tell_age(const struct lists *lists, const struct one_list *list)
{
    tell(lists, list, (double)(lists->now - list->name->this_update));
}

static void tell_left(const struct lists *lists, const struct one_list *list)
{
    tell(lists, list, (double)(list->name->next_update - lists->now));
}

static void each_list(const struct lists *lists,
                      void (*visit)(const struct lists *lists, const struct one_list *list))
{
    struct crls_figure figures[ISSUERS_MAX];
    for (size_t i = 0; i < lists->trust->count; i++) {
        const char *id = lists->trust->authorities[i].id;
        size_t n = crls_figures(lists->app->crls, id, figures, ISSUERS_MAX);
        for (size_t j = 0; j < n; j++) {
            const struct crls_figure *f = &figures[j];
            const struct one_list full = {id, f->issuer, "full", &f->full, f->entries};
            const struct one_list delta = {id, f->issuer, "delta", &f->delta, f->delta_entries};
            if (f->present)
                visit(lists, &full);
            if (f->present && f->delta.number[0] != '\0')
                visit(lists, &delta);
        }
    }
}

static void tell_missing(const struct lists *lists, const char *authority,
                         const struct crls_figure *figure)
{
    const struct label labels[] = {{"authority", authority},
                                   {"issuer", figure->issuer},
                                   {"of", figure->is_root ? "root" : "anchor"},
                                   {NULL, NULL}};
    exposition_count(lists->e, labels, figure->present ? 0 : 1);
}

static void tell_revoked(const struct lists *lists, const char *authority,
                         const struct crls_figure *figure)
{
    const struct label labels[] = {
        {"authority", authority}, {"issuer", figure->issuer}, {NULL, NULL}};
    exposition_count(lists->e, labels, figure->revoked ? 1 : 0);
}

static void each_issuer(const struct lists *lists,
                        void (*visit)(const struct lists *lists, const char *authority,
                                      const struct crls_figure *figure))
{
    struct crls_figure figures[ISSUERS_MAX];
    for (size_t i = 0; i < lists->trust->count; i++) {
        const char *id = lists->trust->authorities[i].id;
        size_t n = crls_figures(lists->app->crls, id, figures, ISSUERS_MAX);
        for (size_t j = 0; j < n; j++)
            visit(lists, id, &figures[j]);
    }
}

static void tell_fetches(const struct lists *lists, const char *authority,
                         const struct crl_source_figure *figure)
{
    const struct {
        const char *result;
        uint64_t count;
    } results[] = {
        {"list", figure->fetched}, {"unchanged", figure->unchanged}, {"failed", figure->failed}};
    for (size_t i = 0; i < 3; i++) {
        const struct label labels[] = {{"authority", authority},
                                       {"address", figure->url},
                                       {"result", results[i].result},
                                       {NULL, NULL}};
        exposition_count(lists->e, labels, results[i].count);
    }
}

static void tell_failing(const struct lists *lists, const char *authority,
                         const struct crl_source_figure *figure)
{
    const struct label labels[] = {
        {"authority", authority}, {"address", figure->url}, {NULL, NULL}};
    exposition_count(lists->e, labels, figure->failing);
}

static void tell_success(const struct lists *lists, const char *authority,
                         const struct crl_source_figure *figure)
{
    const struct label labels[] = {
        {"authority", authority}, {"address", figure->url}, {NULL, NULL}};
    if (figure->last_success != 0)
        exposition_value(lists->e, labels, (double)(lists->now - figure->last_success));
}

static void each_source(const struct lists *lists,
                        void (*visit)(const struct lists *lists, const char *authority,
                                      const struct crl_source_figure *figure))
{
    struct crl_source_figure figures[SOURCES_MAX];
    for (size_t i = 0; i < lists->trust->count; i++) {
        const char *id = lists->trust->authorities[i].id;
        size_t n = crl_renew_figures(lists->app->lists, id, figures, SOURCES_MAX);
        for (size_t j = 0; j < n; j++)
            visit(lists, id, &figures[j]);
    }
}

void families_of_lists(struct exposition *e, struct request *rq)
{
    const struct lists lists = {
        .e = e, .app = rq->app, .trust = pki_trust(rq->app->pki, rq->arena), .now = rq->now};
    if (lists.trust == NULL)
        return;
    exposition_gauge(e, "tamga_list_info", "1 for each list of revoked certificates in use.");
    each_list(&lists, tell_info);
    exposition_gauge(e, "tamga_list_entries", "Certificates that the list names.");
    each_list(&lists, tell_entries);
    exposition_gauge(e, "tamga_list_age_seconds", "Since the list's thisUpdate.");
    each_list(&lists, tell_age);
    exposition_gauge(e, "tamga_list_left_seconds", "Until the list's nextUpdate.");
    each_list(&lists, tell_left);
    exposition_gauge(e, "tamga_list_missing", "1 while an issuer has no list here.");
    each_issuer(&lists, tell_missing);
    exposition_gauge(e, "tamga_anchor_revoked",
                     "1 when the authority's certificate is in its root's list.");
    each_issuer(&lists, tell_revoked);
    exposition_counter(e, "tamga_list_fetches_total",
                       "Requests to an address of lists, by what came back.");
    each_source(&lists, tell_fetches);
    exposition_gauge(e, "tamga_list_source_failing", "Failures since the last success.");
    each_source(&lists, tell_failing);
    exposition_gauge(e, "tamga_list_source_success_seconds", "Since the last success.");
    each_source(&lists, tell_success);
}
