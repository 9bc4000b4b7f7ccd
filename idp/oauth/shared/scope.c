#include "oauth/shared/scope.h"

#include <string.h>

#include "access/claims.h"
#include "base/arena.h"
#include "base/text.h"
#include "client/client.h"

enum idp_err scope_resolve(struct arena *arena, const struct client *client, const char *requested,
                           const char **out)
{
    const char *at = claims_scopes;
    const char *known = NULL;
    size_t len = 0;
    size_t n = 0;
    char *list = arena_alloc(arena, strlen(claims_scopes) + 1);
    if (list == NULL)
        return IDP_FAULT;
    if (requested == NULL)
        requested = client->scope;
    while ((known = text_list_next(&at, &len)) != NULL) {
        const char *name = arena_strndup(arena, known, len);
        if (name == NULL)
            return IDP_FAULT;
        if (!text_list_has(requested, name))
            continue;
        if (!text_list_has(client->scope, name))
            return IDP_BAD_SCOPE;
        if (n > 0)
            list[n++] = ' ';
        memcpy(list + n, name, len);
        n += len;
    }
    if (n == 0)
        return IDP_BAD_SCOPE;
    *out = list;
    return IDP_OK;
}
