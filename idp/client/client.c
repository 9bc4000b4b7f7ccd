/* The words that stand for a client's properties, in rows, metadata and answers. */
#include "client/client.h"

#include <string.h>

const char *client_standing_name(enum client_standing standing)
{
    static const char *const names[] = {"active", "suspended", "announced"};
    return names[standing];
}

const char *client_environment_name(enum client_environment environment)
{
    static const char *const names[] = {"production", "test"};
    return names[environment];
}

const char *client_group_name(enum client_group group)
{
    static const char *const names[] = {NULL, "regional", "west", "east"};
    return names[group];
}

bool client_has_redirect_uri(const struct client *client, const char *uri)
{
    for (size_t i = 0; i < client->redirect_uri_count; i++)
        if (strcmp(client->redirect_uris[i], uri) == 0)
            return true;
    return false;
}
