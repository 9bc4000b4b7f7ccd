/* The settings file: which platforms there are, and who signs their visitors in. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "rp/rp.h"

struct arena;

enum { SETTINGS_WHY_MAX = 512, SETTINGS_PLATFORMS_MAX = 64 };

struct platform_settings {
    const char *id;
    const char *address; /* IP address to listen on */
    uint16_t port;
    const char *name_zh, *name_en;
    const char *portal; /* the provider's home page */
    const char *phone;  /* of the platform's own support */
    const char *data;   /* folder of what the platform remembers */
    struct rp_settings rp;
};

struct settings {
    struct platform_settings platforms[SETTINGS_PLATFORMS_MAX];
    size_t count;
    const char *tls_certificate, *tls_key; /* files, PEM; NULL: plain http */
};

/*
 * Reads the file (JSON, no unknown or repeated members); the texts are the arena's. Returns
 * IDP_BAD_REQUEST and one line in why, with file, member and what was expected; IDP_FAULT.
 */
enum idp_err settings_read(struct arena *arena, const char *file, char why[SETTINGS_WHY_MAX],
                           struct settings *out);
