#include "operate/expiry.h"

#include <stdbool.h>
#include <string.h>

#include "app.h"
#include "base/arena.h"
#include "base/log.h"
#include "http/server.h"
#include "jose/sign.h"
#include "pki/figures.h"
#include "pki/trust/trust.h"

struct telling {
    void (*tell)(void *with, const struct expiry *what);
    void *with;
    int64_t now;
};

static void tell_end(const struct telling *telling, const char *kind, const char *name,
                     int64_t ends)
{
    const struct expiry what = {.kind = kind, .name = name, .left_s = ends - telling->now};
    telling->tell(telling->with, &what);
}

static void tell_authorities(struct app *app, struct arena *arena, const struct telling *telling)
{
    struct pki_figure list[TRUST_AUTHORITIES_MAX];
    size_t count = pki_figures(app->pki, arena, list, TRUST_AUTHORITIES_MAX);
    for (size_t i = 0; i < count; i++)
        tell_end(telling, "authority", list[i].id, list[i].ends);
}

/* A key that no schedule replaces does not end. */
static void tell_keys(struct app *app, const struct telling *telling)
{
    struct signing_figure list[SIGNING_KEYS_ALL];
    if (app->key_policy.rotate_s == 0)
        return;
    size_t count = signer_figures(app->signer, telling->now, list, SIGNING_KEYS_ALL);
    for (size_t i = 0; i < count; i++)
        if (list[i].state == SIGNING_KEY_ACTIVE)
            tell_end(telling, "signing_key", list[i].kid,
                     list[i].active_from + app->key_policy.rotate_s);
}

void expiry_each(struct app *app, struct arena *arena, int64_t now,
                 void (*tell)(void *with, const struct expiry *what), void *with)
{
    const struct telling telling = {.tell = tell, .with = with, .now = now};
    int64_t ends = app->server != NULL ? http_server_certificate_ends(app->server) : 0;
    if (ends != 0)
        tell_end(&telling, "certificate", "", ends);
    tell_authorities(app, arena, &telling);
    tell_keys(app, &telling);
}

static void warn(void *with, const struct expiry *what)
{
    (void)with;
    struct log_line line;
    bool urgent = what->left_s <= (int64_t)EXPIRY_URGENT_DAYS * EXPIRY_DAY_S;
    bool scheduled = strcmp(what->kind, "signing_key") == 0;
    if (scheduled || what->left_s > (int64_t)EXPIRY_WARN_DAYS * EXPIRY_DAY_S)
        return;
    log_begin(&line, urgent ? LOG_ERROR : LOG_WARN, what->left_s > 0 ? "expires_soon" : "expired");
    log_text(&line, "kind", what->kind);
    log_text(&line, "name", what->name[0] != '\0' ? what->name : NULL);
    log_number(&line, "days", what->left_s / EXPIRY_DAY_S);
    log_end(&line);
}

enum idp_err expiry_warn(struct app *app, int64_t now)
{
    struct arena *arena = arena_new();
    if (arena == NULL)
        return IDP_FAULT;
    expiry_each(app, arena, now, warn, NULL);
    arena_free(arena);
    return IDP_OK;
}
