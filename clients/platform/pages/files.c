/* Style sheet and pictures, made ready at start. */
#include "http/http.h"
#include "platform/app.h"
#include "platform/pages/pages.h"
#include "platform/pages/problem.h"

static enum idp_err style(struct request *rq, struct response *rs)
{
    return http_respond_fixed(rq, rs, rq->app->style);
}

static enum idp_err icon(struct request *rq, struct response *rs)
{
    return http_respond_fixed(rq, rs, rq->app->icon);
}

static enum idp_err hills(struct request *rq, struct response *rs)
{
    return http_respond_fixed(rq, rs, rq->app->hills);
}

const struct route platform_style_route = {
    .methods = HTTP_GET, .path = "/style.css", .handle = style, .fail = problem_fail};

const struct route platform_icon_route = {
    .methods = HTTP_GET, .path = "/icon.svg", .handle = icon, .fail = problem_fail};

const struct route platform_hills_route = {
    .methods = HTTP_GET, .path = "/hills.svg", .handle = hills, .fail = problem_fail};
