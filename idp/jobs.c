/* The periodic tasks, a line each. */
#include "jobs.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access/outbox.h"
#include "app.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/sql.h"

enum { TICK_MS = 250, LEASE_MS = 30000, LEASE_RENEW_MS = 10000, JOBS_MAX = 8, NODE_MAX = 64 };

static enum idp_err deliver_tombstones(struct app *app)
{
    return outbox_deliver(&app->access, OUTBOX_TOMBSTONES, clock_now_ms());
}

static const struct job {
    const char *name;
    int64_t every_ms;
    bool shared; /* only the node that holds the lease runs it */
    enum idp_err (*run)(struct app *app);
} all[] = {
    {"tombstones", 1000, true, deliver_tombstones},
};

enum { JOBS = sizeof(all) / sizeof(*all) };

struct jobs {
    struct app *app;
    char node[NODE_MAX + 1];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    int64_t due[JOBS];         /* ticks */
    int64_t lease_until[JOBS]; /* ticks: this node holds it until then */
    int64_t lease_renew[JOBS];
};

/* Takes or renews the lease of a job: one node has it, until it stops renewing. */
static enum idp_err take_lease(struct jobs *jobs, size_t i, int64_t ticks)
{
    int64_t changed = 0;
    int64_t now = clock_now_ms();
    const struct sql_value params[] = {sql_text(all[i].name), sql_text(jobs->node),
                                       sql_int(now + LEASE_MS), sql_int(now)};
    enum idp_err err =
        sql_execute(jobs->app->db,
                    &(struct sql_call){"INSERT INTO leases (job, node, until_ms) "
                                       "VALUES ($1, $2, $3) ON CONFLICT (job) DO UPDATE SET "
                                       "node = excluded.node, until_ms = excluded.until_ms "
                                       "WHERE leases.node = excluded.node OR leases.until_ms < $4",
                                       params, 4},
                    &changed);
    if (err != IDP_OK)
        return err;
    jobs->lease_renew[i] = ticks + LEASE_RENEW_MS;
    jobs->lease_until[i] = changed > 0 ? ticks + LEASE_MS : 0;
    return IDP_OK;
}

static bool may_run(struct jobs *jobs, size_t i, int64_t ticks)
{
    if (!all[i].shared)
        return true;
    if (ticks >= jobs->lease_renew[i] && take_lease(jobs, i, ticks) != IDP_OK)
        return false;
    return ticks < jobs->lease_until[i];
}

static void run_due(struct jobs *jobs)
{
    for (size_t i = 0; i < JOBS; i++) {
        int64_t ticks = clock_ticks_ms();
        if (ticks < jobs->due[i])
            continue;
        jobs->due[i] = ticks + all[i].every_ms;
        if (may_run(jobs, i, ticks) && all[i].run(jobs->app) != IDP_OK)
            log_event(LOG_WARN, "job_failed", "job", all[i].name);
    }
}

/* Sleeps one tick; returns true when the thread has to end. */
static bool sleep_tick(struct jobs *jobs)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)TICK_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&jobs->lock);
    if (!jobs->stop)
        (void)pthread_cond_timedwait(&jobs->wake, &jobs->lock, &until);
    bool stop = jobs->stop;
    (void)pthread_mutex_unlock(&jobs->lock);
    return stop;
}

static void *work(void *with)
{
    struct jobs *jobs = with;
    while (!sleep_tick(jobs))
        run_due(jobs);
    return NULL;
}

enum idp_err jobs_start(struct app *app, const char *node, struct jobs **out)
{
    struct jobs *jobs = calloc(1, sizeof(*jobs));
    if (jobs == NULL)
        return IDP_FAULT;
    jobs->app = app;
    strncpy(jobs->node, node, NODE_MAX);
    (void)pthread_mutex_init(&jobs->lock, NULL);
    (void)pthread_cond_init(&jobs->wake, NULL);
    if (pthread_create(&jobs->thread, NULL, work, jobs) != 0) {
        free(jobs);
        return IDP_FAULT;
    }
    *out = jobs;
    return IDP_OK;
}

void jobs_stop(struct jobs *jobs)
{
    if (jobs == NULL)
        return;
    (void)pthread_mutex_lock(&jobs->lock);
    jobs->stop = true;
    (void)pthread_cond_signal(&jobs->wake);
    (void)pthread_mutex_unlock(&jobs->lock);
    (void)pthread_join(jobs->thread, NULL);
    (void)pthread_cond_destroy(&jobs->wake);
    (void)pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}
