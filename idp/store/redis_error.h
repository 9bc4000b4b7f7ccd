/* What the errors of a Redis server mean here. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct redis_meaning {
    const char *code; /* what the line begins with, and all of it that is ever logged: the rest may
                         hold keys */
    enum idp_err err;
    bool refuses; /* in a greeting: settings are wrong, and trying again does not help */
    bool leave;   /* the connection is of no more use: another may lead to a server that is */
};

/* The meaning of an error's line. */
const struct redis_meaning *redis_error_meaning(const char *line);
