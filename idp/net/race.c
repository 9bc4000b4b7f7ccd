#include "net/race.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/lane.h"
#include "net/exchange.h"
#include "net/pool.h"

enum { LOOK_UP_MS = 250 /* how often an interruption is looked for */ };

struct runner {
    struct net_exchange exchange;
    CURL *handle; /* NULL: not on its way */
    bool put_off; /* its name was not known in time; tried again when nothing else runs */
    int64_t begun_us;
};

struct course {
    struct net *net;
    struct arena *arena;
    struct net_race *race;
    CURLM *set;
    int64_t end_ms;
    int64_t next_ms; /* when the next one joins */
    size_t running;
    bool won;
    struct runner runners[NET_RACE_MAX];
};

/* --- one entrant ---------------------------------------------------------------------------- */

static void tell(struct course *course, size_t which, enum idp_err err,
                 const struct net_answer *answer)
{
    struct net_entrant *entrant = &course->race->list[which];
    entrant->over = true;
    entrant->took_us = clock_ticks_us() - course->runners[which].begun_us;
    course->won = course->won || course->race->take(course->race->context, which, err, answer);
}

/* Takes it off its way. */
static void stop(struct course *course, size_t which)
{
    struct runner *runner = &course->runners[which];
    struct net_entrant *entrant = &course->race->list[which];
    if (!entrant->over)
        entrant->took_us = clock_ticks_us() - runner->begun_us;
    (void)curl_multi_remove_handle(course->set, runner->handle);
    curl_easy_cleanup(runner->handle);
    net_exchange_clear(&runner->exchange);
    runner->handle = NULL;
    course->running--;
}

/* Sends it. */
static enum idp_err set_off(struct course *course, struct runner *runner)
{
    int64_t left = course->end_ms - clock_ticks_ms();
    if (left <= 0)
        return IDP_UNAVAILABLE;
    CURL *handle = curl_easy_init();
    enum idp_err err =
        handle != NULL ? net_exchange_bind(&runner->exchange, course->net, handle, (unsigned)left)
                       : IDP_FAULT;
    if (err == IDP_OK && (curl_easy_setopt(handle, CURLOPT_PRIVATE, runner) != CURLE_OK ||
                          curl_multi_add_handle(course->set, handle) != CURLM_OK))
        err = IDP_FAULT;
    if (err == IDP_OK) {
        runner->handle = handle;
        course->running++;
        return IDP_OK;
    }
    curl_easy_cleanup(handle);
    net_exchange_clear(&runner->exchange);
    return err;
}

/*
 * Begins it. A name server is waited for, so while another is on its way it gets little time, and
 * the entrant is put off when that was not enough: the other's answer must not wait for it.
 */
static void begin(struct course *course, size_t which)
{
    struct runner *runner = &course->runners[which];
    struct net_entrant *entrant = &course->race->list[which];
    int64_t left = course->end_ms - clock_ticks_ms();
    bool alone = course->running == 0;
    if (left < 0)
        left = 0; /* the clock goes on between one look and the next */
    unsigned limit = alone || left < NET_RACE_NAME_MS ? (unsigned)left : NET_RACE_NAME_MS;
    runner->begun_us = clock_ticks_us();
    enum idp_err err = net_exchange_aim(course->net, &entrant->request, limit, &runner->exchange);
    if (err == IDP_UNAVAILABLE && !alone) {
        runner->put_off = true;
        return;
    }
    entrant->begun = true;
    entrant->joined = !alone;
    course->next_ms = clock_ticks_ms() + entrant->patience_ms;
    if (err == IDP_OK)
        err = set_off(course, runner);
    if (err != IDP_OK)
        tell(course, which, err, NULL);
}

/* --- all of them ---------------------------------------------------------------------------- */

/* Who is next: first those that were not put off. count: nobody. */
static size_t find_next(const struct course *course)
{
    const struct net_race *race = course->race;
    for (size_t i = 0; i < race->count; i++)
        if (!race->list[i].begun && !course->runners[i].put_off)
            return i;
    for (size_t i = 0; i < race->count && course->running == 0; i++)
        if (!race->list[i].begun)
            return i;
    return race->count;
}

/* Begins whose time has come. */
static void begin_due(struct course *course)
{
    size_t next = find_next(course);
    while (!course->won && next < course->race->count && clock_ticks_ms() < course->end_ms &&
           (course->running == 0 || clock_ticks_ms() >= course->next_ms)) {
        begin(course, next);
        next = find_next(course);
    }
}

/* Tells what has come of those that are done. */
static void collect(struct course *course)
{
    int left = 0;
    const CURLMsg *message = curl_multi_info_read(course->set, &left);
    for (; message != NULL; message = curl_multi_info_read(course->set, &left)) {
        void *context = NULL;
        struct net_answer answer;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &context);
        struct runner *runner = context;
        size_t which = (size_t)(runner - course->runners);
        enum idp_err err =
            net_exchange_outcome(&runner->exchange, runner->handle, code, course->arena, &answer);
        if (!course->won)
            tell(course, which, err, err == IDP_OK ? &answer : NULL);
        stop(course, which);
    }
}

static int pause_of(const struct course *course)
{
    int64_t now = clock_ticks_ms();
    int64_t pause = course->end_ms - now < LOOK_UP_MS ? course->end_ms - now : LOOK_UP_MS;
    if (find_next(course) < course->race->count && course->next_ms - now < pause)
        pause = course->next_ms - now;
    return pause > 0 ? (int)pause : 0;
}

static enum idp_err run(struct course *course)
{
    int running = 0;
    begin_due(course);
    while (!course->won && course->running > 0 && clock_ticks_ms() < course->end_ms &&
           !atomic_load(&course->net->interrupted)) {
        if (curl_multi_perform(course->set, &running) != CURLM_OK)
            return IDP_FAULT;
        collect(course);
        begin_due(course);
        if (!course->won && course->running > 0 &&
            curl_multi_poll(course->set, NULL, 0, pause_of(course), NULL) != CURLM_OK)
            return IDP_FAULT;
    }
    return IDP_OK;
}

/* Those that are still on their way: too late, or not needed any more. */
static void finish(struct course *course)
{
    for (size_t i = 0; i < course->race->count; i++) {
        if (course->runners[i].handle == NULL)
            continue;
        if (!course->won)
            tell(course, i, IDP_UNAVAILABLE, NULL);
        stop(course, i);
    }
}

enum idp_err net_race(struct net *net, struct arena *arena, struct net_race *race)
{
    if (!lane_may_wait())
        return IDP_WAIT;
    if (race->count > NET_RACE_MAX)
        return IDP_FAULT;
    for (size_t i = 0; i < race->count; i++)
        race->list[i].begun = race->list[i].over = false;
    struct course course = {.net = net,
                            .arena = arena,
                            .race = race,
                            .set = net_pool_take(&net->pool),
                            .end_ms = clock_ticks_ms() + race->deadline_ms};
    if (course.set == NULL)
        return IDP_FAULT;
    enum idp_err err = run(&course);
    finish(&course);
    net_pool_give(&net->pool, course.set);
    return err;
}
