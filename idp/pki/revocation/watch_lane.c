#include "pki/revocation/watch_lane.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "pki/revocation/watch_plan.h"
#include "pki/state.h"

enum { AT_ONCE = 256 };

/* The lists of an issuer as they were looked into last. */
struct lists_seen {
    unsigned char issuer[DIGEST_SIZE], full[DIGEST_SIZE], delta[DIGEST_SIZE];
};

struct watch_lane {
    struct pki *pki;
    const struct watch_hook *hook;
    pthread_mutex_t lock; /* guards the plan */
    struct plan *plan;
    struct lists_seen seen[RULES_ANCHORS_MAX]; /* of the thread that takes turns */
    size_t seen_count;
    char authority[];
};

/* A turn, for the threads that take part in it. */
struct turn {
    struct watch_lane *lane;
    struct line *line;
    int64_t now, began_ms;
    int recheck_s;
    unsigned per_second, threads;
    struct plan_item *items;
    size_t count;
    atomic_size_t next;
};

struct watch_lane *watch_lane_new(struct pki *pki, const struct watch_hook *hook,
                                  const char *authority)
{
    size_t size = strlen(authority) + 1;
    struct watch_lane *lane = calloc(1, sizeof(*lane) + size);
    struct plan *plan = plan_new();
    if (lane == NULL || plan == NULL) {
        free(lane);
        plan_free(plan);
        return NULL;
    }
    lane->pki = pki;
    lane->hook = hook;
    lane->plan = plan;
    memcpy(lane->authority, authority, size);
    (void)pthread_mutex_init(&lane->lock, NULL);
    return lane;
}

void watch_lane_free(struct watch_lane *lane)
{
    if (lane == NULL)
        return;
    plan_free(lane->plan);
    (void)pthread_mutex_destroy(&lane->lock);
    free(lane);
}

const char *watch_lane_authority(const struct watch_lane *lane)
{
    return lane->authority;
}

/* --- what is watched ------------------------------------------------------------------------- */

void watch_lane_begin(struct watch_lane *lane, bool anew)
{
    (void)pthread_mutex_lock(&lane->lock);
    if (anew)
        plan_clear(lane->plan);
    plan_begin(lane->plan);
    (void)pthread_mutex_unlock(&lane->lock);
}

void watch_lane_end(struct watch_lane *lane)
{
    (void)pthread_mutex_lock(&lane->lock);
    plan_end(lane->plan);
    (void)pthread_mutex_unlock(&lane->lock);
}

/* How the list that counts wants it; false where the authority is not in it. */
static bool read_rules(struct watch_lane *lane, struct arena *arena, struct turn *turn)
{
    const struct view *view = pki_view(lane->pki, arena);
    const struct authority *authority =
        view != NULL ? trust_find(view->trust, lane->authority) : NULL;
    if (authority == NULL)
        return false;
    const struct revocation *rules = &authority->rules->revocation;
    unsigned half = lane->pki->waiters / 2;
    turn->line = view->lines[authority->rules->index]; /* as long as the view is held */
    turn->recheck_s = rules->recheck_s;
    turn->per_second = (unsigned)rules->per_second;
    turn->threads = half < 1 ? 1 : half > WATCH_THREADS_MAX ? WATCH_THREADS_MAX : half;
    return true;
}

enum idp_err watch_lane_add(struct watch_lane *lane, const struct seen_certificate *certificate,
                            bool signed_in, int64_t now)
{
    struct turn rules;
    struct plan_item item = {.signed_in = signed_in};
    struct arena *arena = arena_new();
    bool listed = arena != NULL && read_rules(lane, arena, &rules);
    arena_free(arena);
    if (arena == NULL)
        return IDP_FAULT;
    if (!listed)
        return IDP_OK;
    memcpy(item.hash, certificate->hash, DIGEST_SIZE);
    memcpy(item.issuer, certificate->issuer, DIGEST_SIZE);
    memcpy(item.serial, certificate->serial, strlen(certificate->serial) + 1);
    (void)pthread_mutex_lock(&lane->lock);
    enum idp_err err = plan_add(lane->plan, &item, rules.recheck_s, now);
    (void)pthread_mutex_unlock(&lane->lock);
    return err;
}

/* --- one certificate ------------------------------------------------------------------------- */

static struct seen_certificate certificate_of(const struct watch_lane *lane,
                                              const struct plan_item *item)
{
    struct seen_certificate certificate = {.authority = lane->authority, .serial = item->serial};
    memcpy(certificate.hash, item->hash, DIGEST_SIZE);
    memcpy(certificate.issuer, item->issuer, DIGEST_SIZE);
    return certificate;
}

/* The time goes on while a turn takes long. */
static int64_t now_of(const struct turn *turn)
{
    return turn->now + (clock_ticks_ms() - turn->began_ms) / 1000;
}

static void begin_again(struct turn *turn, const struct plan_item *item)
{
    struct watch_lane *lane = turn->lane;
    (void)pthread_mutex_lock(&lane->lock);
    plan_begin_again(lane->plan, item->hash, now_of(turn));
    (void)pthread_mutex_unlock(&lane->lock);
}

/* What cannot be found out now, for whatever reason, is found out later. */
static void note(struct turn *turn, const struct plan_item *item, enum idp_err err,
                 const struct again *again)
{
    static const struct again failed = {.verdict.says = VERDICT_UNAVAILABLE};
    struct watch_lane *lane = turn->lane;
    const struct again *came = err == IDP_OK ? again : &failed;
    (void)pthread_mutex_lock(&lane->lock);
    bool turned = plan_came_of(lane->plan, item->hash, came, turn->recheck_s, now_of(turn));
    (void)pthread_mutex_unlock(&lane->lock);
    if (!turned || came->verdict.says == VERDICT_ASK || lane->hook->turned == NULL)
        return;
    const struct seen_certificate certificate = certificate_of(lane, item);
    err = lane->hook->turned(lane->hook->context, &certificate, &came->verdict, now_of(turn));
    if (err != IDP_OK)
        begin_again(turn, item);
}

static enum idp_err look(const struct turn *turn, const struct plan_item *item,
                         enum idp_err (*way)(struct pki *pki, struct arena *arena,
                                             const struct seen_certificate *certificate,
                                             int64_t now, struct again *out),
                         struct again *out)
{
    const struct seen_certificate certificate = certificate_of(turn->lane, item);
    struct arena *arena = arena_new();
    enum idp_err err =
        arena != NULL ? way(turn->lane->pki, arena, &certificate, now_of(turn), out) : IDP_FAULT;
    arena_free(arena);
    return err;
}

/* --- asking ---------------------------------------------------------------------------------- */

static void count_question(const struct turn *turn, enum idp_err err, const struct again *again)
{
    bool failed = err != IDP_OK || again->verdict.says == VERDICT_UNAVAILABLE;
    _Atomic uint64_t *counter = failed ? &turn->line->watch.failed : &turn->line->watch.renewed;
    (void)atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void put_back(struct turn *turn, const struct plan_item *item)
{
    struct watch_lane *lane = turn->lane;
    (void)pthread_mutex_lock(&lane->lock);
    plan_put_back(lane->plan, item->hash);
    (void)pthread_mutex_unlock(&lane->lock);
}

static void *ask_some(void *with)
{
    struct turn *turn = with;
    for (;;) {
        struct again again = {.until = 0};
        size_t i = atomic_fetch_add(&turn->next, 1);
        if (i >= turn->count)
            return NULL;
        if (clock_ticks_ms() - turn->began_ms >= WATCH_TURN_MS) {
            put_back(turn, &turn->items[i]);
            continue;
        }
        enum idp_err err = look(turn, &turn->items[i], again_ask, &again);
        count_question(turn, err, &again);
        note(turn, &turn->items[i], err, &again);
    }
}

static void ask_all(struct turn *turn)
{
    pthread_t helpers[WATCH_THREADS_MAX];
    size_t started = 0;
    size_t wanted = turn->threads < turn->count ? turn->threads : turn->count;
    while (started + 1 < wanted && pthread_create(&helpers[started], NULL, ask_some, turn) == 0)
        started++;
    (void)ask_some(turn);
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(helpers[i], NULL);
}

static void ask_due(struct turn *turn)
{
    struct watch_lane *lane = turn->lane;
    turn->items = calloc(turn->per_second, sizeof(*turn->items));
    if (turn->items == NULL)
        return; /* in the next turn */
    (void)pthread_mutex_lock(&lane->lock);
    turn->count = plan_due(lane->plan, false, turn->now, turn->per_second, turn->items);
    (void)pthread_mutex_unlock(&lane->lock);
    atomic_init(&turn->next, 0);
    if (turn->count > 0)
        ask_all(turn);
    free(turn->items);
}

/* --- looking --------------------------------------------------------------------------------- */

/* What is known already need not be asked for. */
static void look_first(struct turn *turn)
{
    struct watch_lane *lane = turn->lane;
    struct plan_item *items = calloc(WATCH_FIRST_MAX, sizeof(*items));
    if (items == NULL)
        return;
    (void)pthread_mutex_lock(&lane->lock);
    size_t n = plan_due(lane->plan, true, turn->now, WATCH_FIRST_MAX, items);
    (void)pthread_mutex_unlock(&lane->lock);
    for (size_t i = 0; i < n; i++) {
        struct again again = {.until = 0};
        enum idp_err err = look(turn, &items[i], again_known, &again);
        note(turn, &items[i], err, &again);
    }
    free(items);
}

/* What lists say against somebody is learned by looking; anything else is left as it was. */
static void look_up(struct turn *turn, const struct plan_item *item)
{
    struct again again = {.until = 0};
    enum idp_err err = look(turn, item, again_look, &again);
    enum verdict_says says = again.verdict.says;
    if (err == IDP_OK &&
        (says == VERDICT_REVOKED || says == VERDICT_ISSUER_REVOKED || says == VERDICT_ON_HOLD))
        note(turn, item, err, &again);
}

static void look_up_all(struct turn *turn)
{
    struct watch_lane *lane = turn->lane;
    struct plan_item items[AT_ONCE];
    size_t n = AT_ONCE;
    for (size_t from = 0; n == AT_ONCE; from += n) {
        (void)pthread_mutex_lock(&lane->lock);
        n = plan_items(lane->plan, from, AT_ONCE, items);
        (void)pthread_mutex_unlock(&lane->lock);
        for (size_t i = 0; i < n; i++)
            look_up(turn, &items[i]);
    }
}

/* Whether other lists of this issuer are in use than at the last turn. */
static bool lists_changed(struct watch_lane *lane, const struct anchor *anchor)
{
    static const unsigned char any[] = {1};
    struct crl_finding found = {.present = false};
    const struct pki_lists *lists = &lane->pki->lists;
    struct lists_seen now;
    size_t i = 0;
    lists->find(lists->context, anchor->hash, any, sizeof(any), &found);
    memcpy(now.issuer, anchor->hash, DIGEST_SIZE);
    memcpy(now.full, found.full.hash, DIGEST_SIZE);
    memcpy(now.delta, found.delta.hash, DIGEST_SIZE);
    while (i < lane->seen_count && memcmp(lane->seen[i].issuer, anchor->hash, DIGEST_SIZE) != 0)
        i++;
    if (i == RULES_ANCHORS_MAX)
        i = 0; /* anchors came and went: one more look does no harm */
    bool same = i < lane->seen_count && memcmp(&lane->seen[i], &now, sizeof(now)) == 0;
    lane->seen[i] = now;
    if (i == lane->seen_count)
        lane->seen_count++;
    return !same;
}

static void look_into_lists(struct turn *turn, struct arena *arena)
{
    struct watch_lane *lane = turn->lane;
    const struct view *view = pki_view(lane->pki, arena);
    const struct authority *authority =
        view != NULL ? trust_find(view->trust, lane->authority) : NULL;
    bool changed = false;
    if (authority == NULL || lane->pki->lists.find == NULL)
        return;
    for (size_t i = 0; i < authority->rules->anchors.count; i++)
        changed = lists_changed(lane, &authority->rules->anchors.list[i]) || changed;
    if (changed)
        look_up_all(turn);
}

size_t watch_lane_count(struct watch_lane *lane)
{
    (void)pthread_mutex_lock(&lane->lock);
    size_t count = plan_count(lane->plan, 0).watched;
    (void)pthread_mutex_unlock(&lane->lock);
    return count;
}

/* --- a turn ---------------------------------------------------------------------------------- */

static void count_plan(const struct turn *turn)
{
    struct watch_lane *lane = turn->lane;
    struct line_watch *watch = &turn->line->watch;
    (void)pthread_mutex_lock(&lane->lock);
    struct plan_figures figures = plan_count(lane->plan, turn->now);
    (void)pthread_mutex_unlock(&lane->lock);
    atomic_store(&watch->watched, figures.watched);
    atomic_store(&watch->due, figures.due);
    atomic_store(&watch->late, figures.late);
}

void watch_lane_turn(struct watch_lane *lane, int64_t now)
{
    struct turn turn = {.lane = lane, .now = now, .began_ms = clock_ticks_ms()};
    struct arena *arena = arena_new();
    if (arena != NULL && read_rules(lane, arena, &turn)) {
        look_into_lists(&turn, arena);
        look_first(&turn);
        ask_due(&turn);
        count_plan(&turn);
    }
    arena_free(arena);
}
