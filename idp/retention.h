/*
 * The job that deletes what is over, by the settings "retention", a little at a time. It keeps what
 * can be proved: docs/decisions/retention.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/sweep.h"

struct app;

/* Where the job stands; zeroed: at the beginning. Of the thread that runs it. */
struct retention {
    size_t kind; /* which one is being walked through */
    struct sweep_walk walk;
    int64_t rest_until; /* clock_ticks_ms(): everything was walked through */
};

/*
 * Goes on for a fraction of a second, at most. Each walk that is whole is a line in the log, which
 * says how many rows were deleted; after the last one the job rests for an hour. Returns what
 * sweep_step() does, and goes on at the same place next time.
 */
enum idp_err retention_run(struct app *app, int64_t now, int64_t ticks);
