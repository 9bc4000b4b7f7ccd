#include "pki/ocsp/round.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/race.h"
#include "pki/ocsp/asking.h"
#include "pki/ocsp/ocsp_request.h"
#include "pki/revocation/status.h"

struct run {
    struct round *round;
    struct ocsp_question question;
    struct services *services;
    struct net_entrant entrants[RULES_OCSP_MAX];
    struct service_turn turns[RULES_OCSP_MAX];
    size_t count;
    struct status status;
};

/* --- what is sent --------------------------------------------------------------------------- */

static enum idp_err enter_all(struct run *run, struct arena *arena)
{
    const struct revocation *revocation = &run->question.rules->revocation;
    run->count = services_order(run->services, &revocation->ocsp, (unsigned)revocation->deadline_ms,
                                clock_ticks_ms(), run->turns);
    for (size_t i = 0; i < run->count; i++) {
        struct net_entrant *entrant = &run->entrants[i];
        enum idp_err err =
            ocsp_request_write(arena, &run->question, run->turns[i].url,
                               trust_hosts(run->round->about->view->trust), &entrant->request);
        if (err != IDP_OK)
            return err;
        entrant->patience_ms = run->turns[i].patience_ms;
    }
    return IDP_OK;
}

/* --- what comes back ------------------------------------------------------------------------ */

/* An HTTP error is told by its status alone, whatever lies in it. */
static struct ocsp_answer read_answer(const struct run *run, enum idp_err err,
                                      const struct net_answer *received)
{
    if (err == IDP_UNAVAILABLE)
        return ocsp_unusable(FAULT_SILENT, "no answer came in time");
    if (err == IDP_DENIED)
        return ocsp_unusable(FAULT_NOT_ASKED, "the address is not allowed");
    if (err == IDP_FULL)
        return ocsp_unusable(FAULT_HTTP, "the answer is too large");
    if (err != IDP_OK)
        return ocsp_unusable(FAULT_NOT_ASKED, "the question could not be sent");
    if (received->status != 200)
        return ocsp_unusable(FAULT_HTTP, "the service answered with an HTTP error");
    return ocsp_answer_read(&run->question, received->body, received->body_len,
                            run->round->about->now);
}

static void log_problem(const struct run *run, size_t which)
{
    char hash[BASE64URL_LEN(DIGEST_SIZE) + 1]; /* as the tables have it */
    struct log_line line;
    const struct leaf *leaf = run->round->about->leaf;
    base64url_encode(leaf->hash, DIGEST_SIZE, hash);
    log_begin(&line, LOG_WARN, "status_unusable");
    log_text(&line, "authority", leaf->authority->id);
    log_text(&line, "address", run->turns[which].url);
    log_text(&line, "certificate", hash);
    log_text(&line, "problem", run->status.answer.problem);
    log_end(&line);
}

static bool take(void *context, size_t which, enum idp_err err, const struct net_answer *received)
{
    struct run *run = context;
    struct status *status = &run->status;
    *status = (struct status){.answer = read_answer(run, err, received)};
    if (err == IDP_OK) {
        status->response = received->body;
        status->response_len = received->body_len;
    }
    bool usable = status->answer.verdict != STATUS_UNUSABLE;
    struct net_entrant *entrant = &run->entrants[which];
    run->round->answered = run->round->answered || err == IDP_OK || err == IDP_FULL;
    services_count(run->services,
                   &(struct service_outcome){.url = run->turns[which].url,
                                             .hedged = entrant->joined,
                                             .result = usable ? SERVICE_WON : SERVICE_UNUSABLE,
                                             .fault = status->answer.fault,
                                             .took_us = entrant->took_us},
                   clock_ticks_ms());
    if (!usable)
        log_problem(run, which);
    return usable;
}

static void count_the_broken_off(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        const struct net_entrant *entrant = &run->entrants[i];
        if (entrant->begun && !entrant->over)
            services_count(run->services,
                           &(struct service_outcome){.url = run->turns[i].url,
                                                     .hedged = entrant->joined,
                                                     .result = SERVICE_LOST,
                                                     .took_us = entrant->took_us},
                           clock_ticks_ms());
    }
}

enum idp_err round_ask(struct round *round, struct arena *arena, struct status *out)
{
    const struct leaf *leaf = round->about->leaf;
    struct run run = {
        .round = round,
        .services = &view_line(round->about->view, leaf)->services,
        .status.answer = ocsp_unusable(FAULT_NOT_ASKED, "no address"),
    };
    enum idp_err err = ocsp_question_make(leaf->authority->rules, leaf->anchor, leaf->der,
                                          leaf->der_len, &run.question);
    if (err != IDP_OK)
        return err;
    run.question.lists = round->lists;
    err = enter_all(&run, arena);
    struct net_race race = {.list = run.entrants,
                            .count = run.count,
                            .deadline_ms = (unsigned)run.question.rules->revocation.deadline_ms,
                            .context = &run,
                            .take = take};
    if (err == IDP_OK)
        err = round->fetch.race(round->fetch.context, arena, &race);
    count_the_broken_off(&run);
    ocsp_question_clear(&run.question);
    if (err == IDP_OK)
        *out = run.status;
    return err;
}
