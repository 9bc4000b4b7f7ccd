/* Where a Redis is: the settings text store.kv, taken apart. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum { REDIS_USER_MAX = 64, REDIS_HOST_MAX = 255, REDIS_PATH_MAX = 107, REDIS_DATABASE_MAX = 15 };

struct redis_place {
    bool tls;
    char user[REDIS_USER_MAX + 1]; /* "": the default user */
    char host[REDIS_HOST_MAX + 1]; /* a name or an address, without brackets; "": a unix socket */
    char port[6];
    char path[REDIS_PATH_MAX + 1];
    int database;
};

/*
 * Reads redis://[USER@]HOST[:PORT][/DATABASE], rediss:// (TLS) of the same form, or
 * redis+unix:[USER@]/PATH. Returns IDP_BAD_REQUEST and, in *problem, what was expected, when it is
 * none of these or holds a password, which must not stand where people look.
 */
enum idp_err redis_place_read(const char *text, const char **problem, struct redis_place *out);
