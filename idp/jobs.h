/* Periodic tasks, run one after the other by one thread. */
#pragma once

#include "base/error.h"

struct app;
struct jobs;

/* Starts the thread. node names this program where tasks are shared by several. */
enum idp_err jobs_start(struct app *app, const char *node, struct jobs **out);

/* Waits for the running task, then ends the thread. NULL is allowed. */
void jobs_stop(struct jobs *jobs);
