#include "pki/trust/trial_services.h"

#include <stdio.h>
#include <string.h>

#include <sys/stat.h>

#include "base/arena.h"
#include "base/clock.h"
#include "net/fetch.h"
#include "pki/crl/crl_held.h"
#include "pki/lock/leaf.h"
#include "pki/ocsp/ocsp.h"
#include "pki/ocsp/ocsp_request.h"
#include "pki/trust/rules.h"
#include "pki/trust/trial.h"
#include "pki/trust/trust.h"

/* One asking of all, and where it stands. */
struct tour {
    const struct trial_asking *asking;
    struct arena *arena;
    const struct trust *trust;
    int64_t ends_ms;
    struct trial_service *services;
    size_t count;
};

static struct trial_service *next(struct tour *tour, const struct authority *authority,
                                  const char *url, bool is_list)
{
    struct trial_service *service = &tour->services[tour->count++];
    *service = (struct trial_service){.authority = authority->id, .url = url, .is_list = is_list};
    return service;
}

static bool is_over(const struct tour *tour, struct trial_service *service)
{
    if (clock_ticks_ms() < tour->ends_ms)
        return false;
    service->problem = "not asked: the others took too long";
    return true;
}

static const char *problem_of(enum idp_err err)
{
    static const struct {
        enum idp_err err;
        const char *text;
    } problems[] = {{IDP_DENIED, "the address is not allowed"},
                    {IDP_UNAVAILABLE, "no answer came in time"},
                    {IDP_FULL, "the answer is too large"}};
    for (size_t i = 0; i < sizeof(problems) / sizeof(*problems); i++)
        if (problems[i].err == err)
            return problems[i].text;
    return "it could not be asked";
}

/*
 * Sends it, and notes how long it took. Returns whether an answer came. Nobody has signed the new
 * list: into the operator's own network only addresses lead that the list in use names as well, or
 * the settings.
 */
static bool send(const struct tour *tour, struct net_request *request,
                 struct trial_service *service, struct net_answer *out)
{
    int64_t from = clock_ticks_ms();
    const struct trust *in_use = tour->asking->trial->before;
    request->allow = in_use != NULL ? trust_hosts(in_use) : NULL;
    request->plain = true;
    enum idp_err err = net_fetch(tour->asking->net, tour->arena, request, out);
    service->took_ms = clock_ticks_ms() - from;
    service->asked = err != IDP_DENIED;
    if (err != IDP_OK)
        service->problem = problem_of(err);
    else if (out->status != 200)
        service->problem = "an HTTP error came back";
    return service->problem == NULL;
}

/* --- status services ------------------------------------------------------------------------ */

static enum idp_err ask_service(struct tour *tour, const struct ocsp_question *question,
                                const struct authority *authority, const char *url)
{
    struct net_answer received = {.status = 0};
    struct net_request request;
    struct trial_service *service = next(tour, authority, url, false);
    if (is_over(tour, service))
        return IDP_OK;
    enum idp_err err = ocsp_request_write(tour->arena, question, url, NULL, &request);
    if (err != IDP_OK)
        return err;
    request.deadline_ms = (unsigned)authority->rules->revocation.deadline_ms;
    if (!send(tour, &request, service, &received))
        return IDP_OK;
    const struct ocsp_answer answer =
        ocsp_answer_read(question, received.body, received.body_len, tour->asking->trial->now);
    service->good = answer.verdict != STATUS_UNUSABLE;
    service->problem = service->good ? NULL : answer.problem;
    return IDP_OK;
}

/* The latest certificate of the authority, as the new list sees it. Expired ones do not do: their
 * authority need not know them any more. */
static enum idp_err find_leaf(const struct tour *tour, const struct authority *authority,
                              struct leaf **out)
{
    for (size_t i = 0; i < tour->asking->count; i++) {
        enum pki_reason why = PKI_REASONS;
        const struct trial_certificate *each = tour->asking->certificates[i];
        if (each->after.authority == NULL || each->after.reason != PKI_REASONS ||
            strcmp(each->after.authority, authority->id) != 0)
            continue;
        enum idp_err err = leaf_parse(each->der, each->der_len, &why, out);
        return err == IDP_OK ? leaf_judge(*out, tour->trust) : err;
    }
    return IDP_NOT_FOUND;
}

static enum idp_err ask_all(struct tour *tour, const struct authority *authority,
                            const struct leaf *leaf)
{
    struct ocsp_question question;
    const struct urls *urls = &authority->rules->revocation.ocsp;
    enum idp_err err =
        ocsp_question_make(authority->rules, leaf->anchor, leaf->der, leaf->der_len, &question);
    if (err != IDP_OK)
        return err;
    for (size_t i = 0; i < urls->count && err == IDP_OK; i++)
        err = ask_service(tour, &question, authority, urls->list[i]);
    ocsp_question_clear(&question);
    return err;
}

static enum idp_err ask_services(struct tour *tour, const struct authority *authority)
{
    struct leaf *leaf = NULL;
    const struct urls *urls = &authority->rules->revocation.ocsp;
    if (urls->count == 0)
        return IDP_OK;
    enum idp_err err = find_leaf(tour, authority, &leaf);
    if (err == IDP_OK)
        err = ask_all(tour, authority, leaf);
    for (size_t i = 0; i < urls->count && err == IDP_NOT_FOUND; i++)
        next(tour, authority, urls->list[i], false)->problem =
            "not asked: none of its certificates that would be accepted was seen lately";
    leaf_release(leaf);
    return err == IDP_NOT_FOUND ? IDP_OK : err;
}

/* --- lists ---------------------------------------------------------------------------------- */

static enum idp_err fetch_list(struct tour *tour, const struct authority *authority,
                               const char *url)
{
    struct stat about;
    struct net_answer received = {.status = 0};
    struct trial_service *service = next(tour, authority, url, true);
    if (is_over(tour, service))
        return IDP_OK;
    FILE *file = tmpfile();
    if (file == NULL)
        return IDP_FAULT;
    int fd = fileno(file);
    struct net_request request = {.url = url,
                                  .accept = "application/pkix-crl",
                                  .file = &fd,
                                  .answer_max = CRL_FILE_MAX,
                                  .deadline_ms = TRIAL_LIST_MS};
    service->good = send(tour, &request, service, &received);
    if (service->good && fstat(fd, &about) == 0)
        service->bytes = about.st_size;
    (void)fclose(file);
    return IDP_OK;
}

/* --- the whole ------------------------------------------------------------------------------ */

static enum idp_err ask_authority(struct tour *tour, const struct authority *authority)
{
    const struct urls *lists = &authority->rules->revocation.crl;
    enum idp_err err = ask_services(tour, authority);
    for (size_t i = 0; i < lists->count && err == IDP_OK; i++)
        err = fetch_list(tour, authority, lists->list[i]);
    return err;
}

static size_t addresses(const struct trust *trust)
{
    size_t n = 0;
    for (size_t i = 0; i < trust->count; i++)
        n += trust->authorities[i].rules->revocation.ocsp.count +
             trust->authorities[i].rules->revocation.crl.count;
    return n;
}

enum idp_err trial_services_ask(const struct trial_asking *asking, struct arena *arena,
                                struct trial_service **out, size_t *found)
{
    struct tour tour = {.asking = asking,
                        .arena = arena,
                        .trust = asking->trial->after,
                        .ends_ms = clock_ticks_ms() + TRIAL_TOTAL_MS};
    tour.services = arena_alloc(arena, (addresses(tour.trust) + 1) * sizeof(*tour.services));
    enum idp_err err = tour.services != NULL ? IDP_OK : IDP_FAULT;
    for (size_t i = 0; i < tour.trust->count && err == IDP_OK; i++)
        err = ask_authority(&tour, &tour.trust->authorities[i]);
    if (err != IDP_OK)
        return err;
    *out = tour.services;
    *found = tour.count;
    return IDP_OK;
}
