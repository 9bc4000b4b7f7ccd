/*
 * The settings file, read once and refused at start with file, key and what was expected. README.md
 * lists the keys.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "assistant/origin.h"

enum {
    SETTINGS_ORIGINS_MAX = 16,
    SETTINGS_DRIVERS_MAX = 16,
    SETTINGS_PATH_MAX = 1024,
    SETTINGS_WHY_MAX = 2048,
};

enum settings_pin { PIN_BY_PROMPT, PIN_BY_PAGE };

struct settings_driver {
    char kind[16];
    char library[SETTINGS_PATH_MAX];
    bool pss; /* RSA keys sign with PSS instead of PKCS#1 v1.5 */
};

struct settings {
    unsigned int port;
    size_t origin_count;
    char origins[SETTINGS_ORIGINS_MAX][ORIGIN_MAX];
    char portal[SETTINGS_PATH_MAX];
    bool development;
    enum settings_pin pin;
    char pinentry[SETTINGS_PATH_MAX];
    size_t driver_count;
    struct settings_driver drivers[SETTINGS_DRIVERS_MAX];
    char log[SETTINGS_PATH_MAX]; /* "" for standard error */
};

/*
 * Reads the file. Returns false when it cannot be read or does not hold what is expected, with one
 * line that says so in why (SETTINGS_WHY_MAX bytes).
 */
bool settings_read(const char *file, struct settings *out, char *why);

/* The same of a text of len bytes; file is only named in why. */
bool settings_parse(const char *file, const char *text, size_t len, struct settings *out,
                    char *why);
