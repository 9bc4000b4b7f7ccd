/*
 * One platform: what its requests share. The program serves several, each through a server of its
 * own with a struct app of its own.
 */
#pragma once

#include "platform/settings.h"

struct filings;
struct http_fixed;
struct provider;
struct sessions;

struct app {
    const struct platform_settings *settings;
    struct provider *provider;
    struct sessions *sessions;
    struct filings *filings;
    struct http_fixed *style, *icon, *hills; /* the files that pages ask for */
};

/*
 * Makes all of it; nobody is asked yet. number tells the platform's colour. Returns IDP_FAULT, or
 * IDP_UNAVAILABLE with a text in why when the data folder cannot be used.
 */
enum idp_err app_new(const struct settings *settings, size_t number, char why[SETTINGS_WHY_MAX],
                     struct app **out);

/* NULL is allowed. */
void app_free(struct app *app);
