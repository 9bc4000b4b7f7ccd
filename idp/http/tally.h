/*
 * What became of requests, counted for each call (a route with one of its methods). Threads count
 * each in a stripe of its own, so that counting moves no cache line between them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "http/server.h"

struct http_tally;

/* For so many calls. Returns NULL when there is no memory. */
struct http_tally *http_tally_new(size_t calls);

/* NULL is allowed. */
void http_tally_free(struct http_tally *tally);

/* Counts a request to a call. status 0: it went without an answer. Any thread may call it. */
void http_tally_count(struct http_tally *tally, size_t call, int status, int64_t took_us);

/* Adds up what was counted of a call, into out as it is. */
void http_tally_add(const struct http_tally *tally, size_t call, struct http_call_figures *out);
