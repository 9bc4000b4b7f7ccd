/*
 * Whether this thread may wait.
 *
 * The threads that drive the network must never block; everything that waits (a
 * database, another server) asks here first and answers IDP_WAIT on such a thread,
 * upon which the request is handed to a worker that may wait. See
 * docs/architecture.md, "Two lanes".
 */
#pragma once

#include <stdbool.h>

/* Says for the calling thread whether it may wait; a new thread may. */
void lane_set_may_wait(bool may_wait);

bool lane_may_wait(void);
