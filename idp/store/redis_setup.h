/* From settings to a server that connections can be made to, and a look at what it is. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "store/redis_connection.h"
#include "store/redis_place.h"

struct kv_settings;

/* What server points to lives here. */
struct redis_setup {
    struct redis_place place;
    char *password_file;
    struct redis_server server;
};

/*
 * Reads the settings, the files they name, and looks the host up. Returns IDP_BAD_REQUEST when the
 * place or a file is no good, IDP_UNAVAILABLE when the host's name has no address, IDP_FAULT
 * without memory; *why (which may be NULL) names the setting. What *out then holds is to be
 * dropped, too.
 */
enum idp_err redis_setup_make(const struct kv_settings *settings, char **why,
                              struct redis_setup *out);

void redis_setup_drop(struct redis_setup *setup);

/*
 * Connects and looks whether the server can serve: it lets us in, is 6.2 or later, evicts nothing
 * (another policy is only logged). Returns IDP_BAD_REQUEST when it is not such a server,
 * IDP_UNAVAILABLE when it does not answer by then (clock_ticks_ms()), IDP_FAULT without memory.
 */
enum idp_err redis_setup_check(const struct redis_setup *setup, int64_t until, char **why);
