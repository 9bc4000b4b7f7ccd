/*
 * Inside: a company that the platform has not seen files a contact person first; a known one goes
 * straight to the trading area. Only the identity is mutually recognised: filing is each
 * platform's own business.
 */
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/text.h"
#include "platform/app.h"
#include "platform/filing.h"
#include "platform/page.h"
#include "platform/pages/notices.h"
#include "platform/pages/pages.h"
#include "platform/pages/problem.h"
#include "platform/pages/visit.h"
#include "platform/pages/who.h"

static const struct param filing_params[] = {
    {.name = "token", .max = 64},
    {.name = "contact", .max = 480},
    {.name = NULL},
};

static const struct param logout_params[] = {
    {.name = "token", .max = 64},
    {.name = NULL},
};

static void put_welcome(struct page *page, const char *text)
{
    page_put(page,
             "<div class=\"welcome\"><div class=\"wide\"><div><h1>{}</h1><p>{}</p></div>"
             "<form method=\"post\" action=\"/logout\">",
             page->rq->session->visitor.name, text, NULL);
    page_put_token(page);
    page_put(page,
             "<button class=\"button\" type=\"submit\" data-testid=\"platform-logout\">{}"
             "</button></form></div></div>",
             page_say(page, "退出登录", "Sign out"), NULL);
}

static void put_side(struct page *page)
{
    const struct visitor *visitor = &page->rq->session->visitor;
    page_put(page, "<aside class=\"card side\"><h2 class=\"title\">{}</h2><dl class=\"who\">",
             page_say(page, "登录身份", "Who is signed in"), NULL);
    who_put_company(page, visitor);
    who_put_proof(page, visitor);
    page_put(page, "</dl></aside>", NULL);
}

/* The one field; wrong says that what was sent is no name. */
static enum idp_err show_filing(struct request *rq, struct response *rs, bool wrong)
{
    struct page page = page_begin(rq, rs, "首次备案", "Filing");
    put_welcome(&page, page_say(&page, "身份已确认，还差一步", "You are known; one step is left"));
    page_put(&page,
             "<div class=\"wide columns\"><section class=\"card\"><span class=\"badge\">{}</span>"
             "<h2>{}</h2><p class=\"note\">{}</p><form method=\"post\" action=\"/filing\">",
             page_say(&page, "首次办理", "First visit"),
             page_say(&page, "贵单位尚未在本平台备案", "Your company has not filed here yet"),
             page_say(&page, "请填写业务联系人，备案后即可进入交易区；以后登录不再询问。",
                      "Name the person to contact. After that the trading area opens, now and on "
                      "later visits."),
             NULL);
    page_put_token(&page);
    page_put(
        &page,
        "<label for=\"contact\">{}</label><input type=\"text\" id=\"contact\" name=\"contact\" "
        "maxlength=\"40\" required autocomplete=\"name\" data-testid=\"platform-filing-input\">",
        page_say(&page, "业务联系人", "Contact person"), NULL);
    if (wrong)
        page_put(&page, "<p class=\"field-error\" role=\"alert\">{}</p>",
                 page_say(&page, "请填写联系人姓名，最多40个字。",
                          "Please enter the contact's name, at most 40 characters."),
                 NULL);
    page_put(&page,
             "<button class=\"button short\" type=\"submit\" "
             "data-testid=\"platform-filing-submit\">{}</button></form></section>",
             page_say(&page, "提交备案", "File"), NULL);
    put_side(&page);
    page_put(&page, "</div>", NULL);
    return page_end(&page, rs, wrong ? 400 : 200);
}

static void put_tiles(struct page *page)
{
    static const char *const tiles[][3] = {
        {"3", "待投标项目", "open tenders"},
        {"1", "进行中的投标", "bid in progress"},
        {"0", "待签合同", "contracts to sign"},
    };
    page_put(page, "<div class=\"tiles\">", NULL);
    for (size_t i = 0; i < sizeof(tiles) / sizeof(*tiles); i++)
        page_put(page, "<div class=\"tile\"><strong>{}</strong><span>{}</span></div>", tiles[i][0],
                 page_say(page, tiles[i][1], tiles[i][2]), NULL);
    page_put(page, "</div>", NULL);
}

static enum idp_err show_inside(struct request *rq, struct response *rs, const char *contact)
{
    struct page page = page_begin(rq, rs, "交易区", "Trading area");
    put_welcome(&page, page_say(&page, "您已进入交易区", "You are in the trading area"));
    page_put(&page,
             "<div class=\"wide columns\" data-testid=\"platform-inside\"><div class=\"stack\">"
             "<section class=\"card\"><h2 class=\"title\">{}</h2>",
             page_say(&page, "我的业务（演示）", "My business (demo)"), NULL);
    put_tiles(&page);
    page_put(&page, "</section>", NULL);
    notices_put(&page);
    page_put(
        &page,
        "<section class=\"card\"><h2 class=\"title\">{}</h2><dl class=\"who\">"
        "<div><dt>{}</dt><dd>{}</dd></div><div><dt>{}</dt><dd>{}</dd></div></dl></section></div>",
        page_say(&page, "平台备案", "Filing"), page_say(&page, "业务联系人", "Contact person"),
        contact, page_say(&page, "备案状态", "State"), page_say(&page, "已备案", "Filed"), NULL);
    put_side(&page);
    page_put(&page, "</div>", NULL);
    return page_end(&page, rs, 200);
}

static enum idp_err inside(struct request *rq, struct response *rs)
{
    const char *contact = NULL;
    if (rq->session == NULL || !rq->session->signed_in)
        return http_redirect(rs, "/");
    if (!rq->session->confirmed)
        return http_redirect(rs, "/confirm");
    enum idp_err err =
        filing_find(rq->app->filings, rq->arena, rq->session->visitor.subject, &contact);
    if (err == IDP_NOT_FOUND)
        return show_filing(rq, rs, false);
    return err == IDP_OK ? show_inside(rq, rs, contact) : err;
}

/* The name without spaces around it, or NULL when nothing, too much or no clean text is left. */
static const char *read_contact(struct request *rq)
{
    size_t characters = 0;
    const char *text = http_param(rq, "contact");
    if (text == NULL)
        return NULL;
    text += strspn(text, " ");
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == ' ')
        len--;
    for (size_t i = 0; i < len; i++)
        characters += ((unsigned char)text[i] & 0xC0) != 0x80;
    if (len == 0 || characters > FILING_CONTACT_MAX || !text_is_clean_utf8(text, len))
        return NULL;
    return arena_strndup(rq->arena, text, len);
}

static enum idp_err file(struct request *rq, struct response *rs)
{
    if (!visit_is_inside(rq))
        return http_redirect(rs, "/home");
    const char *contact = read_contact(rq);
    if (contact == NULL)
        return show_filing(rq, rs, true);
    enum idp_err err =
        filing_keep(rq->app->filings, rq->arena, &rq->session->visitor, contact, rq->now);
    if (err != IDP_OK) {
        log_event(LOG_ERROR, "filing_failed", "platform", rq->app->settings->id);
        return err;
    }
    return http_redirect(rs, "/home");
}

static enum idp_err logout(struct request *rq, struct response *rs)
{
    sessions_end(rq->app->sessions, rq->session->id);
    enum idp_err err = http_cookie_set(rq, rs, visit_cookie, "");
    return err == IDP_OK ? http_redirect(rs, "/") : err;
}

const struct route platform_inside_route = {
    .methods = HTTP_GET,
    .path = "/home",
    .waits = HTTP_WAITS_ALWAYS,
    .params = page_params,
    .authenticate = visit_find,
    .handle = inside,
    .fail = problem_fail,
};

const struct route platform_filing_route = {
    .methods = HTTP_POST,
    .path = "/filing",
    .waits = HTTP_WAITS_ALWAYS,
    .params = filing_params,
    .authenticate = visit_check_form,
    .handle = file,
    .fail = problem_fail,
};

const struct route platform_logout_route = {
    .methods = HTTP_POST,
    .path = "/logout",
    .params = logout_params,
    .authenticate = visit_check_form,
    .handle = logout,
    .fail = problem_fail,
};
