/*
 * Signing in: /login begins the platform's own request, /initiate does so when the portal's list
 * of platforms was used (OpenID Connect Core section 4), /callback ends both.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "platform/app.h"
#include "platform/page.h"
#include "platform/pages/pages.h"
#include "platform/pages/problem.h"
#include "platform/pages/visit.h"
#include "platform/provider.h"

static const struct param callback_params[] = {
    {.name = "state", .max = 512},
    {.name = NULL},
};

/* The browser's session, made when there is none. */
static enum idp_err have_session(struct request *rq, struct response *rs)
{
    struct session session;
    if (rq->session != NULL)
        return IDP_OK;
    enum idp_err err = sessions_begin(rq->app->sessions, rq->now, &session);
    return err == IDP_OK ? visit_set(rq, rs, &session) : err;
}

/* Remembers what was begun in the browser's session and sends the browser off. */
static enum idp_err send_off(struct request *rq, struct response *rs, const struct rp_start *start,
                             struct session_pending *pending)
{
    const char *url = arena_strdup(rq->arena, start->url);
    (void)snprintf(pending->state, sizeof(pending->state), "%s", start->state);
    (void)snprintf(pending->record, sizeof(pending->record), "%s", start->pending);
    enum idp_err err = url != NULL ? have_session(rq, rs) : IDP_FAULT;
    if (err == IDP_OK)
        err = sessions_remember(rq->app->sessions, rq->session->id, pending);
    return err == IDP_OK ? http_redirect(rs, url) : err;
}

static enum idp_err begin(struct request *rq, struct response *rs, const struct rp *rp,
                          struct session_pending *pending)
{
    struct rp_note note = {0};
    struct rp_start start = {0};
    const char *language = http_cookie_find(rq, "language");
    bool english = language != NULL && strcmp(language, "en") == 0;
    const struct rp_request request = {.max_age = RP_NO_MAX_AGE,
                                       .ui_locales = english ? "en" : "zh-CN"};
    enum rp_err failed = rp_begin(rp, &request, &note, &start);
    if (failed != RP_OK)
        return problem_sign_in(rq, rs, failed, &note);
    enum idp_err err = send_off(rq, rs, &start, pending);
    rp_start_free(&start);
    return err;
}

static enum idp_err login(struct request *rq, struct response *rs)
{
    struct rp *rp = NULL;
    struct rp_note note = {0};
    struct session_pending pending = {.from_portal = false};
    enum rp_err err = provider_meet(rq->app->provider, &note, &rp);
    if (err != RP_OK)
        return problem_sign_in(rq, rs, err, &note);
    return begin(rq, rs, rp, &pending);
}

/* The platform's front page is where one signs in: whoever is sent there wants to go inside. */
static bool is_front_page(const struct request *rq, const char *target)
{
    const char *redirect = rq->app->settings->rp.redirect_uri;
    const char *path = target + strlen(redirect) - strlen("/callback");
    return path[0] == '\0' || strcmp(path, "/") == 0;
}

static enum idp_err initiate(struct request *rq, struct response *rs)
{
    struct rp *rp = NULL;
    char *target = NULL;
    struct rp_note note = {0};
    struct session_pending pending = {.from_portal = true};
    enum rp_err err = provider_meet(rq->app->provider, &note, &rp);
    if (err == RP_OK)
        err = rp_login_initiation(rp, rq->query != NULL ? rq->query : "", &note, &target);
    if (err != RP_OK)
        return problem_sign_in(rq, rs, err, &note);
    bool fits = target == NULL || strlen(target) < sizeof(pending.target);
    if (target != NULL && fits && !is_front_page(rq, target))
        (void)snprintf(pending.target, sizeof(pending.target), "%s", target);
    free(target);
    return fits ? begin(rq, rs, rp, &pending) : IDP_BAD_REQUEST;
}

/* Lets the visitor in, under a new session id. */
static enum idp_err let_in(struct request *rq, struct response *rs, const struct rp_answer *answer,
                           const struct session_pending *pending)
{
    struct session visit = {.confirmed = !pending->from_portal};
    struct session session;
    struct log_line line;
    visitor_read(answer, &visit.visitor);
    (void)snprintf(visit.target, sizeof(visit.target), "%s", pending->target);
    enum idp_err err =
        sessions_sign_in(rq->app->sessions, rq->session->id, &visit, rq->now, &session);
    if (err != IDP_OK)
        return err;
    log_begin(&line, LOG_INFO, "signed_in");
    log_text(&line, "platform", rq->app->settings->id);
    log_text(&line, "subject", answer->subject);
    log_end(&line);
    err = visit_set(rq, rs, &session);
    return err == IDP_OK ? http_redirect(rs, visit.confirmed ? "/home" : "/confirm") : err;
}

static enum idp_err callback(struct request *rq, struct response *rs)
{
    struct rp *rp = NULL;
    struct rp_note note = {0};
    struct rp_answer *answer = NULL;
    struct session_pending pending = {0};
    const char *state = http_param(rq, "state");
    bool begun = rq->session != NULL && state != NULL &&
                 sessions_take(rq->app->sessions, rq->session->id, state, &pending) == IDP_OK;
    enum rp_err failed = provider_meet(rq->app->provider, &note, &rp);
    if (failed == RP_OK)
        failed = rp_finish(rp, rq->query != NULL ? rq->query : "", begun ? pending.record : NULL,
                           &note, &answer);
    if (failed != RP_OK)
        return problem_sign_in(rq, rs, failed, &note);
    enum idp_err err = let_in(rq, rs, answer, &pending);
    rp_answer_free(answer);
    return err;
}

const struct route platform_login_route = {
    .methods = HTTP_GET,
    .path = "/login",
    .waits = HTTP_WAITS_ALWAYS,
    .authenticate = visit_find,
    .handle = login,
    .fail = problem_fail,
};

const struct route platform_initiate_route = {
    .spec = "OpenID Connect Core 1.0 section 4",
    .methods = HTTP_GET,
    .path = "/initiate",
    .waits = HTTP_WAITS_ALWAYS,
    .authenticate = visit_find,
    .handle = initiate,
    .fail = problem_fail,
};

const struct route platform_callback_route = {
    .spec = "OpenID Connect Core 1.0 section 3.1.2.5",
    .methods = HTTP_GET,
    .path = "/callback",
    .waits = HTTP_WAITS_ALWAYS,
    .params = callback_params,
    .authenticate = visit_find,
    .handle = callback,
    .fail = problem_fail,
};
