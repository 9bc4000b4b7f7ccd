/*
 * The counter, the nodes' rows and the thread that watches.
 *
 * A row in `nodes` says that somebody may have to be waited for. It is written when the node has
 * reached another generation and before it would run out, not at every reading. It may be believed
 * dead only long after it ran out, because that is a matter of two nodes' calendars; until then a
 * dead node costs whoever waits two seconds.
 */
#include "store/generation.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/sql.h"

enum {
    ROW_MS = 30000,       /* how long a node's row says that it lives */
    RENEW_MS = 15000,     /* when it is written anew at the latest */
    LEASE_MARGIN_MS = 50, /* clocks do not run at quite the same speed */
    FIRST_LOOK_MS = 2,    /* how soon whoever waits looks again, and how slow that gets */
    LAST_LOOK_MS = 50,
    NODE_MAX = 64,
    HOLDS_MAX = 127,
    NO_ROW = -1, /* in the place of a generation */
};

struct generation_watch {
    struct sql *db;
    struct generation_listener listener;
    char node[NODE_MAX + 1];
    char holds[HOLDS_MAX + 1];
    _Atomic int64_t good_until; /* ticks: until then the caches may be used */

    /* The watching thread's own. */
    int64_t reached;      /* the generation that the listener has acted upon */
    int64_t reported;     /* the one in our row, or NO_ROW */
    int64_t row_began_ms; /* ticks when our row was last written */

    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t nudged;
    bool nudge, stop;
};

/* --- the counter --------------------------------------------------------------------------- */

enum idp_err generation_read(struct sql *db, int64_t *out)
{
    static const struct sql_call call = {.text = "SELECT value FROM generation WHERE name = 'all'"};
    struct sql_rows rows = {0};
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? sql_read_one(db, arena, &call, &rows) : IDP_FAULT;
    if (err == IDP_OK)
        *out = sql_cell_int(&rows, 0, 0);
    arena_free(arena);
    return err == IDP_NOT_FOUND ? IDP_FAULT : err; /* the schema makes the row */
}

enum idp_err generation_bump(struct sql_tx *tx, int64_t *out)
{
    static const struct sql_call call = {
        .text = "UPDATE generation SET value = value + 1 WHERE name = 'all' RETURNING value"};
    struct sql_rows rows = {0};
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? sql_run(tx, arena, &call, &rows, NULL) : IDP_FAULT;
    if (err == IDP_OK && rows.rows != 1)
        err = IDP_FAULT;
    if (err == IDP_OK && out != NULL)
        *out = sql_cell_int(&rows, 0, 0);
    arena_free(arena);
    return err;
}

/* --- this node's row ----------------------------------------------------------------------- */

/* Writes our row, and removes those of nodes that are long gone. */
static enum idp_err write_row(struct sql_tx *tx, void *with)
{
    const struct generation_watch *watch = with;
    int64_t now = clock_now_ms();
    const struct sql_value params[] = {sql_text(watch->node), sql_int(watch->reached),
                                       sql_int(now + ROW_MS), sql_text(watch->holds)};
    const struct sql_call mine = {
        .text = "INSERT INTO nodes (id, generation, lease_until_ms, holds) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT (id) DO UPDATE SET generation = excluded.generation, "
                "lease_until_ms = excluded.lease_until_ms, holds = excluded.holds",
        .params = params,
        .count = 4};
    const struct sql_value gone[] = {sql_int(now - GENERATION_FORGET_MS)};
    const struct sql_call others = {
        .text = "DELETE FROM nodes WHERE lease_until_ms < $1", .params = gone, .count = 1};
    enum idp_err err = sql_run(tx, NULL, &mine, NULL, NULL);
    return err == IDP_OK ? sql_run(tx, NULL, &others, NULL, NULL) : err;
}

static enum idp_err report(struct generation_watch *watch)
{
    int64_t began = clock_ticks_ms();
    if (watch->reported == watch->reached && began - watch->row_began_ms < RENEW_MS)
        return IDP_OK;
    enum idp_err err = sql_transact(watch->db, write_row, watch);
    if (err != IDP_OK)
        return err;
    watch->reported = watch->reached;
    watch->row_began_ms = began;
    return IDP_OK;
}

static void remove_row(struct generation_watch *watch)
{
    const struct sql_value params[] = {sql_text(watch->node)};
    const struct sql_call call = {
        .text = "DELETE FROM nodes WHERE id = $1", .params = params, .count = 1};
    (void)sql_execute(watch->db, &call, NULL); /* without it the row runs out */
}

/* --- watching ------------------------------------------------------------------------------ */

/* Reads the generation, and what our row says: another node may have removed it. */
static enum idp_err read_both(struct generation_watch *watch, int64_t *generation)
{
    const struct sql_value params[] = {sql_text(watch->node)};
    const struct sql_call call = {.text =
                                      "SELECT value, (SELECT generation FROM nodes WHERE id = $1) "
                                      "FROM generation WHERE name = 'all'",
                                  .params = params,
                                  .count = 1};
    struct sql_rows rows = {0};
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? sql_read_one(watch->db, arena, &call, &rows) : IDP_FAULT;
    if (err == IDP_OK) {
        *generation = sql_cell_int(&rows, 0, 0);
        watch->reported = sql_cell(&rows, 0, 1) != NULL ? sql_cell_int(&rows, 0, 1) : NO_ROW;
    }
    arena_free(arena);
    return err;
}

/* Tells the listener of a generation it has not acted upon yet. */
static enum idp_err act_upon(struct generation_watch *watch, int64_t generation)
{
    if (generation == watch->reached)
        return IDP_OK;
    enum idp_err err = watch->listener.changed(watch->listener.with, generation);
    if (err == IDP_OK)
        watch->reached = generation;
    return err;
}

/*
 * One reading. The lease counts from before the reading: what was committed later it cannot have
 * seen. It begins anew once the caches are right, whether or not that could be reported: whoever
 * waits for the report then waits in vain, and no longer than the lease. But it ends with the row,
 * because a node without a row is not waited for.
 */
static enum idp_err look(struct generation_watch *watch)
{
    int64_t generation = 0;
    int64_t began = clock_ticks_ms();
    enum idp_err err = read_both(watch, &generation);
    if (err == IDP_OK)
        err = act_upon(watch, generation);
    if (err != IDP_OK)
        return err;
    err = report(watch);
    int64_t row_until = watch->row_began_ms + ROW_MS;
    int64_t until = began + GENERATION_LEASE_MS;
    atomic_store(&watch->good_until, until < row_until ? until : row_until);
    return err;
}

/* Sleeps until the next reading is due or somebody wants one now; false when it is time to end. */
static bool sleep_on(struct generation_watch *watch)
{
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += GENERATION_READ_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_mutex_lock(&watch->lock);
    while (!watch->nudge && !watch->stop)
        if (pthread_cond_timedwait(&watch->nudged, &watch->lock, &until) == ETIMEDOUT)
            break;
    watch->nudge = false;
    bool go_on = !watch->stop;
    (void)pthread_mutex_unlock(&watch->lock);
    return go_on;
}

static void *keep_looking(void *arg)
{
    struct generation_watch *watch = arg;
    bool was_stale = false;
    while (sleep_on(watch)) {
        (void)look(watch); /* what went wrong was logged where it did */
        bool stale = generation_stale(watch);
        if (stale != was_stale)
            log_event(LOG_WARN, stale ? "caches_stale" : "caches_good", "node", watch->node);
        was_stale = stale;
    }
    return NULL;
}

bool generation_stale(const struct generation_watch *watch)
{
    return clock_ticks_ms() >= atomic_load_explicit(&watch->good_until, memory_order_acquire);
}

int64_t generation_age_ms(const struct generation_watch *watch)
{
    int64_t until = atomic_load_explicit(&watch->good_until, memory_order_acquire);
    return clock_ticks_ms() - (until - GENERATION_LEASE_MS);
}

static void nudge(struct generation_watch *watch, bool stop)
{
    (void)pthread_mutex_lock(&watch->lock);
    watch->nudge = true;
    watch->stop = watch->stop || stop;
    (void)pthread_cond_signal(&watch->nudged);
    (void)pthread_mutex_unlock(&watch->lock);
}

/* --- starting and stopping ----------------------------------------------------------------- */

static struct generation_watch *make(struct sql *db, const char *node,
                                     const struct generation_listener *listener)
{
    pthread_condattr_t monotonic;
    struct generation_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return NULL;
    watch->db = db;
    watch->listener = *listener;
    watch->reported = NO_ROW;
    (void)snprintf(watch->node, sizeof(watch->node), "%s", node);
    (void)snprintf(watch->holds, sizeof(watch->holds), "%s",
                   listener->holds != NULL ? listener->holds : "");
    (void)pthread_mutex_init(&watch->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&watch->nudged, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return watch;
}

static void discard(struct generation_watch *watch)
{
    (void)pthread_cond_destroy(&watch->nudged);
    (void)pthread_mutex_destroy(&watch->lock);
    free(watch);
}

/* Begins: first the row, with generation 0, so that from here on we are waited for; then the
 * caches, which cannot miss what is committed after this. */
static enum idp_err begin(struct generation_watch *watch)
{
    enum idp_err err = report(watch);
    if (err == IDP_OK)
        err = look(watch);
    if (err == IDP_OK && pthread_create(&watch->thread, NULL, keep_looking, watch) != 0)
        err = IDP_FAULT;
    if (err != IDP_OK)
        remove_row(watch);
    return err;
}

enum idp_err generation_watch_start(struct sql *db, const char *node,
                                    const struct generation_listener *listener,
                                    struct generation_watch **out)
{
    size_t len = strlen(node);
    if (len == 0 || len > NODE_MAX)
        return IDP_BAD_REQUEST;
    struct generation_watch *watch = make(db, node, listener);
    if (watch == NULL)
        return IDP_FAULT;
    enum idp_err err = begin(watch);
    if (err != IDP_OK) {
        discard(watch);
        return err;
    }
    *out = watch;
    return IDP_OK;
}

void generation_watch_stop(struct generation_watch *watch)
{
    if (watch == NULL)
        return;
    nudge(watch, true);
    (void)pthread_join(watch->thread, NULL);
    remove_row(watch);
    discard(watch);
}

/* --- waiting ------------------------------------------------------------------------------- */

/* How many nodes have not reported the generation, and may live. */
static enum idp_err count_behind(struct sql *db, int64_t generation, int64_t *out)
{
    const struct sql_value params[] = {sql_int(generation),
                                       sql_int(clock_now_ms() - GENERATION_FORGET_MS)};
    const struct sql_call call = {
        .text = "SELECT count(*) FROM nodes WHERE generation < $1 AND lease_until_ms > $2",
        .params = params,
        .count = 2};
    struct sql_rows rows = {0};
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? sql_read_one(db, arena, &call, &rows) : IDP_FAULT;
    if (err == IDP_OK)
        *out = sql_cell_int(&rows, 0, 0);
    arena_free(arena);
    return err;
}

enum idp_err generation_count_nodes(struct sql *db, int64_t *out)
{
    return count_behind(db, INT64_MAX, out);
}

enum idp_err generation_wait(struct sql *db, struct generation_watch *own, int64_t generation,
                             int64_t deadline_ms)
{
    int64_t began = clock_ticks_ms();
    int64_t leases_end = began + GENERATION_LEASE_MS + LEASE_MARGIN_MS;
    int64_t pause = FIRST_LOOK_MS;
    int64_t behind = 0;
    if (own != NULL)
        nudge(own, false);
    for (;;) {
        enum idp_err err = count_behind(db, generation, &behind);
        if (err != IDP_OK || behind == 0)
            return err;
        int64_t now = clock_ticks_ms();
        if (now >= leases_end)
            return IDP_OK;
        if (now - began >= deadline_ms)
            return IDP_UNAVAILABLE;
        const struct timespec nap = {.tv_nsec = (long)pause * 1000000L};
        (void)nanosleep(&nap, NULL);
        pause = pause * 2 < LAST_LOOK_MS ? pause * 2 : LAST_LOOK_MS;
    }
}
