/*
 * Which node does what only one of them should do: a row in the database for each such job.
 *
 * The holder writes a new mark into the row every LEASE_TEND_MS. Whoever else wants the job watches
 * the row, and takes it when the mark has not changed for LEASE_LOST_MS. Both count by their own
 * clock that only goes forward, so nothing depends on what nodes think the time is; and because a
 * mark is seen after it was written, and the holder stops believing in it LEASE_HOLD_MS after it
 * began to write it, no two hold a job at once.
 *
 * A machine that is frozen and thawed does not see that time has passed: what must not be done
 * twice needs a guard of its own besides.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct leases;
struct sql;

enum { LEASE_TEND_MS = 4000, LEASE_HOLD_MS = 12000, LEASE_LOST_MS = 15000 };

/*
 * Leases for count jobs (at most 16); names are borrowed. node has to be unlike that of any other
 * program that runs (1 to 64 bytes). None is held yet. Returns NULL when there is no memory.
 */
struct leases *leases_new(struct sql *db, const char *node, const char *const *jobs, size_t count);
void leases_free(struct leases *leases);

/*
 * Renews what is held and takes what is free; to be called every LEASE_TEND_MS, by one thread.
 * ticks is a reading of clock_ticks_ms() from before the call. Returns what SQL calls return: what
 * is held then stays held until it is over.
 */
enum idp_err leases_tend(struct leases *leases, int64_t ticks);

/* Whether job i may be done here. Any thread may ask. */
bool lease_held(const struct leases *leases, size_t i, int64_t ticks);

/* Gives back what is held, so that nobody has to wait for it. Not while another thread tends. */
enum idp_err leases_release(struct leases *leases);
