/* Feeds any bytes to the rules for client metadata. Built with libFuzzer, or with replay.c in make
 * check. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "client/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold of each address, read another way than the rules read it. */
static void check_address(const char *address, bool development)
{
    bool plain = text_starts(address, "http://127.") || text_starts(address, "http://[::1]");
    if (!text_starts(address, "https://") && !(plain && development))
        abort();
    const char *host = strstr(address, "://") + 3;
    if (strpbrk(address, "*#\\ \"<>") != NULL || memchr(host, '@', strcspn(host, "/?")) != NULL)
        abort();
}

/* The rules' promises about what they let in. */
static void check_client(const struct client *client, bool development)
{
    if (client->name_zh == NULL || client->name_en == NULL || client->scope == NULL)
        abort();
    if (!text_is_clean_utf8(client->name_zh, strlen(client->name_zh)))
        abort();
    if (client->standing != CLIENT_ANNOUNCED && client->redirect_uri_count == 0)
        abort();
    for (size_t i = 0; i < client->redirect_uri_count; i++)
        check_address(client->redirect_uris[i], development);
    if (client->logo_uri != NULL)
        check_address(client->logo_uri, development);
}

static void check_problem(const struct metadata_problem *problem)
{
    if (memchr(problem->field, '\0', sizeof(problem->field)) == NULL ||
        memchr(problem->problem, '\0', sizeof(problem->problem)) == NULL)
        abort();
    if (problem->problem[0] == '\0' ||
        !text_is_clean_utf8(problem->field, strlen(problem->field)) ||
        !text_is_clean_utf8(problem->problem, strlen(problem->problem)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client client;
    struct metadata_problem problem;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return 0;
    const struct address_rules rules = {.development = size % 2 == 0};
    enum idp_err err = metadata_parse(arena, &rules, (const char *)data, size, &problem, &client);
    if (err == IDP_OK)
        check_client(&client, rules.development);
    else if (err == IDP_BAD_REQUEST)
        check_problem(&problem);
    arena_free(arena);
    return 0;
}
