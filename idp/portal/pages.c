/*
 * The pages. They are one program that finds its page by the path, so every page's path answers
 * with index.html; what is no page and no file is 404, with index.html to say so kindly.
 */
#include "portal/pages.h"

#include <stdbool.h>
#include <string.h>

#include "app.h"
#include "base/text.h"
#include "http/files.h"
#include "http/http.h"
#include "portal/shared/browser.h"

static const char *const pages[] = {"/",        "/sign-in", "/certificate", "/platforms",
                                    "/consent", "/bind",    "/help",        "/download"};

static bool is_page(const char *path)
{
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
        if (strcmp(pages[i], path) == 0)
            return true;
    return false;
}

static bool is_called_by_programs(const char *path)
{
    return text_starts(path, "/api/") || text_starts(path, "/oauth2/") ||
           text_starts(path, "/.well-known/");
}

static enum idp_err page(struct request *rq, struct response *rs)
{
    const struct http_fixed *file = NULL;
    if (!is_page(rq->path))
        file = http_files_find(rq->app->pages, rq->path + 1);
    bool found = file != NULL || is_page(rq->path);
    if (!found && is_called_by_programs(rq->path)) {
        rs->error_code = "not_found";
        return http_respond_json(rq, rs, 404, json_pack("{s:s}", "error", "not_found"));
    }
    if (file == NULL)
        file = http_files_find(rq->app->pages, "index.html");
    if (file == NULL)
        return IDP_FAULT; /* checked at start */
    if (found)
        return http_respond_fixed(rq, rs, file);
    rq->if_none_match = NULL; /* the page is known to the browser, but not at this address */
    enum idp_err err = http_respond_fixed(rq, rs, file);
    rs->fixed = NULL;
    rs->status = 404;
    return err;
}

const struct route portal_pages_route = {
    .spec = "idp/web",
    .methods = HTTP_GET,
    .path = "/*",
    .waits = HTTP_WAITS_NEVER,
    .handle = page,
    .fail = portal_fail,
};
