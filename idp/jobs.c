/* The periodic tasks, a line each. */
#include "jobs.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "access/degraded.h"
#include "access/outbox.h"
#include "access/revoked_locks.h"
#include "app.h"
#include "base/clock.h"
#include "base/log.h"
#include "evidence/audit.h"
#include "evidence/refusals.h"
#include "jose/key_work.h"
#include "jose/purpose_rotation.h"
#include "jose/rotation.h"
#include "jose/sign.h"
#include "net/net.h"
#include "operate/expiry.h"
#include "pki/crl/crl_renew.h"
#include "pki/pki.h"
#include "retention.h"
#include "store/lease.h"

static enum idp_err deliver_tombstones(struct app *app)
{
    return outbox_deliver(&app->access, OUTBOX_TOMBSTONES, clock_now_ms());
}

static enum idp_err deliver_messages(struct app *app)
{
    return outbox_deliver(&app->access, OUTBOX_MESSAGES, clock_now_ms());
}

static enum idp_err audit_keys(struct sql_tx *tx, struct arena *arena, const void *with,
                               const char *event, const char *key)
{
    static const struct audit_actor node = {.kind = "node"};
    const struct audit_entry entry = {.event = event,
                                      .at_ms = *(const int64_t *)with * 1000,
                                      .detail = audit_detail(arena, &node, "key", key)};
    return entry.detail != NULL ? audit_add(tx, arena, &entry) : IDP_FAULT;
}

static enum idp_err watch_outbox(struct app *app)
{
    return outbox_watch(&app->access, &app->outbox);
}

static enum idp_err rotate_keys(struct app *app)
{
    size_t removed = 0;
    int64_t now = clock_now();
    const struct key_witness witness = {.write = audit_keys, .with = &now};
    const struct key_work work = {.db = app->db,
                                  .master = app->master,
                                  .policy = &app->key_policy,
                                  .now = now,
                                  .witness = &witness};
    enum idp_err err = rotation_run(&work);
    return err == IDP_OK ? purpose_remove_old(&work, &removed) : err;
}

/* Every node looks, so that it is noticed when the one that should rotate does not. */
static enum idp_err watch_keys(struct app *app)
{
    struct signing_figure figures[SIGNING_KEYS_ALL];
    size_t n = signer_figures(app->signer, clock_now(), figures, SIGNING_KEYS_ALL);
    for (size_t i = 0; i < n; i++)
        if (figures[i].overdue)
            log_event(LOG_WARN, "signing_key_overdue", "kid", figures[i].kid);
    return IDP_OK;
}

static enum idp_err write_refusals(struct app *app)
{
    return refusals_flush(app->refusals, app->db);
}

static enum idp_err delete_what_is_over(struct app *app)
{
    return retention_run(app, clock_now(), clock_ticks_ms());
}

static enum idp_err warn_of_ends(struct app *app)
{
    return expiry_warn(app, clock_now());
}

static enum idp_err end_revoked(struct app *app)
{
    return revoked_locks_end(&app->access, clock_now());
}

static enum idp_err watch_locks(struct app *app)
{
    return watched_follow(&app->access, app->lock_watch, &app->watched, clock_now());
}

static enum idp_err settle_degraded(struct app *app)
{
    return degraded_settle(&app->access, clock_now());
}

/* What this node learned while the database did not answer. */
static enum idp_err write_revoked(struct app *app)
{
    return pki_write_revoked(app->pki);
}

/* What is due; several threads at a time, of which an authority gets one. */
static enum idp_err renew_lists(struct app *app)
{
    bool fetched = true;
    enum idp_err err = IDP_OK;
    while (err == IDP_OK && fetched)
        err = crl_renew_run(app->lists, app->pki, clock_now(), &fetched);
    return err;
}

static const struct job {
    const char *name;
    int64_t every_ms;
    bool shared; /* only the node that holds the lease runs it */
    enum idp_err (*run)(struct app *app);
} all[] = {
    {"tombstones", 1000, true, deliver_tombstones},
    {"messages", 1000, true, deliver_messages},
    {"watch_outbox", 15000, false, watch_outbox},
    {"rotate_keys", 5000, true, rotate_keys},
    {"watch_keys", 3600000, false, watch_keys},
    {"watch_ends", 86400000, false, warn_of_ends},
    {"retention", 5000, true, delete_what_is_over},
    {"refusals", 3000, false, write_refusals},
    {"write_revoked", 5000, false, write_revoked},
    {"end_revoked", 1000, true, end_revoked},
    {"settle_degraded", 5000, true, settle_degraded},
    {"watch_locks", 5000, true, watch_locks},
    {"lists_1", 1000, false, renew_lists},
    {"lists_2", 1000, false, renew_lists},
    {"lists_3", 1000, false, renew_lists},
};

enum { JOBS = sizeof(all) / sizeof(*all), SOON_MS = 1000, FAILED_TEND_MS = 1000 };

/* A thread that runs one job. */
struct worker {
    struct jobs *jobs;
    const struct job *job;
    size_t lease; /* of a shared job */
    pthread_t thread;
    bool started;
};

struct jobs {
    struct app *app;
    struct leases *leases;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    pthread_t keeper; /* renews the leases, also while a job runs for long */
    bool keeper_started;
    struct worker workers[JOBS];
};

/* Sleeps for ms milliseconds; returns false when the thread has to end. */
static bool sleep_for(struct jobs *jobs, int64_t ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int waited = 0;
    (void)pthread_mutex_lock(&jobs->lock);
    while (!jobs->stop && waited == 0)
        waited = pthread_cond_timedwait(&jobs->wake, &jobs->lock, &until);
    bool go_on = !jobs->stop;
    (void)pthread_mutex_unlock(&jobs->lock);
    return go_on;
}

static void *keep_leases(void *with)
{
    struct jobs *jobs = with;
    enum idp_err err = leases_tend(jobs->leases, clock_ticks_ms());
    while (sleep_for(jobs, err == IDP_OK ? LEASE_TEND_MS : FAILED_TEND_MS))
        err = leases_tend(jobs->leases, clock_ticks_ms());
    return NULL;
}

/* Runs the job when it may be done here. Returns how long to wait for the next time. */
static int64_t run(const struct worker *worker)
{
    const struct job *job = worker->job;
    int64_t began = clock_ticks_ms();
    if (job->shared && !lease_held(worker->jobs->leases, worker->lease, began))
        return SOON_MS; /* it may become ours any moment */
    if (job->run(worker->jobs->app) != IDP_OK)
        log_event(LOG_WARN, "job_failed", "job", job->name);
    int64_t left = began + job->every_ms - clock_ticks_ms();
    return left > 0 ? left : 0;
}

static void *work(void *with)
{
    const struct worker *worker = with;
    int64_t wait = 0;
    while (sleep_for(worker->jobs, wait))
        wait = run(worker);
    return NULL;
}

/* Gives each job its worker, and each shared job a lease. */
static struct leases *share_out(struct jobs *jobs, struct sql *db, const char *node)
{
    const char *names[JOBS];
    size_t shared = 0;
    for (size_t i = 0; i < JOBS; i++) {
        jobs->workers[i] = (struct worker){.jobs = jobs, .job = &all[i], .lease = shared};
        if (all[i].shared)
            names[shared++] = all[i].name;
    }
    return leases_new(db, node, names, shared);
}

static struct jobs *jobs_new(struct app *app, const char *node)
{
    pthread_condattr_t monotonic;
    struct jobs *jobs = calloc(1, sizeof(*jobs));
    if (jobs != NULL)
        jobs->leases = share_out(jobs, app->db, node);
    if (jobs == NULL || jobs->leases == NULL) {
        free(jobs);
        return NULL;
    }
    jobs->app = app;
    (void)pthread_mutex_init(&jobs->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&jobs->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return jobs;
}

static bool start_threads(struct jobs *jobs)
{
    jobs->keeper_started = pthread_create(&jobs->keeper, NULL, keep_leases, jobs) == 0;
    bool started = jobs->keeper_started;
    for (size_t i = 0; started && i < JOBS; i++) {
        struct worker *worker = &jobs->workers[i];
        worker->started = pthread_create(&worker->thread, NULL, work, worker) == 0;
        started = worker->started;
    }
    return started;
}

enum idp_err jobs_start(struct app *app, const char *node, struct jobs **out)
{
    struct jobs *jobs = jobs_new(app, node);
    if (jobs == NULL)
        return IDP_FAULT;
    if (!start_threads(jobs)) {
        jobs_stop(jobs);
        return IDP_FAULT;
    }
    *out = jobs;
    return IDP_OK;
}

static void end_threads(struct jobs *jobs)
{
    if (jobs->app->net != NULL)
        net_interrupt(jobs->app->net); /* nobody waits for a slow server */
    (void)pthread_mutex_lock(&jobs->lock);
    jobs->stop = true;
    (void)pthread_cond_broadcast(&jobs->wake);
    (void)pthread_mutex_unlock(&jobs->lock);
    for (size_t i = 0; i < JOBS; i++)
        if (jobs->workers[i].started)
            (void)pthread_join(jobs->workers[i].thread, NULL);
    if (jobs->keeper_started)
        (void)pthread_join(jobs->keeper, NULL);
}

void jobs_stop(struct jobs *jobs)
{
    if (jobs == NULL)
        return;
    end_threads(jobs);
    (void)leases_release(jobs->leases); /* else another node waits until they are over */
    (void)pthread_cond_destroy(&jobs->wake);
    (void)pthread_mutex_destroy(&jobs->lock);
    leases_free(jobs->leases);
    free(jobs);
}
