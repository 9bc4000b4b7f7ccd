/*
 * The platform chooser, and being sent to a platform from it (third-party-initiated login, OpenID
 * Connect Core section 4: the platform starts its own request).
 */
#include "portal/platforms.h"

#include <string.h>

#include "access/launch.h"
#include "access/session.h"
#include "app.h"
#include "base/arena.h"
#include "base/object.h"
#include "base/text.h"
#include "client/client.h"
#include "client/registry.h"
#include "enterprise/choices.h"
#include "http/http.h"
#include "portal/shared/browser.h"
#include "portal/shared/describe.h"
#include "portal/shared/reasons.h"

static const struct group {
    enum client_group group;
    const char *id, *zh, *en;
} groups[] = {
    {CLIENT_REGIONAL, "regional", "自治区平台", "Regional platforms"},
    {CLIENT_WEST, "west", "西部盟市", "Western cities"},
    {CLIENT_EAST, "east", "东部盟市", "Eastern cities"},
};

static json_t *describe_platform(const struct client *client)
{
    const struct choice *city =
        client->city != NULL ? enterprise_choice_find(enterprise_cities, client->city) : NULL;
    bool joined = client->standing == CLIENT_ACTIVE && client->initiate_login_uri != NULL;
    struct object o = object_new();
    object_text(&o, "id", client->id);
    object_put(&o, "name", describe_both(client->name_zh, client->name_en));
    if (city != NULL)
        object_put(&o, "city", describe_both(city->zh, city->en));
    object_text(&o, "uri", client->client_uri);
    object_text(&o, "phone", client->phone);
    object_truth(&o, "joined", joined);
    return object_done(&o);
}

static json_t *describe_group(const struct group *group, const struct client_list *clients)
{
    json_t *platforms = json_array();
    for (size_t i = 0; i < clients->count; i++) {
        const struct client *c = clients->clients[i];
        if (c->group != group->group || c->standing == CLIENT_SUSPENDED)
            continue;
        if (json_array_append_new(platforms, describe_platform(c)) != 0) {
            json_decref(platforms);
            return NULL;
        }
    }
    struct object o = object_new();
    object_text(&o, "id", group->id);
    object_put(&o, "title", describe_both(group->zh, group->en));
    object_put(&o, "platforms", platforms);
    return object_done(&o);
}

static enum idp_err platforms(struct request *rq, struct response *rs)
{
    struct client_list clients;
    enum idp_err err = client_list(rq->app->clients, rq->arena, &clients);
    if (err != IDP_OK)
        return err;
    json_t *list = json_array();
    bool whole = true;
    for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
        whole = json_array_append_new(list, describe_group(&groups[i], &clients)) == 0 && whole;
    struct object o = object_new();
    object_put(&o, "groups", list);
    json_t *body = object_done(&o);
    if (whole)
        return http_respond_json(rq, rs, 200, body);
    json_decref(body);
    return IDP_FAULT;
}

const struct route portal_platforms_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_GET,
    .path = "/api/platforms",
    .waits = HTTP_WAITS_ON_MISS,
    .handle = platforms,
    .fail = portal_fail,
};

static const struct param launch_params[] = {
    {.name = "client", .required = true, .max = 128},
    {.name = NULL},
};

static enum idp_err refuse_not_joined(struct request *rq, const struct client *client)
{
    refusal_fact(&rq->refusal, "name", client->name_zh);
    refusal_fact(&rq->refusal, "name_en", client->name_en);
    refusal_fact(&rq->refusal, "phone",
                 client->phone != NULL ? client->phone : rq->app->config.support_phone);
    return refusal_set(&rq->refusal, &portal_platform_not_joined);
}

/* An address as the value of a query parameter. */
static const char *as_value(struct arena *arena, const char *uri)
{
    char *out = arena_alloc(arena, 3 * strlen(uri) + 1);
    if (out != NULL)
        (void)text_escape_uri(uri, out);
    return out;
}

/* OpenID Connect Core section 4: iss and target_link_uri go to the initiate_login_uri. */
static const char *launch_uri(struct request *rq, const struct client *client)
{
    const char *target =
        client->client_uri != NULL ? client->client_uri : client->initiate_login_uri;
    const char *iss = as_value(rq->arena, rq->app->config.issuer);
    target = as_value(rq->arena, target);
    if (iss == NULL || target == NULL)
        return NULL;
    char separator = strchr(client->initiate_login_uri, '?') != NULL ? '&' : '?';
    return arena_printf(rq->arena, "%s%ciss=%s&target_link_uri=%s", client->initiate_login_uri,
                        separator, iss, target);
}

static enum idp_err launch(struct request *rq, struct response *rs)
{
    const struct client *client = NULL;
    enum idp_err err = client_find(rq->app->clients, rq->arena, http_param(rq, "client"), &client);
    if (err == IDP_NOT_FOUND || (err == IDP_OK && client->standing == CLIENT_SUSPENDED))
        return refusal_set(&rq->refusal, &portal_platform_unknown);
    if (err != IDP_OK)
        return err;
    if (client->standing != CLIENT_ACTIVE || client->initiate_login_uri == NULL)
        return refuse_not_joined(rq, client);
    const char *location = launch_uri(rq, client);
    if (location == NULL)
        return IDP_FAULT;
    err = launch_begin(&rq->app->access, rq->session, client->id);
    if (err != IDP_OK)
        return err;
    struct object o = object_new();
    object_text(&o, "location", location);
    return http_respond_json(rq, rs, 200, object_done(&o));
}

const struct route portal_launch_route = {
    .spec = "OpenID Connect Core 1.0 section 4",
    .methods = HTTP_POST,
    .path = "/api/launch",
    .waits = HTTP_WAITS_ON_MISS,
    .body = HTTP_BODY_JSON,
    .params = launch_params,
    .authenticate = portal_signed_in_page,
    .handle = launch,
    .fail = portal_fail,
};
