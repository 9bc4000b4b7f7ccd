/*
 * The end of the program in order: SIGTERM turns /readyz and lets every answer end its connection,
 * while new ones are still accepted, so that a proxy goes elsewhere; then nobody is let in any more
 * and requests are finished. A second signal skips what is left of that; a third, or too long a
 * time, ends the process wherever it is.
 */
#pragma once

#include <signal.h>

#include "base/error.h"

struct app;
struct stop;

/*
 * Drains and stops the servers, by the settings. signals are blocked in all threads; from here on
 * the stop hears them. Returns when no request runs any more. NULL in *out, when there is no memory
 * for a guard, is allowed below.
 */
void stop_begin(struct app *app, const sigset_t *signals, struct stop **out);

/* After everything has been closed: the guard goes. */
void stop_end(struct stop *stop);
