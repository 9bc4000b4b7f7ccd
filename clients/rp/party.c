/*
 * A relying party: its settings, checked, and what the provider says of itself.
 */
#include "rp/party.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/text.h"
#include "rp/address.h"
#include "rp/note.h"

enum { SETTING_MAX = 2048 };

/* A text that is there, of printable ASCII (RFC 6749 appendix A) and a sensible length. */
static bool is_visible(const char *s)
{
    if (s == NULL || s[0] == '\0' || strlen(s) > SETTING_MAX)
        return false;
    for (; *s != '\0'; s++)
        if (*s < ' ' || *s > '~')
            return false;
    return true;
}

/* Discovery section 3: https, and neither query nor fragment. */
static bool is_issuer(const struct rp_settings *s)
{
    return is_visible(s->issuer) && rp_address_is_safe(s->issuer, s->development) &&
           strchr(s->issuer, '?') == NULL;
}

/* The first setting that is no good, or NULL. */
static const char *bad_setting(const struct rp_settings *s)
{
    if (!is_issuer(s))
        return "issuer: an https address is wanted (http: in development, on loopback)";
    if (!is_visible(s->client_id))
        return "client_id: missing";
    if (s->client_auth == RP_CLIENT_NONE ? s->client_secret != NULL : !is_visible(s->client_secret))
        return "client_secret: missing, or given to a public client";
    if (!is_visible(s->redirect_uri) || !rp_address_is_safe(s->redirect_uri, s->development))
        return "redirect_uri: an https address is wanted (http: in development, on loopback)";
    if (s->scope != NULL && !text_list_has(s->scope, "openid"))
        return "scope: has to contain openid";
    return NULL;
}

/* Copies text; *failed is set when there is no memory. */
static const char *copy(struct arena *arena, const char *s, bool *failed)
{
    const char *own = arena_strdup(arena, s);
    *failed = *failed || (s != NULL && own == NULL);
    return own;
}

static unsigned otherwise(unsigned value, unsigned by_default)
{
    return value != 0 ? value : by_default;
}

/* Copies the settings and puts the defaults in. False when there is no memory or randomness. */
static bool take_settings(struct rp *rp, const struct rp_settings *s)
{
    bool failed = false;
    rp->settings = *s;
    rp->settings.issuer = copy(rp->arena, s->issuer, &failed);
    rp->settings.client_id = copy(rp->arena, s->client_id, &failed);
    rp->settings.client_secret = copy(rp->arena, s->client_secret, &failed);
    rp->settings.redirect_uri = copy(rp->arena, s->redirect_uri, &failed);
    rp->settings.scope = copy(rp->arena, s->scope != NULL ? s->scope : "openid", &failed);
    rp->settings.ca_file = copy(rp->arena, s->ca_file, &failed);
    rp->settings.timeout_ms = otherwise(s->timeout_ms, 10000);
    rp->settings.skew_s = otherwise(s->skew_s, 60);
    rp->settings.pending_s = otherwise(s->pending_s, 1200);
    rp->settings.keys_interval_s = otherwise(s->keys_interval_s, 30);
    rp->settings.keys_age_s = otherwise(s->keys_age_s, 3600);
    rp->settings.seal_key = rp->seal_key;
    rp->limits = (struct rp_limits){.ca_file = rp->settings.ca_file,
                                    .timeout_ms = rp->settings.timeout_ms,
                                    .development = s->development};
    if (s->seal_key != NULL)
        memcpy(rp->seal_key, s->seal_key, sizeof(rp->seal_key));
    else if (random_bytes(rp->seal_key, sizeof(rp->seal_key)) != IDP_OK)
        failed = true;
    return !failed;
}

/* Asks the provider; rp has its settings. */
static enum rp_err get_acquainted(struct rp *rp, struct rp_note *note)
{
    enum rp_err err =
        rp_discovery_fetch(rp->arena, &rp->settings, &rp->limits, note, &rp->metadata);
    if (err != RP_OK)
        return err;
    const struct rp_keys_settings keys = {.url = rp->metadata.jwks_uri,
                                          .limits = &rp->limits,
                                          .interval_s = rp->settings.keys_interval_s,
                                          .age_s = rp->settings.keys_age_s};
    rp->keys = rp_keys_new(&keys);
    return rp->keys != NULL ? RP_OK : rp_note_set(note, RP_FAULT, "out of memory");
}

enum rp_err rp_settings_check(const struct rp_settings *settings, struct rp_note *note)
{
    if (note != NULL)
        *note = (struct rp_note){0};
    const char *bad = bad_setting(settings);
    return bad == NULL ? RP_OK : rp_note_set(note, RP_BAD_SETTINGS, "%s", bad);
}

enum rp_err rp_new(const struct rp_settings *settings, struct rp_note *note, struct rp **out)
{
    if (rp_settings_check(settings, note) != RP_OK)
        return RP_BAD_SETTINGS;
    struct rp *rp = calloc(1, sizeof(*rp));
    if (rp == NULL)
        return rp_note_set(note, RP_FAULT, "out of memory");
    rp->arena = arena_new();
    enum rp_err err = RP_OK;
    if (rp->arena == NULL || !rp_fetch_ready() || !take_settings(rp, settings))
        err = rp_note_set(note, RP_FAULT, "out of memory or of randomness");
    if (err == RP_OK)
        err = get_acquainted(rp, note);
    if (err != RP_OK)
        rp_free(rp);
    else
        *out = rp;
    return err;
}

void rp_free(struct rp *rp)
{
    if (rp == NULL)
        return;
    rp_keys_free(rp->keys);
    arena_free(rp->arena);
    OPENSSL_cleanse(rp, sizeof(*rp));
    free(rp);
}

int64_t rp_now(const struct rp *rp)
{
    return rp->settings.clock != NULL ? rp->settings.clock() : clock_now();
}
