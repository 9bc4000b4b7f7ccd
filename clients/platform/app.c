#include "platform/app.h"

#include <stdlib.h>

#include "http/http.h"
#include "platform/assets.h"
#include "platform/filing.h"
#include "platform/provider.h"
#include "platform/session.h"

enum idp_err app_new(const struct settings *settings, size_t number, char why[SETTINGS_WHY_MAX],
                     struct app **out)
{
    const struct platform_settings *own = &settings->platforms[number];
    struct app *app = calloc(1, sizeof(*app));
    if (app == NULL)
        return IDP_FAULT;
    app->settings = own;
    app->sessions = sessions_new();
    app->provider = provider_new(&own->rp);
    app->style = assets_style(number);
    app->icon = assets_icon(number, own);
    app->hills = assets_hills();
    enum idp_err err = IDP_FAULT;
    if (app->sessions != NULL && app->provider != NULL && app->style != NULL && app->icon != NULL &&
        app->hills != NULL)
        err = filings_open(own->data, why, &app->filings);
    if (err != IDP_OK)
        app_free(app);
    else
        *out = app;
    return err;
}

void app_free(struct app *app)
{
    if (app == NULL)
        return;
    filings_close(app->filings);
    http_fixed_free(app->hills);
    http_fixed_free(app->icon);
    http_fixed_free(app->style);
    provider_free(app->provider);
    sessions_free(app->sessions);
    free(app);
}
