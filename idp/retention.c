#include "retention.h"

#include "access/over.h"
#include "app.h"
#include "base/clock.h"
#include "base/log.h"
#include "evidence/over.h"

enum { DAY_S = 86400, BUDGET_MS = 300, REST_MS = 3600000 };

/* What may be over: walked through, or deleted a day at a time until nothing is. */
static const struct kind {
    size_t days;               /* where the setting is */
    const struct sweep *sweep; /* or */
    const char *name;
    enum idp_err (*remove)(struct sql *db, int64_t before, int64_t *deleted);
} kinds[] = {
    {offsetof(struct config, grants_days), .sweep = &over_grants},
    {offsetof(struct config, outbox_days), .sweep = &over_outbox},
    {offsetof(struct config, access_log_days), .sweep = &over_access_log},
    {offsetof(struct config, certificates_days), .sweep = &over_certificates},
    {offsetof(struct config, refusals_days), .name = "refusals", .remove = over_refusals},
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static void report(const struct kind *kind, const struct sweep_walk *walk)
{
    struct log_line line;
    log_begin(&line, LOG_INFO, "retention");
    log_text(&line, "kind", kind->sweep != NULL ? kind->sweep->name : kind->name);
    log_number(&line, "deleted", walk->deleted);
    log_end(&line);
}

static enum idp_err step(struct app *app, const struct kind *kind, int64_t before)
{
    struct sweep_walk *walk = &app->retention.walk;
    int64_t deleted = 0;
    if (kind->sweep != NULL)
        return sweep_step(app->db, kind->sweep, before, walk);
    enum idp_err err = kind->remove(app->db, before, &deleted);
    walk->deleted += deleted;
    walk->whole = err == IDP_OK && deleted == 0;
    return err;
}

static enum idp_err go_on(struct app *app, int64_t now)
{
    struct retention *r = &app->retention;
    const struct kind *kind = &kinds[r->kind];
    int64_t days = *(const int64_t *)(const void *)((const char *)&app->config + kind->days);
    enum idp_err err = step(app, kind, now - days * DAY_S);
    if (err != IDP_OK || !r->walk.whole)
        return err;
    report(kind, &r->walk);
    r->walk = (struct sweep_walk){.len = 0};
    r->kind++;
    return IDP_OK;
}

enum idp_err retention_run(struct app *app, int64_t now, int64_t ticks)
{
    struct retention *r = &app->retention;
    enum idp_err err = IDP_OK;
    if (ticks < r->rest_until)
        return IDP_OK;
    for (int64_t end = clock_ticks_ms() + BUDGET_MS;
         err == IDP_OK && r->kind < KINDS && clock_ticks_ms() < end;)
        err = go_on(app, now);
    if (r->kind == KINDS)
        *r = (struct retention){.rest_until = ticks + REST_MS};
    return err;
}
