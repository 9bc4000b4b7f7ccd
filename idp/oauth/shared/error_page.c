#include "oauth/shared/error_page.h"

#include <stddef.h>
#include <string.h>

#include "app.h"
#include "base/arena.h"
#include "base/refusal.h"
#include "http/http.h"

const struct reason authorize_unknown_client = {
    .code = "client.unknown",
    .status = 400,
    .operator_note = "client_id is missing or not registered",
    .zh = "无法识别发起登录的交易平台。",
    .zh_next = "请回到交易平台重新点击“CA锁登录”；仍然出现时请致电{support}。",
    .en = "The platform that sent you here is not known.",
    .en_next = "Go back to the platform and choose to sign in again. If this page comes back, "
               "call {support}.",
};

const struct reason authorize_bad_redirect_uri = {
    .code = "client.redirect_uri",
    .status = 400,
    .operator_note = "redirect_uri is missing or not registered",
    .zh = "交易平台给出的返回地址没有登记，为了安全，登录已停止。",
    .zh_next = "请致电该交易平台的技术支持，说明本页的代码。",
    .en = "The address to return to is not registered for this platform. To be safe, signing in "
          "was stopped.",
    .en_next = "Call the platform's support and name the code on this page.",
};

const struct reason authorize_client_not_active = {
    .code = "client.not_active",
    .status = 403,
    .operator_note = "the client is suspended or has not joined",
    .zh = "该交易平台目前不能使用CA锁互认登录（尚未接入或已暂停）。",
    .zh_next = "请致电该交易平台或{support}了解情况。",
    .en = "This platform cannot be signed in to with a lock at present: it has not joined yet, or "
          "is suspended.",
    .en_next = "Call the platform, or {support}, to learn more.",
};

static const struct reason bad_request = {
    .code = "request.shape",
    .status = 400,
    .zh = "交易平台发来的登录请求不完整或有重复的参数。",
    .zh_next = "请回到交易平台重新登录；仍然出现时请致电该平台的技术支持。",
    .en = "The platform's request is incomplete, or a parameter stands in it twice.",
    .en_next = "Go back to the platform and sign in again. If this page comes back, call the "
               "platform's support.",
};

static const struct reason limited = {
    .code = "rate.limited",
    .status = 429,
    .zh = "来自您所在网络的请求太多。",
    .zh_next = "请一分钟后再试。",
    .en = "Too many requests came from your network.",
    .en_next = "Please try again in a minute.",
};

static const struct reason unavailable = {
    .code = "server.unavailable",
    .status = 503,
    .zh = "系统暂时无法处理您的请求。",
    .zh_next = "请稍候片刻再试；长时间如此请致电{support}。",
    .en = "The system cannot handle your request at the moment.",
    .en_next = "Please try again in a moment. If it lasts, call {support}.",
};

static const struct reason fault = {
    .code = "server.fault",
    .status = 500,
    .zh = "系统出现故障，登录没有完成。",
    .zh_next = "请重新登录；仍然出现时请致电{support}。",
    .en = "Something failed on our side; you are not signed in.",
    .en_next = "Please sign in again. If it happens again, call {support}.",
};

static const struct reason *reason_of(const struct request *rq, enum idp_err err)
{
    if (err == IDP_REFUSED && rq->refusal.reason != NULL)
        return rq->refusal.reason;
    if (err == IDP_BAD_REQUEST)
        return &bad_request;
    if (err == IDP_LIMITED)
        return &limited;
    return err == IDP_UNAVAILABLE || err == IDP_FULL ? &unavailable : &fault;
}

static const char *entity(char c)
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
    default:
        return NULL;
    }
}

/* HTML text (WHATWG HTML section 13.3): nothing that came from outside is ever markup. */
static char *escape(struct arena *arena, const char *s)
{
    size_t size = 6 * strlen(s) + 1;
    char *out = arena_alloc(arena, size);
    char *at = out;
    for (; out != NULL && *s != '\0'; s++) {
        const char *code = entity(*s);
        if (code == NULL)
            *at++ = *s;
        else
            at = stpcpy(at, code);
    }
    return out;
}

static const char *filled(struct request *rq, const char *text)
{
    char *whole = refusal_text(&rq->refusal, rq->arena, text);
    return whole != NULL ? escape(rq->arena, whole) : NULL;
}

static char *render(struct request *rq, const struct reason *r)
{
    const char *zh = filled(rq, r->zh);
    const char *zh_next = filled(rq, r->zh_next);
    const char *en = filled(rq, r->en);
    const char *en_next = filled(rq, r->en_next);
    if (zh == NULL || zh_next == NULL || en == NULL || en_next == NULL)
        return NULL;
    return arena_printf(
        rq->arena,
        "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
        "<title>无法登录 · Cannot sign in</title>"
        "<link rel=\"icon\" href=\"data:,\">"
        "<link rel=\"stylesheet\" href=\"/error-page.css\"></head><body><main>"
        "<h1>无法登录</h1><p>%s</p><p class=\"next\">%s</p>"
        "<section lang=\"en\"><h2>Cannot sign in</h2><p>%s</p><p class=\"next\">%s</p></section>"
        "<p class=\"code\">%s · %s</p><p><a href=\"/help\">帮助与联系电话 · Help and "
        "contacts</a></p>"
        "</main></body></html>\n",
        zh, zh_next, en, en_next, r->code, rq->id);
}

void oauth_fail_page(struct request *rq, struct response *rs, enum idp_err err)
{
    const struct reason *r = reason_of(rq, err);
    refusal_fact(&rq->refusal, "support", rq->app->config.support_phone);
    rs->error_code = r->code;
    char *page = render(rq, r);
    if (page == NULL) {
        rs->status = 500;
        return;
    }
    (void)http_respond_bytes(rs, r->status, "text/html; charset=utf-8", page, strlen(page));
    if (r->status == 503)
        (void)http_header_add(rs, "Retry-After", "1");
}
