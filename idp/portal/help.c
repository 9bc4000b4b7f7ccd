/*
 * Whom to call, and where the assistant is: contacts of every platform and authority, and the
 * packages that were built.
 */
#include "portal/help.h"

#include <stdbool.h>
#include <string.h>

#include "app.h"
#include "base/object.h"
#include "client/client.h"
#include "client/registry.h"
#include "http/files.h"
#include "http/http.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "portal/shared/browser.h"
#include "portal/shared/describe.h"

static json_t *contact(const char *zh, const char *en, const char *phone)
{
    struct object o = object_new();
    object_put(&o, "name", describe_both(zh, en));
    object_text(&o, "phone", phone);
    return object_done(&o);
}

static json_t *platform_contacts(const struct client_list *clients)
{
    json_t *list = json_array();
    for (size_t i = 0; i < clients->count; i++) {
        const struct client *c = clients->clients[i];
        if (c->group == CLIENT_GROUP_NONE || c->phone == NULL)
            continue;
        if (json_array_append_new(list, contact(c->name_zh, c->name_en, c->phone)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *authority_contacts(const struct trust *trust)
{
    json_t *list = json_array();
    for (size_t i = 0; i < trust->count; i++) {
        const struct authority *a = &trust->authorities[i];
        if (json_array_append_new(list, contact(a->name_zh, a->name_en, a->phone)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static enum idp_err help(struct request *rq, struct response *rs)
{
    struct client_list clients;
    enum idp_err err = client_list(rq->app->clients, rq->arena, &clients);
    if (err != IDP_OK)
        return err;
    const struct trust *trust = pki_trust(rq->app->pki, rq->arena);
    if (trust == NULL)
        return IDP_FAULT;
    struct object support = object_new();
    object_text(&support, "phone", rq->app->config.support_phone);
    struct object o = object_new();
    object_put(&o, "support", object_done(&support));
    object_put(&o, "platforms", platform_contacts(&clients));
    object_put(&o, "authorities", authority_contacts(trust));
    return http_respond_json(rq, rs, 200, object_done(&o));
}

const struct route portal_help_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_GET,
    .path = "/api/help",
    .waits = HTTP_WAITS_ON_MISS,
    .handle = help,
    .fail = portal_fail,
};

/* A file of the packages, or NULL; a provider may be set up without any. */
static const struct http_fixed *find_package(const struct app *app, const char *name)
{
    return app->packages != NULL ? http_files_find(app->packages, name) : NULL;
}

/* packages.json is written by `make package`; without it there is nothing to download yet. */
static enum idp_err download(struct request *rq, struct response *rs)
{
    static const char none[] = "{\"packages\":[]}";
    const struct http_fixed *list = find_package(rq->app, "packages.json");
    if (list != NULL)
        return http_respond_fixed(rq, rs, list);
    return http_respond_bytes(rs, 200, "application/json", none, sizeof(none) - 1);
}

const struct route portal_download_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_GET,
    .path = "/api/download",
    .waits = HTTP_WAITS_NEVER,
    .handle = download,
    .fail = portal_fail,
};

static enum idp_err package(struct request *rq, struct response *rs)
{
    const struct http_fixed *file = find_package(rq->app, rq->path + strlen("/download/"));
    if (file != NULL)
        return http_respond_fixed(rq, rs, file);
    rs->error_code = "not_found";
    return http_respond_json(rq, rs, 404, json_pack("{s:s}", "error", "not_found"));
}

const struct route portal_package_route = {
    .spec = "schema/openapi.yaml",
    .methods = HTTP_GET,
    .path = "/download/*",
    .waits = HTTP_WAITS_NEVER,
    .handle = package,
    .fail = portal_fail,
};
