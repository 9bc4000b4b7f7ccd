/* The beginning of a connection: connecting, and making sure of what sql.h promises. */
#pragma once

#include <stdint.h>

#include <libpq-fe.h>

#include "base/error.h"
#include "store/postgres_wait.h"

struct postgres_place;

/*
 * Connects and sets the session up: read-only outside of transactions, bounded in time by the
 * server as well. Refuses a server that is too old, a standby, a database whose texts are not
 * UTF-8, and, save for development, one that answers before what was committed is on its disk.
 * Returns IDP_UNAVAILABLE and a text in *why, which the caller frees, when it cannot be had before
 * until_ms (of clock_ticks_ms()), and then what was waited for in vain in *wait; IDP_FAULT without
 * memory. The caller finishes *out.
 */
enum idp_err postgres_greet(const struct postgres_place *place, int64_t until_ms, char **why,
                            enum postgres_wait *wait, PGconn **out);
