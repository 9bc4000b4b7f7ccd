#include "platform/page.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "platform/app.h"
#include "platform/session.h"

static const char language_cookie[] = "language";

const struct param page_params[] = {
    {.name = "lang", .max = 8},
    {.name = NULL},
};

static void add(struct page *page, const char *s, size_t n)
{
    if (page->failed || n >= PAGE_MAX - page->len) {
        page->failed = true;
        return;
    }
    memcpy(page->text + page->len, s, n);
    page->len += n;
}

static const char *escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void add_escaped(struct page *page, const char *s)
{
    for (; *s != '\0'; s++) {
        const char *escape = escape_of(*s);
        if (escape != NULL)
            add(page, escape, strlen(escape));
        else
            add(page, s, 1);
    }
}

void page_put(struct page *page, const char *html, ...)
{
    va_list texts;
    va_start(texts, html);
    const char *hole = NULL;
    while ((hole = strstr(html, "{}")) != NULL) {
        const char *text = va_arg(texts, const char *);
        add(page, html, (size_t)(hole - html));
        html = hole + 2;
        if (text == NULL) {
            page->failed = true;
            break;
        }
        add_escaped(page, text);
    }
    va_end(texts);
    add(page, html, strlen(html));
}

const char *page_say(const struct page *page, const char *zh, const char *en)
{
    return page->english ? en : zh;
}

const char *page_moment(const struct page *page, int64_t seconds)
{
    enum { CHINA_S = 8 * 3600 };
    struct tm parts;
    time_t local = (time_t)seconds + CHINA_S;
    char *text = arena_alloc(page->rq->arena, 32);
    if (text == NULL || gmtime_r(&local, &parts) == NULL ||
        strftime(text, 32, "%Y-%m-%d %H:%M", &parts) == 0)
        return NULL;
    return text;
}

/* The language that the query asks for, else the one it asked for last, else Chinese. */
static bool wants_english(struct request *rq, struct response *rs)
{
    const char *asked = rq->route->params == page_params ? http_param(rq, "lang") : NULL;
    const char *kept = http_cookie_find(rq, language_cookie);
    if (asked == NULL)
        return kept != NULL && strcmp(kept, "en") == 0;
    bool english = strcmp(asked, "en") == 0;
    (void)http_cookie_set(rq, rs, language_cookie, english ? "en" : "zh");
    return english;
}

/* The page in the other language; a page that must not be asked for twice leads home. */
static const char *other_language(const struct page *page)
{
    const struct request *rq = page->rq;
    bool may_repeat = rq->method == HTTP_GET && rq->route->params == page_params;
    return arena_printf(rq->arena, "%s?lang=%s", may_repeat ? rq->route->path : "/",
                        page->english ? "zh" : "en");
}

static const char *name(const struct page *page)
{
    const struct platform_settings *own = page->rq->app->settings;
    return page_say(page, own->name_zh, own->name_en);
}

static void put_head(struct page *page, const char *title)
{
    page_put(page,
             "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<title>{} - {}</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n"
             "<link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">\n</head>\n<body>\n",
             page_say(page, "zh-CN", "en"), title, name(page), NULL);
}

static void put_strip(struct page *page)
{
    const struct platform_settings *own = page->rq->app->settings;
    page_put(
        page,
        "<section class=\"strip\" aria-label=\"{}\"><div class=\"wide\">"
        "<span class=\"demo\">{}</span>"
        "<span class=\"phone\">{} <a href=\"tel:{}\">{}</a></span>"
        "<a class=\"language\" href=\"{}\" lang=\"{}\" data-testid=\"platform-language\">{}</a>"
        "</div></section>\n",
        page_say(page, "本站说明", "About this site"),
        page_say(page, "演示系统，不办理真实业务", "Demonstration: no real business here"),
        page_say(page, "客服电话", "Support"), own->phone, own->phone, other_language(page),
        page_say(page, "en", "zh-CN"), page_say(page, "English", "中文"), NULL);
}

static void put_banner(struct page *page)
{
    page_put(
        page,
        "<header class=\"banner\"><div class=\"wide\"><a class=\"brand\" href=\"/\">"
        "<img src=\"/icon.svg\" alt=\"\" width=\"56\" height=\"56\"><span>"
        "<span class=\"name\">{}</span><span class=\"motto\">{}</span></span></a>"
        "<nav class=\"menu\" aria-label=\"{}\"><a href=\"/#notices\">{}</a>"
        "<a href=\"/#guide\">{}</a><a href=\"/#contact\">{}</a></nav></div></header>\n<main>\n",
        name(page), page_say(page, "公开 · 公平 · 公正 · 诚信", "Open, fair, just, honest"),
        page_say(page, "主菜单", "Main menu"), page_say(page, "交易公告", "Notices"),
        page_say(page, "办事指南", "Guide"), page_say(page, "联系我们", "Contact"), NULL);
}

struct page page_begin(struct request *rq, struct response *rs, const char *title_zh,
                       const char *title_en)
{
    struct page page = {.rq = rq, .text = arena_alloc(rq->arena, PAGE_MAX)};
    page.failed = page.text == NULL;
    page.english = wants_english(rq, rs);
    put_head(&page, page_say(&page, title_zh, title_en));
    put_strip(&page);
    put_banner(&page);
    return page;
}

static void put_foot(struct page *page)
{
    const struct platform_settings *own = page->rq->app->settings;
    page_put(page,
             "</main>\n<footer id=\"contact\"><div class=\"wide\"><p><strong>{}</strong></p>"
             "<p>{} <a href=\"tel:{}\">{}</a> · <a href=\"{}\">{}</a></p><p class=\"fine\">{}</p>"
             "</div></footer>\n</body>\n</html>\n",
             name(page), page_say(page, "客服电话：", "Support:"), own->phone, own->phone,
             own->portal, page_say(page, "统一身份认证门户", "Unified sign-in portal"),
             page_say(page, "本站为演示平台，公告与项目均为虚构，不代表任何真实机构。",
                      "A demonstration: notices and projects are invented and stand for no real "
                      "body."),
             NULL);
}

enum idp_err page_end(struct page *page, struct response *rs, int status)
{
    put_foot(page);
    if (page->failed)
        return IDP_FAULT;
    return http_respond_bytes(rs, status, "text/html; charset=utf-8", page->text, page->len);
}

void page_put_token(struct page *page)
{
    const struct session *session = page->rq->session;
    page_put(page, "<input type=\"hidden\" name=\"token\" value=\"{}\">",
             session != NULL ? session->token : "", NULL);
}
