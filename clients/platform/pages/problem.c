#include "platform/pages/problem.h"

#include <string.h>

#include "base/log.h"
#include "platform/app.h"
#include "platform/page.h"

/* What happened and what to do next, for a bidder. */
struct problem {
    const char *code;
    int status;
    bool again; /* offer to sign in once more */
    const char *zh, *zh_next;
    const char *en, *en_next;
};

static const struct problem away = {
    .code = "provider_away",
    .status = 503,
    .again = true,
    .zh = "暂时联系不上统一身份认证系统",
    .zh_next = "您的CA锁没有问题。请过一两分钟再试；如仍不行，请拨打客服电话。",
    .en = "The unified sign-in service cannot be reached right now",
    .en_next = "There is nothing wrong with your lock. Try again in a minute or two; if it still "
               "fails, call our support.",
};
static const struct problem misunderstanding = {
    .code = "provider_misunderstood",
    .status = 502,
    .zh = "本平台与统一身份认证系统的对接有误",
    .zh_next = "这不是您的问题，我们已记录。请拨打客服电话告知，工作人员会尽快处理。",
    .en = "This platform and the unified sign-in service do not understand each other",
    .en_next = "This is not your fault and has been noted. Please call our support.",
};
static const struct problem stale = {
    .code = "sign_in_stale",
    .status = 400,
    .again = true,
    .zh = "这次登录已失效",
    .zh_next = "可能是停留太久、重复打开了同一个页面，或者登录不是从这个浏览器开始的。请重新登录。",
    .en = "This sign-in is no longer good",
    .en_next = "It may have taken too long, been opened twice, or not been begun in this browser. "
               "Please sign in again.",
};
static const struct problem declined = {
    .code = "sign_in_declined",
    .status = 403,
    .again = true,
    .zh = "您没有同意授权，因此没有登录",
    .zh_next = "本平台需要知道单位名称和统一社会信用代码才能办理业务。需要时请重新登录。",
    .en = "You did not agree, so you are not signed in",
    .en_next = "This platform has to know the company's name and credit code to serve it. Sign in "
               "again when you are ready.",
};
static const struct problem refused = {
    .code = "sign_in_refused",
    .status = 403,
    .again = true,
    .zh = "统一身份认证系统没有完成这次登录",
    .zh_next = "请重新登录；如果再次出现，请拨打客服电话。",
    .en = "The unified sign-in service did not complete this sign-in",
    .en_next = "Please sign in again; if it happens once more, call our support.",
};
static const struct problem strange_link = {
    .code = "strange_link",
    .status = 400,
    .again = true,
    .zh = "这个链接不是统一身份认证门户给出的",
    .zh_next = "请从门户的平台列表进入，或者直接在本平台登录。",
    .en = "This link was not made by the unified sign-in portal",
    .en_next = "Come in through the portal's list of platforms, or sign in here.",
};
static const struct problem unproved = {
    .code = "identity_unproved",
    .status = 502,
    .zh = "收到的身份信息没有通过校验，为了安全没有登录",
    .zh_next = "请不要反复尝试，拨打客服电话告知工作人员。",
    .en = "The identity received did not pass its checks, so nobody was signed in",
    .en_next = "Please do not keep trying: call our support.",
};
static const struct problem bad_request = {
    .code = "bad_request",
    .status = 400,
    .zh = "请求的内容不完整或格式不对",
    .zh_next = "请返回首页重新操作。",
    .en = "The request is incomplete or malformed",
    .en_next = "Please start again from the home page.",
};
static const struct problem stale_form = {
    .code = "form_refused",
    .status = 403,
    .again = true,
    .zh = "页面已过期",
    .zh_next = "您可能已经退出，或者页面打开太久。请重新登录后再操作。",
    .en = "This page has expired",
    .en_next = "You may have signed out, or left the page open too long. Please sign in again.",
};
static const struct problem busy = {
    .code = "busy",
    .status = 503,
    .again = true,
    .zh = "访问的人太多，系统正忙",
    .zh_next = "请稍等片刻再试。",
    .en = "Too many visitors at the moment",
    .en_next = "Please wait a little and try again.",
};
static const struct problem fault = {
    .code = "fault",
    .status = 500,
    .zh = "系统出了点问题",
    .zh_next = "已经记录下来。请稍后再试，或者拨打客服电话。",
    .en = "Something went wrong on our side",
    .en_next = "It has been noted. Please try again later, or call our support.",
};
static const struct problem missing = {
    .code = "not_found",
    .status = 404,
    .zh = "没有这个页面",
    .zh_next = "地址可能写错了，或者页面已经移走。",
    .en = "There is no such page",
    .en_next = "The address may be mistyped, or the page has moved.",
};

static enum idp_err show(struct request *rq, struct response *rs, const struct problem *p)
{
    struct page page = page_begin(rq, rs, "提示", "Notice");
    page_put(
        &page,
        "<div class=\"narrow\"><div class=\"card\" role=\"alert\" data-testid=\"platform-error\""
        " data-code=\"{}\"><span class=\"badge\">{}</span><h1>{}</h1>"
        "<p class=\"note\">{}</p><div class=\"actions\">",
        p->code, page_say(&page, "提示", "Notice"), page_say(&page, p->zh, p->en),
        page_say(&page, p->zh_next, p->en_next), NULL);
    if (p->again)
        page_put(&page, "<a class=\"button short\" href=\"/login\">{}</a>",
                 page_say(&page, "重新登录", "Sign in again"), NULL);
    page_put(&page,
             "<a class=\"button plain short\" href=\"/\">{}</a></div>"
             "<p class=\"links\"><span>{} <a href=\"tel:{}\">{}</a></span>"
             "<a href=\"{}\">{}</a></p></div></div>",
             page_say(&page, "返回首页", "Home page"), page_say(&page, "客服电话", "Support"),
             rq->app->settings->phone, rq->app->settings->phone, rq->app->settings->portal,
             page_say(&page, "统一身份认证门户", "Unified sign-in portal"), NULL);
    rs->error_code = p->code;
    return page_end(&page, rs, p->status);
}

static const struct problem *of_step(enum idp_err err)
{
    if (err == IDP_DENIED)
        return &stale_form;
    if (err == IDP_FULL || err == IDP_UNAVAILABLE)
        return &busy;
    return err == IDP_BAD_REQUEST ? &bad_request : &fault;
}

void problem_fail(struct request *rq, struct response *rs, enum idp_err err)
{
    static const char last_words[] = "fault\n";
    if (show(rq, rs, of_step(err)) != IDP_OK)
        (void)http_respond_bytes(rs, 500, "text/plain; charset=utf-8", last_words,
                                 sizeof(last_words) - 1);
}

static const struct problem *of_sign_in(enum rp_err err, const struct rp_note *note)
{
    switch (err) {
    case RP_UNREACHABLE:
        return &away;
    case RP_BAD_SETTINGS:
    case RP_BAD_PROVIDER:
    case RP_BAD_CLIENT:
        return &misunderstanding;
    case RP_BAD_CALLBACK:
    case RP_BAD_PENDING:
    case RP_BAD_STATE:
    case RP_BAD_ISSUER:
    case RP_BAD_CODE:
        return &stale;
    case RP_DENIED:
        return strcmp(note->error, "access_denied") == 0 ? &declined : &refused;
    case RP_BAD_TARGET:
        return &strange_link;
    case RP_BAD_TOKEN:
    case RP_BAD_USERINFO:
        return &unproved;
    case RP_OK:
    case RP_FAULT:
    default:
        return &fault;
    }
}

enum idp_err problem_sign_in(struct request *rq, struct response *rs, enum rp_err err,
                             const struct rp_note *note)
{
    struct log_line line;
    log_begin(&line, LOG_WARN, "sign_in_failed");
    log_text(&line, "platform", rq->app->settings->id);
    log_text(&line, "request", rq->id);
    log_text(&line, "why", rp_err_text(err));
    log_text(&line, "note", note->text);
    log_end(&line);
    return show(rq, rs, of_sign_in(err, note));
}

enum idp_err problem_missing(struct request *rq, struct response *rs)
{
    return show(rq, rs, &missing);
}
