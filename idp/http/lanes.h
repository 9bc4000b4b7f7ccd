/* The second lane: a bounded queue and the workers that empty it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct http_lanes;

/* Starts the workers; each calls run(job) for one job after the other. */
enum idp_err http_lanes_start(unsigned workers, size_t queue, void (*run)(void *job),
                              struct http_lanes **out);

/*
 * Takes one of the queue's places, which http_lanes_push() fills. Returns false when all are
 * taken. In two steps, because a connection has to be suspended in between.
 */
bool http_lanes_reserve(struct http_lanes *lanes);

/* Queues a job, for which a place was reserved. */
void http_lanes_push(struct http_lanes *lanes, void *job);

struct http_lanes_figures {
    size_t queued; /* jobs that no worker has taken yet */
    unsigned busy; /* workers that run one */
};

/* How it is now. */
void http_lanes_read(struct http_lanes *lanes, struct http_lanes_figures *out);

/*
 * Reserves no place any more, lets the workers run what is queued or has a place, and ends them.
 * NULL is allowed.
 */
void http_lanes_close(struct http_lanes *lanes);

/* After the workers have ended and nobody can reserve any more. NULL is allowed. */
void http_lanes_free(struct http_lanes *lanes);
