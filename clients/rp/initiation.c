/*
 * Third-party-initiated login (OpenID Connect Core section 4). Anybody can send a browser here, so
 * nothing is believed: the issuer has to be the one we know, the target a page of our own, and
 * login_hint is not used. The caller starts a request of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "rp/address.h"
#include "rp/form.h"
#include "rp/note.h"
#include "rp/party.h"

static enum rp_err check(const struct rp *rp, struct arena *arena, const char *query,
                         struct rp_note *note, const char **target)
{
    static const char *const names[] = {"iss", "target_link_uri", NULL};
    const char *values[2];
    if (query == NULL || !rp_form_parse(arena, query, names, values))
        return rp_note_set(note, RP_BAD_TARGET,
                           "the initiation cannot be decoded, or a parameter came twice");
    if (values[0] == NULL || strcmp(values[0], rp->settings.issuer) != 0)
        return rp_note_set(note, RP_BAD_TARGET, "the initiation names %s as the provider",
                           values[0] != NULL ? values[0] : "nobody");
    if (values[1] != NULL && !rp_address_is_own(values[1], rp->settings.redirect_uri))
        return rp_note_set(note, RP_BAD_TARGET, "the initiation leads to %s, not to a page of ours",
                           values[1]);
    *target = values[1];
    return RP_OK;
}

enum rp_err rp_login_initiation(const struct rp *rp, const char *query, struct rp_note *note,
                                char **target)
{
    const char *found = NULL;
    if (note != NULL)
        *note = (struct rp_note){0};
    struct arena *arena = arena_new();
    enum rp_err err = arena != NULL ? check(rp, arena, query, note, &found) : RP_FAULT;
    char *copy = err == RP_OK && found != NULL ? strdup(found) : NULL;
    if (err == RP_OK && found != NULL && copy == NULL)
        err = RP_FAULT;
    arena_free(arena);
    if (err == RP_OK)
        *target = copy;
    return err == RP_FAULT ? rp_note_set(note, err, "out of memory") : err;
}
