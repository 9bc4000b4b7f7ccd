#include "store/redis_error.h"

#include <string.h>

/* Redis names its errors by their first word. */
static const struct redis_meaning meanings[] = {
    {"OOM", IDP_FULL, false, false},        /* maxmemory is reached, and nothing is evicted */
    {"WRONGTYPE", IDP_FAULT, false, false}, /* something else stands there, which we did not put */
    {"ERR max number of clients", IDP_UNAVAILABLE, false, true},
    {"ERR", IDP_FAULT, true, false}, /* a wrong command, or no number where one is counted */
    {"LOADING", IDP_UNAVAILABLE, false, false}, /* reads its file after a restart */
    {"BUSY", IDP_UNAVAILABLE, false, false},    /* somebody's script runs for too long */
    {"MISCONF", IDP_UNAVAILABLE, false, false}, /* cannot save, and takes no writes for it */
    {"NOREPLICAS", IDP_UNAVAILABLE, false, false},
    {"NOPERM", IDP_UNAVAILABLE, true, false}, /* the user may not do what is needed */
    {"TRYAGAIN", IDP_UNAVAILABLE, false, false},
    {"CLUSTERDOWN", IDP_UNAVAILABLE, false, true},
    {"MOVED", IDP_UNAVAILABLE, false, true},    /* a cluster, for which this driver has no map */
    {"READONLY", IDP_UNAVAILABLE, false, true}, /* a replica: the master has moved */
    {"MASTERDOWN", IDP_UNAVAILABLE, false, true},
    {"NOAUTH", IDP_UNAVAILABLE, true, true}, /* it has got a password since */
    {"WRONGPASS", IDP_UNAVAILABLE, true, true},
    {"an unknown error", IDP_UNAVAILABLE, false, true}, /* the last one: it means all others */
};

enum { KNOWN = sizeof(meanings) / sizeof(*meanings) - 1 };

static bool begins(const char *line, const char *code)
{
    size_t len = strlen(code);
    return strncmp(line, code, len) == 0 && (line[len] == ' ' || line[len] == '\0');
}

const struct redis_meaning *redis_error_meaning(const char *line)
{
    size_t i = 0;
    while (i < KNOWN && !begins(line, meanings[i].code))
        i++;
    return &meanings[i];
}
