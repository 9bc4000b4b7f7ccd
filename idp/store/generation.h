/*
 * How nodes agree on what they have cached: a counter in the database.
 *
 * A call that changes a record which nodes cache bumps the counter in the same transaction. Every
 * node reads it twice a second, drops what it has cached when it has changed, and reports the
 * number it has reached. A node may use what it has cached for two seconds after it began a reading
 * that was good and acted upon, by its own clock: that is its lease, and what makes waiting end.
 * Clocks of nodes are never compared for it. docs/decisions/two-stores.md, "Nodes agree".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct generation_watch;
struct sql;
struct sql_tx;

enum {
    GENERATION_READ_MS = 500,
    GENERATION_LEASE_MS = 2000,   /* how long a node may use its caches after a reading */
    GENERATION_FORGET_MS = 60000, /* a node's row is believed so long after it ran out: clocks
                                     differ by less */
};

/* The present generation. Returns what sql_read() does. */
enum idp_err generation_read(struct sql *db, int64_t *out);

/* Counts one up; *out, which may be NULL, is what generation_wait() is to wait for after the
 * transaction. Returns what sql_run() does. */
enum idp_err generation_bump(struct sql_tx *tx, int64_t *out);

/* How many nodes may live. Returns what sql_read() does. */
enum idp_err generation_count_nodes(struct sql *db, int64_t *out);

/* Who has to hear of a new generation. */
struct generation_listener {
    /* Drops or reloads what is cached. Called once at the start and then for each generation, by
     * one thread at a time. Anything but IDP_OK: it is called again, and the caches count as stale
     * when that goes on for too long. */
    enum idp_err (*changed)(void *with, int64_t generation);
    void *with;
    /* Words that others may read in this node's row (`holds`), 127 bytes at most; or NULL. */
    const char *holds;
};

/*
 * Makes this program a node of that name (1 to 64 bytes, unlike that of any other program that
 * runs) and calls the listener for the first time, before it returns; a thread then goes on
 * watching. Copies what it is given, save db. Returns the listener's error, and what SQL calls
 * return.
 */
enum idp_err generation_watch_start(struct sql *db, const char *node,
                                    const struct generation_listener *listener,
                                    struct generation_watch **out);

/* Ends the thread and takes the node out of the list, so that nobody waits for it. NULL is allowed.
 */
void generation_watch_stop(struct generation_watch *watch);

/* Whether the caches may not be used: the generation could not be read, acted upon or reported in
 * time. Costs a clock reading; any thread may ask. */
bool generation_stale(const struct generation_watch *watch);

/* How long ago the last reading began that was good and acted upon, in milliseconds, or longer: for
 * what may be used for longer than the caches. */
int64_t generation_age_ms(const struct generation_watch *watch);

/*
 * Waits until no node uses records from before a generation that has been committed: until all have
 * reported it, or until the leases of those that have not are over, which is after
 * GENERATION_LEASE_MS at the latest. own is this program's watch, which is woken at once, or NULL.
 * Returns IDP_UNAVAILABLE when that needs longer than deadline_ms, and what sql_read() does.
 */
enum idp_err generation_wait(struct sql *db, struct generation_watch *own, int64_t generation,
                             int64_t deadline_ms);
