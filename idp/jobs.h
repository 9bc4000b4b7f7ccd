/*
 * Periodic tasks. Each has a thread of its own, so that none keeps another waiting; those that only
 * one node should do run where the job's lease is held.
 */
#pragma once

#include "base/error.h"

struct app;
struct jobs;

/* Starts the threads. node names this program, and no other that runs. */
enum idp_err jobs_start(struct app *app, const char *node, struct jobs **out);

/* Waits for the running tasks, then ends the threads and gives the leases back. NULL is allowed. */
void jobs_stop(struct jobs *jobs);
