/*
 * The mark is the column until_ms: when the holder's lease would be over by its own calendar. Only
 * a person who looks at the table reads it as a time; here it only has to change.
 */
#include "store/lease.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "store/sql.h"

enum { JOBS_MAX = 16, NODE_MAX = 64 };

struct lease {
    const char *job;
    char node[NODE_MAX + 1]; /* whose mark was seen last; empty: there was no row */
    int64_t mark;
    int64_t since; /* ticks: how long it has been standing there */
    bool wanted, taken;
    _Atomic int64_t held_until; /* ticks */
};

struct leases {
    struct sql *db;
    char node[NODE_MAX + 1];
    size_t count;
    struct lease list[JOBS_MAX];
};

struct leases *leases_new(struct sql *db, const char *node, const char *const *jobs, size_t count)
{
    struct leases *leases = count <= JOBS_MAX ? calloc(1, sizeof(*leases)) : NULL;
    if (leases == NULL)
        return NULL;
    leases->db = db;
    leases->count = count;
    (void)snprintf(leases->node, sizeof(leases->node), "%s", node);
    for (size_t i = 0; i < count; i++)
        leases->list[i].job = jobs[i];
    return leases;
}

void leases_free(struct leases *leases)
{
    free(leases);
}

bool lease_held(const struct leases *leases, size_t i, int64_t ticks)
{
    return ticks < atomic_load(&leases->list[i].held_until);
}

/* --- looking --------------------------------------------------------------------------------- */

/* The row of the job among all rows, or the number of rows. */
static size_t find_row(const struct sql_rows *rows, const char *job)
{
    size_t i = 0;
    while (i < rows->rows && strcmp(sql_cell_text(rows, i, 0), job) != 0)
        i++;
    return i;
}

/* Remembers what stands in the row, and since when. */
static void note(struct lease *lease, const char *node, int64_t mark, int64_t ticks)
{
    if (strcmp(lease->node, node) == 0 && lease->mark == mark)
        return;
    (void)snprintf(lease->node, sizeof(lease->node), "%s", node);
    lease->mark = mark;
    lease->since = ticks;
}

static void look_at(struct leases *leases, struct lease *lease, const struct sql_rows *rows,
                    int64_t ticks)
{
    size_t row = find_row(rows, lease->job);
    bool found = row < rows->rows;
    note(lease, found ? sql_cell_text(rows, row, 1) : "", found ? sql_cell_int(rows, row, 2) : 0,
         ticks);
    bool mine = strcmp(lease->node, leases->node) == 0;
    lease->wanted = !found || mine || ticks - lease->since >= LEASE_LOST_MS;
}

/* Returns whether there is anything to write. */
static enum idp_err look(struct leases *leases, int64_t ticks, bool *wanted)
{
    struct sql_rows rows;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return IDP_FAULT;
    enum idp_err err =
        sql_read(leases->db, arena,
                 &(struct sql_call){"SELECT job, node, until_ms FROM leases", NULL, 0}, &rows);
    *wanted = false;
    for (size_t i = 0; err == IDP_OK && i < leases->count; i++) {
        look_at(leases, &leases->list[i], &rows, ticks);
        *wanted = *wanted || leases->list[i].wanted;
    }
    arena_free(arena);
    return err;
}

/* --- taking ---------------------------------------------------------------------------------- */

/* Makes the row, renews it, or takes it from whoever left the mark that was seen standing there. */
static enum idp_err take(struct sql_tx *tx, const struct leases *leases, struct lease *lease,
                         int64_t mark)
{
    int64_t changed = 0;
    const struct sql_value params[] = {sql_text(lease->job), sql_text(leases->node), sql_int(mark),
                                       sql_text(lease->node), sql_int(lease->mark)};
    enum idp_err err =
        sql_run(tx, NULL,
                &(struct sql_call){"INSERT INTO leases (job, node, until_ms) "
                                   "VALUES ($1, $2, $3) ON CONFLICT (job) DO UPDATE SET "
                                   "node = excluded.node, until_ms = excluded.until_ms "
                                   "WHERE leases.node = $4 AND leases.until_ms = $5",
                                   params, 5},
                NULL, &changed);
    lease->taken = changed > 0;
    return err;
}

static enum idp_err take_all(struct sql_tx *tx, void *with)
{
    struct leases *leases = with;
    int64_t until = clock_now_ms() + LEASE_LOST_MS;
    enum idp_err err = IDP_OK;
    for (size_t i = 0; err == IDP_OK && i < leases->count; i++) {
        struct lease *lease = &leases->list[i];
        lease->taken = false;
        /* A calendar that is set back must not write the same mark again. */
        if (lease->wanted)
            err = take(tx, leases, lease, until > lease->mark ? until : lease->mark + 1);
    }
    return err;
}

enum idp_err leases_tend(struct leases *leases, int64_t ticks)
{
    bool wanted = false;
    enum idp_err err = look(leases, ticks, &wanted);
    if (err == IDP_OK && wanted)
        err = sql_transact(leases->db, take_all, leases);
    if (err != IDP_OK)
        return err;
    for (size_t i = 0; i < leases->count; i++) {
        struct lease *lease = &leases->list[i];
        bool held = lease->wanted && lease->taken;
        atomic_store(&lease->held_until, held ? ticks + LEASE_HOLD_MS : 0);
    }
    return IDP_OK;
}

enum idp_err leases_release(struct leases *leases)
{
    const struct sql_value node = sql_text(leases->node);
    for (size_t i = 0; i < leases->count; i++)
        atomic_store(&leases->list[i].held_until, 0);
    return sql_execute(leases->db,
                       &(struct sql_call){"DELETE FROM leases WHERE node = $1", &node, 1}, NULL);
}
