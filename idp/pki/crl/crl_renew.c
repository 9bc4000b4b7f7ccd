#include "pki/crl/crl_renew.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/random.h"
#include "net/fetch.h"
#include "pki/crl/crl_files.h"
#include "pki/crl/crl_held.h"
#include "pki/crl/crl_issuers.h"
#include "pki/crl/crl_sources.h"
#include "pki/crl/crls.h"
#include "pki/pki.h"
#include "pki/trust/rules.h"
#include "pki/trust/trust.h"

enum { WATCH_FIRST_S = 300, WATCH_EVERY_S = 3600, LEFT_MIN_S = 30, LEFT_MAX_S = 600, OVER_S = 300 };
enum { ISSUERS_MAX = 2 * RULES_ANCHORS_MAX };

struct crl_renew {
    struct net *net;
    struct crls *crls;
    pthread_mutex_t lock;                                  /* guards what is below */
    char version[sizeof(((struct trust *)NULL)->version)]; /* of the list the sources are from */
    int64_t watch; /* when missing lists of roots are looked for next; 0: never yet */
    size_t count;
    struct crl_source *sources[CRL_SOURCES_MAX];
};

/* --- when --------------------------------------------------------------------------------------
 */

static int64_t at_most(int64_t value, int64_t max)
{
    return value < max ? value : max;
}

static int64_t before_its_end(int64_t now, int64_t this_update, int64_t next_update, double spread)
{
    int64_t life = next_update - this_update;
    int64_t from = next_update - life / 4;
    int64_t to = next_update - life / 10;
    int64_t left = next_update - now;
    if (now < from)
        return from + (int64_t)(spread * (double)(to - from));
    if (left <= 0)
        return now + OVER_S;
    return now + (left / 4 < LEFT_MIN_S ? LEFT_MIN_S : at_most(left / 4, LEFT_MAX_S));
}

int64_t crl_renew_when(int64_t now, int64_t this_update, int64_t next_update, int max_age_s,
                       double spread)
{
    return at_most(before_its_end(now, this_update, next_update, spread), now + max_age_s / 2);
}

/* From 0 to 1; without entropy the middle does as well. */
static double draw(void)
{
    uint32_t number = UINT32_MAX / 2;
    (void)random_bytes(&number, sizeof(number));
    return (double)number / (double)UINT32_MAX;
}

/* Doubled with each failure, and somewhere in its second half, so that nodes do not come together.
 */
static int64_t pause_after(unsigned failing)
{
    int64_t pause = CRL_RETRY_S;
    for (unsigned i = 1; i < failing && pause < CRL_RETRY_MAX_S; i++)
        pause *= 2;
    pause = at_most(pause, CRL_RETRY_MAX_S);
    return (int64_t)((0.5 + draw() / 2) * (double)pause);
}

/* --- sources by the trust list -----------------------------------------------------------------
 */

static struct crl_source *find(const struct crl_renew *renew, const char *authority,
                               const char *url)
{
    for (size_t i = 0; i < renew->count; i++)
        if (strcmp(renew->sources[i]->authority, authority) == 0 &&
            strcmp(renew->sources[i]->url, url) == 0)
            return renew->sources[i];
    return NULL;
}

/* Where what it brought last is in use, as after a restart, it is fetched again in its time only.
 */
static void set_first_due(const struct crl_renew *renew, struct crl_source *source)
{
    struct crl_name name;
    if (source->has_list && crls_hold(renew->crls, source->list, &name))
        source->due = crl_renew_when(source->fetched_at, name.this_update, name.next_update,
                                     source->max_age_s, draw());
}

static enum idp_err want(struct crl_renew *renew, const struct authority *authority,
                         const char *url, const char *folder)
{
    struct crl_source *source = find(renew, authority->id, url);
    if (source == NULL && renew->count < CRL_SOURCES_MAX) {
        source = crl_source_new(authority->id, url);
        if (source == NULL)
            return IDP_FAULT;
        renew->sources[renew->count++] = source;
        if (folder != NULL)
            crl_source_restore(source, folder);
    }
    if (source == NULL)
        return IDP_FULL;
    source->wanted = true;
    source->max_age_s = authority->rules->revocation.crl_max_age_s;
    if (source->due == 0)
        set_first_due(renew, source);
    return IDP_OK;
}

static void drop(const struct crl_renew *renew, struct crl_source *source)
{
    const char *folder = crls_folder(renew->crls);
    if (folder != NULL)
        crl_source_remove(source, folder);
    free(source);
}

static void forget_unwanted(struct crl_renew *renew)
{
    size_t kept = 0;
    for (size_t i = 0; i < renew->count; i++) {
        struct crl_source *source = renew->sources[i];
        if (source->wanted || source->busy)
            renew->sources[kept++] = source;
        else
            drop(renew, source);
    }
    renew->count = kept;
}

/* With the lock held. One on its way is forgotten when the next list comes. */
static enum idp_err follow(struct crl_renew *renew, const struct trust *trust)
{
    enum idp_err err = IDP_OK;
    const char *folder = crls_folder(renew->crls);
    if (strcmp(renew->version, trust->version) == 0)
        return IDP_OK;
    for (size_t i = 0; i < renew->count; i++)
        renew->sources[i]->wanted = false;
    for (size_t i = 0; i < trust->count && err == IDP_OK; i++) {
        const struct urls *urls = &trust->authorities[i].rules->revocation.crl;
        for (size_t j = 0; j < urls->count && err == IDP_OK; j++)
            err = want(renew, &trust->authorities[i], urls->list[j], folder);
    }
    forget_unwanted(renew);
    if (err == IDP_OK)
        memcpy(renew->version, trust->version, sizeof(renew->version));
    return err;
}

/* --- which -------------------------------------------------------------------------------------
 */

static bool authority_is_busy(const struct crl_renew *renew, const char *authority)
{
    for (size_t i = 0; i < renew->count; i++)
        if (renew->sources[i]->busy && strcmp(renew->sources[i]->authority, authority) == 0)
            return true;
    return false;
}

/* With the lock held: the one that has been due for longest, or NULL. */
static struct crl_source *pick(const struct crl_renew *renew, int64_t now)
{
    struct crl_source *found = NULL;
    for (size_t i = 0; i < renew->count; i++) {
        struct crl_source *source = renew->sources[i];
        bool is_due = source->wanted && source->due <= now;
        if (is_due && (found == NULL || source->due < found->due) &&
            !authority_is_busy(renew, source->authority))
            found = source;
    }
    return found;
}

/* --- fetching ----------------------------------------------------------------------------------
 */

/* What one thread needs for one address, apart from the view, which is not kept meanwhile. */
struct errand {
    struct crl_source *source; /* busy: nobody frees it */
    struct net_request request;
    struct arena *arena;
};

/* What came of it. */
struct outcome {
    const char *why; /* NULL: a list came, or the one in use is the newest */
    bool unchanged;  /* by the server's word */
    bool soon;       /* a delta before its full list */
    const char *etag, *last_modified;
    struct crls_result result;
};

static const char *const *copy_hosts(struct arena *arena, const char *const *hosts)
{
    size_t count = 0;
    while (hosts[count] != NULL)
        count++;
    const char **copy = arena_alloc(arena, (count + 1) * sizeof(*copy));
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = arena_strdup(arena, hosts[i]);
        if (copy[i] == NULL)
            return NULL;
    }
    return copy;
}

/* With the lock held. The server may say that nothing has changed only while what it sent is in
 * use and in time. */
static enum idp_err prepare(const struct crl_renew *renew, const struct trust *trust, int64_t now,
                            struct errand *errand)
{
    struct crl_name name;
    const struct crl_source *source = errand->source;
    bool in_use = source->has_list && crls_hold(renew->crls, source->list, &name);
    errand->request = (struct net_request){.url = source->url,
                                           .accept = "application/pkix-crl",
                                           .allow = copy_hosts(errand->arena, trust_hosts(trust)),
                                           .answer_max = CRL_FILE_MAX,
                                           .deadline_ms = CRL_FETCH_MS};
    if (errand->request.allow == NULL)
        return IDP_FAULT;
    if (!in_use || now >= name.next_update)
        return IDP_OK;
    if (source->etag[0] != '\0')
        errand->request.if_none_match = arena_strdup(errand->arena, source->etag);
    if (source->last_modified[0] != '\0')
        errand->request.if_modified_since = arena_strdup(errand->arena, source->last_modified);
    return IDP_OK;
}

static const char *name_of_error(enum idp_err err)
{
    switch ((int)err) {
    case IDP_DENIED:
        return "address_not_allowed";
    case IDP_FULL:
        return "too_large";
    case IDP_UNAVAILABLE:
        return "no_answer";
    default:
        return "not_fetched";
    }
}

static void take_list(struct crl_renew *renew, const struct errand *errand,
                      const struct crl_draft *draft, int64_t now, struct outcome *out)
{
    out->result = crls_offer(renew->crls, draft, errand->source->authority, now);
    out->soon = out->result.outcome == CRLS_NO_BASE;
    if (out->result.outcome == CRLS_REFUSED)
        out->why = out->result.why;
    if (out->result.outcome == CRLS_FAILED)
        out->why = "not_kept";
}

static void fetch(struct crl_renew *renew, const struct errand *errand, int64_t now,
                  struct outcome *out)
{
    struct crl_draft draft;
    struct net_request request = errand->request;
    struct net_answer answer = {.status = 0};
    *out = (struct outcome){.why = NULL};
    if (crls_draft(renew->crls, &draft) != IDP_OK) {
        out->why = "folder_not_writable";
        return;
    }
    request.file = &draft.fd;
    enum idp_err err = net_fetch(renew->net, errand->arena, &request, &answer);
    bool asked = request.if_none_match != NULL || request.if_modified_since != NULL;
    out->unchanged = err == IDP_OK && answer.status == 304 && asked;
    out->etag = answer.etag;
    out->last_modified = answer.last_modified;
    if (err != IDP_OK)
        out->why = name_of_error(err);
    else if (answer.status == 200)
        take_list(renew, errand, &draft, now, out);
    else if (!out->unchanged)
        out->why = "http_error";
    crl_draft_end(&draft);
}

/* --- afterwards --------------------------------------------------------------------------------
 */

static void log_failure(const struct crl_source *source, const char *why)
{
    struct log_line line;
    log_begin(&line, LOG_WARN, "list_not_renewed");
    log_text(&line, "authority", source->authority);
    log_text(&line, "address", source->url);
    log_text(&line, "why", why);
    log_number(&line, "failures", source->failing);
    log_end(&line);
}

static void fail(struct crl_source *source, const char *why, int64_t now)
{
    source->failed++;
    source->failing++;
    source->due = now + pause_after(source->failing);
    log_failure(source, why);
}

static void succeed(const struct crl_renew *renew, struct crl_source *source,
                    const struct outcome *outcome, int64_t now)
{
    struct crl_name name = {.this_update = outcome->result.this_update,
                            .next_update = outcome->result.next_update};
    source->failing = 0;
    source->fetched_at = now;
    if (outcome->unchanged) {
        source->unchanged++;
        (void)crls_hold(renew->crls, source->list, &name);
    } else {
        source->fetched++;
        crl_source_note(source, outcome->result.hash, outcome->etag, outcome->last_modified);
    }
    source->due = outcome->soon ? now + CRL_SOON_S
                                : crl_renew_when(now, name.this_update, name.next_update,
                                                 source->max_age_s, draw());
}

/* With the lock held. */
static void settle(struct crl_renew *renew, struct crl_source *source,
                   const struct outcome *outcome, int64_t now)
{
    const char *folder = crls_folder(renew->crls);
    source->busy = false;
    if (outcome->why != NULL)
        fail(source, outcome->why, now);
    else
        succeed(renew, source, outcome, now);
    if (outcome->why == NULL && folder != NULL)
        crl_source_keep(source, folder);
}

/* --- lists of roots ----------------------------------------------------------------------------
 */

/* An authority goes on without its root's list, but somebody should know. */
static void look_for_roots(const struct crl_renew *renew, const struct trust *trust)
{
    struct crls_figure figures[ISSUERS_MAX];
    struct log_line line;
    for (size_t i = 0; i < trust->count; i++) {
        const char *id = trust->authorities[i].id;
        size_t n = crls_figures(renew->crls, id, figures, ISSUERS_MAX);
        for (size_t j = 0; j < n; j++) {
            if (!figures[j].is_root || figures[j].present)
                continue;
            log_begin(&line, LOG_WARN, "list_of_root_missing");
            log_text(&line, "authority", id);
            log_text(&line, "root", figures[j].issuer);
            log_end(&line);
        }
    }
}

/* With the lock held: whether it is time to look for them. */
static bool is_time_to_look(struct crl_renew *renew, int64_t now)
{
    bool first = renew->watch == 0;
    bool is_time = !first && now >= renew->watch;
    if (first || is_time)
        renew->watch = now + (first ? WATCH_FIRST_S : WATCH_EVERY_S);
    return is_time;
}

/* --- the job -----------------------------------------------------------------------------------
 */

/* The trust list is let go before anything is waited for. */
static enum idp_err begin(struct crl_renew *renew, struct pki *pki, int64_t now,
                          struct errand *errand)
{
    struct arena *arena = arena_new();
    const struct trust *trust = arena != NULL ? pki_trust(pki, arena) : NULL;
    if (trust == NULL) {
        arena_free(arena);
        return IDP_FAULT;
    }
    (void)pthread_mutex_lock(&renew->lock);
    enum idp_err err = follow(renew, trust);
    bool look = is_time_to_look(renew, now);
    errand->source = err == IDP_OK ? pick(renew, now) : NULL;
    if (errand->source != NULL)
        err = prepare(renew, trust, now, errand);
    if (errand->source != NULL && err == IDP_OK)
        errand->source->busy = true;
    (void)pthread_mutex_unlock(&renew->lock);
    if (look)
        look_for_roots(renew, trust);
    arena_free(arena);
    return err;
}

enum idp_err crl_renew_run(struct crl_renew *renew, struct pki *pki, int64_t now, bool *fetched)
{
    struct outcome outcome;
    struct errand errand = {.arena = arena_new()};
    *fetched = false;
    if (errand.arena == NULL)
        return IDP_FAULT;
    enum idp_err err = begin(renew, pki, now, &errand);
    if (err == IDP_OK && errand.source != NULL) {
        *fetched = true;
        fetch(renew, &errand, now, &outcome);
        (void)pthread_mutex_lock(&renew->lock);
        settle(renew, errand.source, &outcome, now);
        (void)pthread_mutex_unlock(&renew->lock);
    }
    arena_free(errand.arena);
    return err;
}

size_t crl_renew_figures(struct crl_renew *renew, const char *authority,
                         struct crl_source_figure *out, size_t max)
{
    size_t n = 0;
    (void)pthread_mutex_lock(&renew->lock);
    for (size_t i = 0; i < renew->count && n < max; i++) {
        const struct crl_source *source = renew->sources[i];
        if (!source->wanted || strcmp(source->authority, authority) != 0)
            continue;
        out[n] = (struct crl_source_figure){.fetched = source->fetched,
                                            .unchanged = source->unchanged,
                                            .failed = source->failed,
                                            .failing = source->failing,
                                            .last_success = source->fetched_at};
        memcpy(out[n++].url, source->url, sizeof(source->url));
    }
    (void)pthread_mutex_unlock(&renew->lock);
    return n;
}

struct crl_renew *crl_renew_new(struct net *net, struct crls *crls)
{
    struct crl_renew *renew = calloc(1, sizeof(*renew));
    if (renew == NULL)
        return NULL;
    renew->net = net;
    renew->crls = crls;
    (void)pthread_mutex_init(&renew->lock, NULL);
    return renew;
}

void crl_renew_free(struct crl_renew *renew)
{
    if (renew == NULL)
        return;
    for (size_t i = 0; i < renew->count; i++)
        free(renew->sources[i]);
    (void)pthread_mutex_destroy(&renew->lock);
    free(renew);
}
