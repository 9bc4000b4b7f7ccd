/* The trace that a request belongs to: W3C Trace Context, section 3.2. */
#pragma once

#include <stdbool.h>

enum { HTTP_TRACE_LEN = 32 };

/*
 * Takes the trace-id, 32 lower-case hex digits and a NUL, out of a traceparent header. Returns
 * false when there is none, or it is not written as the specification asks: then it is as if the
 * header were not there (section 3.2.2.3).
 */
bool http_trace_read(const char *traceparent, char out[HTTP_TRACE_LEN + 1]);
