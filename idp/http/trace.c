#include "http/trace.h"

#include <stddef.h>
#include <string.h>

/* version "-" trace-id "-" parent-id "-" trace-flags */
enum { VERSION_LEN = 2, PARENT_LEN = 16, FLAGS_LEN = 2 };

/* Says whether len lower-case hex digits stand there. */
static bool are_digits(const char *s, size_t len)
{
    return strspn(s, "0123456789abcdef") >= len;
}

static bool are_zeros(const char *s, size_t len)
{
    return strspn(s, "0") >= len;
}

/* Takes len digits off, and the hyphen behind them where there is one. */
static bool take(const char **at, size_t len, bool hyphen)
{
    if (!are_digits(*at, len) || (hyphen && (*at)[len] != '-'))
        return false;
    *at += len + (hyphen ? 1 : 0);
    return true;
}

/* Version 00 ends after the flags; later ones may go on behind a hyphen (section 3.2.4). */
static bool ends_well(const char *version, const char *rest)
{
    return *rest == '\0' || (memcmp(version, "00", VERSION_LEN) != 0 && *rest == '-');
}

bool http_trace_read(const char *traceparent, char out[HTTP_TRACE_LEN + 1])
{
    if (traceparent == NULL)
        return false;
    const char *at = traceparent;
    if (!take(&at, VERSION_LEN, true) || memcmp(traceparent, "ff", VERSION_LEN) == 0)
        return false;
    const char *trace = at;
    if (!take(&at, HTTP_TRACE_LEN, true) || are_zeros(trace, HTTP_TRACE_LEN))
        return false;
    const char *parent = at;
    if (!take(&at, PARENT_LEN, true) || are_zeros(parent, PARENT_LEN))
        return false;
    if (!take(&at, FLAGS_LEN, false) || !ends_well(traceparent, at))
        return false;
    memcpy(out, trace, HTTP_TRACE_LEN);
    out[HTTP_TRACE_LEN] = '\0';
    return true;
}
