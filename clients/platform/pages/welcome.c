/*
 * The platform's home page: what is being traded, and the door for companies with a lock.
 */
#include "platform/app.h"
#include "platform/page.h"
#include "platform/pages/notices.h"
#include "platform/pages/pages.h"
#include "platform/pages/problem.h"
#include "platform/pages/visit.h"

static void put_guide(struct page *page)
{
    static const char *const steps[][4] = {
        {"准备CA锁和证书助手", "第一次使用请到统一身份认证门户下载证书助手并绑定企业。",
         "Get ready", "The first time: get the assistant and bind the company at the portal."},
        {"插入企业锁登录", "点击“CA锁登录”，输入锁密码；密码只交给锁，不会发给任何网站。",
         "Sign in with the company's lock", "The PIN goes to the lock and to no web site."},
        {"首次办理先备案", "第一次来到本平台的单位填写联系人，以后直接进入交易区。", "File once",
         "A company new to this platform names a contact; after that it goes straight "
         "in."},
    };
    page_put(page,
             "<section class=\"card\" id=\"guide\"><h2 class=\"title\">{}</h2>"
             "<ol class=\"steps\">",
             page_say(page, "办事指南", "Guide"), NULL);
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
        page_put(page, "<li><strong>{}</strong><span>{}</span></li>",
                 page_say(page, steps[i][0], steps[i][2]), page_say(page, steps[i][1], steps[i][3]),
                 NULL);
    page_put(page, "</ol></section>", NULL);
}

static void put_door(struct page *page)
{
    const struct platform_settings *own = page->rq->app->settings;
    page_put(page, "<section class=\"card\"><h2>{}</h2><p class=\"note\">{}</p>",
             page_say(page, "交易主体登录", "For companies"),
             page_say(page, "使用企业CA锁，由自治区统一身份认证确认单位身份。",
                      "Your company's lock proves who you are, through the region's unified "
                      "sign-in."),
             NULL);
    if (visit_is_inside(page->rq))
        page_put(page, "<a class=\"button\" href=\"/home\">{}</a>",
                 page_say(page, "进入交易区", "Go to the trading area"), NULL);
    else
        page_put(page,
                 "<a class=\"button\" href=\"/login\" data-testid=\"platform-sign-in\">{}</a>",
                 page_say(page, "CA锁登录", "Sign in with CA lock"), NULL);
    page_put(page,
             "<p class=\"links\"><a href=\"{}\" data-testid=\"platform-portal-link\">{}</a>"
             "<span>{} <a href=\"tel:{}\">{}</a></span></p></section>",
             own->portal, page_say(page, "前往统一身份认证门户", "Go to the sign-in portal"),
             page_say(page, "客服", "Support"), own->phone, own->phone, NULL);
}

static void put_hero(struct page *page)
{
    const struct platform_settings *own = page->rq->app->settings;
    page_put(page,
             "<div class=\"hero\"><div class=\"wide\"><div><h1>{}</h1><p class=\"lead\">{}</p>"
             "<ul class=\"figures\"><li><strong>{}</strong><span>{}</span></li>"
             "<li><strong>{}</strong><span>{}</span></li></ul></div>",
             page_say(page, own->name_zh, own->name_en),
             page_say(page, "工程建设、政府采购、土地与矿业权等公共资源，在阳光下交易。",
                      "Construction, purchasing, land and mining rights: public resources, traded "
                      "in the open."),
             page_say(page, "一把锁", "One lock"),
             page_say(page, "通行各盟市交易平台", "for the platforms of all cities"),
             page_say(page, "一次认证", "One identity"),
             page_say(page, "各平台身份互认", "recognised by each of them"), NULL);
    put_door(page);
    page_put(page, "</div></div>", NULL);
}

static enum idp_err welcome(struct request *rq, struct response *rs)
{
    struct page page = page_begin(rq, rs, "首页", "Home");
    put_hero(&page);
    page_put(&page, "<div class=\"wide columns\">", NULL);
    notices_put(&page);
    put_guide(&page);
    page_put(&page, "</div>", NULL);
    return page_end(&page, rs, 200);
}

const struct route platform_home_route = {
    .methods = HTTP_GET,
    .path = "/",
    .params = page_params,
    .authenticate = visit_find,
    .handle = welcome,
    .fail = problem_fail,
};

const struct route platform_missing_route = {
    .methods = HTTP_GET | HTTP_POST,
    .path = "/*",
    .body = HTTP_BODY_RAW,
    .handle = problem_missing,
    .fail = problem_fail,
};
