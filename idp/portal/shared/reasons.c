#include "portal/shared/reasons.h"

const struct reason portal_request_shape = {
    .code = "request.shape",
    .status = 400,
    .operator_note = "the body is not what this call takes",
    .action = "retry",
    .zh = "页面发来的数据不完整或格式不对。",
    .zh_next = "请刷新页面后再试。",
    .en = "What the page sent is incomplete or malformed.",
    .en_next = "Reload the page and try again.",
};

const struct reason portal_request_origin = {
    .code = "request.origin",
    .status = 403,
    .operator_note = "Origin is missing or not our own",
    .zh = "请求不是从本系统的页面发出的，已被拒绝。",
    .zh_next = "请从本系统首页重新进入。",
    .en = "The request did not come from a page of this site and was refused.",
    .en_next = "Start again from the home page.",
};

const struct reason portal_request_token = {
    .code = "request.token",
    .status = 403,
    .operator_note = "X-Tamga-Token is missing or of another session",
    .action = "retry",
    .zh = "页面已过期（可能在另一个窗口登录或退出过）。",
    .zh_next = "请刷新页面后再试。",
    .en = "The page is out of date: you may have signed in or out in another window.",
    .en_next = "Reload the page and try again.",
};

const struct reason portal_challenge_gone = {
    .code = "challenge.gone",
    .status = 403,
    .operator_note = "no challenge waits in this session, or it is over",
    .action = "retry",
    .zh = "本次签名请求已超时或已用过。",
    .zh_next = "请重新点击登录，并在三分钟内输入密码。",
    .en = "This request for a signature is over or was used before.",
    .en_next = "Choose to sign in again, and type the PIN within three minutes.",
};

const struct reason portal_session_gone = {
    .code = "session.gone",
    .status = 401,
    .operator_note = "not signed in, or the session is over",
    .action = "sign_in",
    .zh = "您尚未登录，或登录已超时。",
    .zh_next = "请插入CA锁重新登录。",
    .en = "You are not signed in, or your session is over.",
    .en_next = "Insert the lock and sign in again.",
};

const struct reason portal_interaction_gone = {
    .code = "interaction.gone",
    .status = 404,
    .operator_note = "no such interaction of this session",
    .zh = "这次登录请求已超时，或是在另一个窗口、另一个浏览器中发起的。",
    .zh_next = "请回到交易平台，重新点击“CA锁登录”。",
    .en = "This request to sign in is over, or was begun in another window or browser.",
    .en_next = "Go back to the platform and choose to sign in again.",
};

const struct reason portal_binding_gone = {
    .code = "binding.gone",
    .status = 409,
    .operator_note = "no lock was read in this session, or too long ago",
    .action = "retry",
    .zh = "读取的证书已超时，或尚未读取。",
    .zh_next = "请重新读取证书，已填写的内容会保留在页面上。",
    .en = "No certificate has been read yet, or it was too long ago.",
    .en_next = "Read the certificate again; what you filled in stays on the page.",
};

const struct reason portal_rate_limited = {
    .code = "rate.limited",
    .status = 429,
    .operator_note = "too many calls from one address",
    .action = "retry",
    .zh = "操作太频繁了。",
    .zh_next = "请一分钟后再试。",
    .en = "Too many attempts from your network.",
    .en_next = "Please try again in a minute.",
};

const struct reason portal_environment_mismatch = {
    .code = "environment.mismatch",
    .status = 403,
    .operator_note = "a test lock at a production platform, or the reverse",
    .zh = "测试用的锁不能登录正式平台，正式的锁也不能登录测试平台。",
    .zh_next = "请换用与该平台相应的锁。",
    .en = "A test lock cannot sign in to a production platform, nor the reverse.",
    .en_next = "Use a lock of the platform's own kind.",
};

const struct reason portal_platform_unknown = {
    .code = "platform.unknown",
    .status = 404,
    .operator_note = "no such client, or not active",
    .zh = "没有找到这个交易平台，或它目前已暂停接入。",
    .zh_next = "请从平台列表中重新选择。",
    .en = "There is no such platform, or it is suspended at present.",
    .en_next = "Choose again from the list of platforms.",
};

const struct reason portal_platform_not_joined = {
    .code = "platform.not_joined",
    .status = 409,
    .operator_note = "the client is announced, or cannot be launched",
    .action = "call",
    .zh = "{name}尚未接入CA互认。",
    .zh_next = "请按该平台自己的方式登录，或致电{phone}了解接入时间。",
    .en = "{name_en} has not joined yet.",
    .en_next = "Sign in there in the platform's own way, or call {phone} to learn when it joins.",
};

const struct reason portal_form_field = {
    .code = "form.invalid",
    .status = 422,
    .operator_note = "a field of the form is not acceptable",
    .zh = "请检查“{label_zh}”这一项。",
    .zh_next = "改好之后再次提交，其他内容不会丢失。",
    .en = "Please check the field “{label_en}”.",
    .en_next = "Correct it and submit again; nothing else is lost.",
};

const struct reason portal_server_unavailable = {
    .code = "server.unavailable",
    .status = 503,
    .operator_note = "a store does not answer, or the queue is full",
    .action = "retry",
    .zh = "系统暂时繁忙，没有处理您的请求。",
    .zh_next = "请稍候片刻再试；长时间如此请致电{support}。",
    .en = "The system is busy and did not handle your request.",
    .en_next = "Please try again in a moment. If it lasts, call {support}.",
};

const struct reason portal_server_fault = {
    .code = "server.fault",
    .status = 500,
    .operator_note = "a fault of ours",
    .action = "retry",
    .zh = "系统出现故障，操作没有完成。",
    .zh_next = "请再试一次；仍然出现时请致电{support}，并说明下面的编号。",
    .en = "Something failed on our side; nothing was done.",
    .en_next = "Please try again. If it happens again, call {support} and name the number below.",
};
