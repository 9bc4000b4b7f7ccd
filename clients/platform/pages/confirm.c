/*
 * The platform's own confirmation: whoever came by the portal's link sees who is about to be
 * signed in before it happens, because a link can be anybody's.
 */
#include <string.h>

#include "platform/app.h"
#include "platform/page.h"
#include "platform/pages/pages.h"
#include "platform/pages/problem.h"
#include "platform/pages/visit.h"
#include "platform/pages/who.h"

static const struct param confirm_params[] = {
    {.name = "token", .max = 64},
    {.name = NULL},
};

static enum idp_err show(struct request *rq, struct response *rs)
{
    if (rq->session == NULL || !rq->session->signed_in)
        return http_redirect(rs, "/");
    if (rq->session->confirmed)
        return http_redirect(rs, "/home");
    const struct platform_settings *own = rq->app->settings;
    struct page page = page_begin(rq, rs, "确认登录", "Confirm");
    page_put(&page,
             "<div class=\"narrow\"><div class=\"card\"><span class=\"badge\">{}</span><h1>{}</h1>"
             "<p class=\"note\">{}</p><dl class=\"who\">",
             page_say(&page, "来自统一身份认证门户", "From the unified sign-in portal"),
             page_say(&page, "确认登录", "Confirm your sign-in"),
             page_say(&page, "以下单位将登录本平台。请核对后确认；如果不是您的单位，请取消。",
                      "This company is about to be signed in here. Confirm if it is yours; if it "
                      "is not, cancel."),
             NULL);
    who_put_company(&page, &rq->session->visitor);
    page_put(&page, "</dl><form method=\"post\" action=\"/confirm\">", NULL);
    page_put_token(&page);
    page_put(&page,
             "<button class=\"button\" type=\"submit\" data-testid=\"platform-confirm\">{}</button>"
             "</form><form method=\"post\" action=\"/logout\">",
             page_say(&page, "确认登录", "Confirm"), NULL);
    page_put_token(&page);
    page_put(&page,
             "<button class=\"button plain\" type=\"submit\">{}</button></form>"
             "<p class=\"links\"><span>{}</span></p></div></div>",
             page_say(&page, "取消", "Cancel"), page_say(&page, own->name_zh, own->name_en), NULL);
    return page_end(&page, rs, 200);
}

static enum idp_err confirm(struct request *rq, struct response *rs)
{
    const char *target = rq->session->target;
    if (sessions_confirm(rq->app->sessions, rq->session->id) != IDP_OK)
        return http_redirect(rs, "/");
    return http_redirect(rs, target[0] != '\0' ? target : "/home");
}

const struct route platform_confirm_page_route = {
    .methods = HTTP_GET,
    .path = "/confirm",
    .params = page_params,
    .authenticate = visit_find,
    .handle = show,
    .fail = problem_fail,
};

const struct route platform_confirm_route = {
    .methods = HTTP_POST,
    .path = "/confirm",
    .params = confirm_params,
    .authenticate = visit_check_form,
    .handle = confirm,
    .fail = problem_fail,
};
