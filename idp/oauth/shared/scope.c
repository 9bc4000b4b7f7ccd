#include "oauth/shared/scope.h"

#include <string.h>

#include "access/access_token.h"
#include "access/claims.h"
#include "access/grant.h"
#include "base/arena.h"
#include "base/text.h"
#include "client/client.h"

enum idp_err scope_resolve(struct arena *arena, const struct client *client, const char *requested,
                           bool offline, const char **out)
{
    uint16_t known = claims_scope_bits(claims_scopes);
    uint16_t registered = claims_scope_bits(client->scope);
    if (!offline)
        known = (uint16_t)(known & ~claims_scope_bits(claims_offline));
    uint16_t asked = (requested != NULL ? claims_scope_bits(requested) : registered) & known;
    if (asked == 0 || (asked & ~registered) != 0)
        return IDP_BAD_SCOPE;
    *out = claims_scope_names(arena, asked);
    return *out != NULL ? IDP_OK : IDP_FAULT;
}

/* Puts a scope of clients' own behind the list where it is asked for. */
static enum idp_err add_own(struct arena *arena, const struct client *client, const char *requested,
                            const char *name, const char **list)
{
    if (name == NULL)
        return IDP_FAULT;
    bool registered = text_list_has(client->scope, name);
    if (!text_list_has(requested != NULL ? requested : client->scope, name))
        return IDP_OK;
    if (!registered)
        return IDP_BAD_SCOPE;
    *list = arena_printf(arena, "%s%s%s", *list, **list != '\0' ? " " : "", name);
    return *list != NULL ? IDP_OK : IDP_FAULT;
}

enum idp_err scope_of_client(struct arena *arena, const struct client *client,
                             const char *requested, const char **out)
{
    const char *at = claims_client_scopes;
    const char *list = "";
    const char *word = NULL;
    size_t len = 0;
    enum idp_err err = IDP_OK;
    if (requested != NULL && claims_scope_bits(requested) != 0)
        return IDP_BAD_SCOPE;
    while (err == IDP_OK && (word = text_list_next(&at, &len)) != NULL)
        err = add_own(arena, client, requested, arena_strndup(arena, word, len), &list);
    if (err == IDP_OK)
        *out = list;
    return err;
}

enum idp_err scope_narrow(const struct client *client, const struct grant *grant,
                          const char *requested, uint16_t *out)
{
    uint16_t has = claims_scope_bits(grant->scope);
    uint16_t asked = requested != NULL ? claims_scope_bits(requested) : has;
    uint16_t left = asked & claims_scope_bits(client->scope);
    if ((asked & ~has) != 0 || left == 0)
        return IDP_BAD_SCOPE;
    *out = left == has ? ACCESS_TOKEN_ALL_SCOPES : left;
    return IDP_OK;
}
