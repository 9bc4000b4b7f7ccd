#include "pki/ocsp/asking.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "pki/ocsp/round.h"
#include "pki/ocsp/verdicts.h"
#include "pki/trust/rules.h"

/* A question in flight. Whoever leaves it last frees it. */
struct flight {
    struct flight *next;
    const struct view *view;         /* of who asks, who holds it until the flight has landed */
    unsigned char hash[DIGEST_SIZE]; /* the leaf's */
    unsigned people;                 /* who asks, and who waits */
    bool landed;
    enum idp_err err;
    struct ocsp_answer answer;
    unsigned char *response; /* malloc'ed, or NULL */
    size_t response_len;
};

struct asking {
    struct pki_fetch fetch;
    struct pki_lists lists;
    unsigned waiters;
    pthread_mutex_t lock; /* guards what is below, the views' verdicts and the lines' people */
    pthread_cond_t changed;
    struct flight *flights;
};

struct asking *asking_new(struct pki_fetch fetch, struct pki_lists lists, unsigned waiters)
{
    pthread_condattr_t attributes;
    struct asking *asking = calloc(1, sizeof(*asking));
    if (asking == NULL)
        return NULL;
    asking->fetch = fetch;
    asking->lists = lists;
    asking->waiters = waiters > 0 ? waiters : ASKING_WAITERS;
    bool good = pthread_condattr_init(&attributes) == 0 &&
                pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&asking->changed, &attributes) == 0 &&
                pthread_mutex_init(&asking->lock, NULL) == 0;
    if (!good) {
        free(asking);
        return NULL;
    }
    (void)pthread_condattr_destroy(&attributes);
    return asking;
}

void asking_free(struct asking *asking)
{
    if (asking == NULL)
        return;
    (void)pthread_cond_destroy(&asking->changed);
    (void)pthread_mutex_destroy(&asking->lock);
    free(asking);
}

/* --- one question --------------------------------------------------------------------------- */

static enum idp_err ask(struct asking *asking, struct arena *arena,
                        const struct asking_about *about, struct status *out)
{
    struct round round = {.fetch = asking->fetch, .lists = &asking->lists, .about = about};
    struct line *line = view_line(about->view, about->leaf);
    int64_t begun_us = clock_ticks_us();
    enum idp_err err = round_ask(&round, arena, out);
    if (err != IDP_OK)
        return err;
    if (round.answered)
        circuit_answered(&line->circuit);
    else
        circuit_missed(&line->circuit, clock_ticks_ms());
    line_count(line, out->answer.verdict, clock_ticks_us() - begun_us);
    return IDP_OK;
}

/* --- many who ask --------------------------------------------------------------------------- */

static struct timespec time_in(int64_t ms)
{
    int64_t at = clock_ticks_ms() + ms;
    return (struct timespec){.tv_sec = (time_t)(at / 1000), .tv_nsec = (long)(at % 1000) * 1000000};
}

/* Of the same view: what another list says of the answer does not count here. */
static struct flight *find_flight(const struct asking *asking, const struct asking_about *about)
{
    struct flight *flight = asking->flights;
    while (flight != NULL && (flight->view != about->view ||
                              memcmp(flight->hash, about->leaf->hash, DIGEST_SIZE) != 0))
        flight = flight->next;
    return flight;
}

/* Puts a flight for this leaf into the list. NULL: no memory. */
static struct flight *begin_flight(struct asking *asking, const struct asking_about *about)
{
    struct flight *flight = calloc(1, sizeof(*flight));
    if (flight == NULL)
        return NULL;
    flight->view = about->view;
    memcpy(flight->hash, about->leaf->hash, DIGEST_SIZE);
    flight->people = 1;
    flight->next = asking->flights;
    asking->flights = flight;
    return flight;
}

static void unlink_flight(struct asking *asking, const struct flight *flight)
{
    struct flight **at = &asking->flights;
    while (*at != flight)
        at = &(*at)->next;
    *at = flight->next;
}

static void leave(struct flight *flight)
{
    if (--flight->people > 0)
        return;
    free(flight->response);
    free(flight);
}

/* Copies the bytes for those who wait: no verdict goes without its evidence. */
static enum idp_err copy_response(struct flight *flight, const struct status *status)
{
    if (status->response == NULL || status->response_len == 0)
        return IDP_OK;
    flight->response = malloc(status->response_len);
    if (flight->response == NULL)
        return IDP_FAULT;
    memcpy(flight->response, status->response, status->response_len);
    flight->response_len = status->response_len;
    return IDP_OK;
}

static void land(struct asking *asking, struct flight *flight, enum idp_err err,
                 const struct status *status)
{
    flight->answer = status->answer;
    flight->err = err == IDP_OK ? copy_response(flight, status) : err;
    flight->landed = true;
    unlink_flight(asking, flight);
    (void)pthread_cond_broadcast(&asking->changed);
}

/* The one who asks. Called and left with the lock held. */
static enum idp_err fly(struct asking *asking, struct arena *arena,
                        const struct asking_about *about, struct status *out)
{
    struct line *line = view_line(about->view, about->leaf);
    struct status status = {.answer = ocsp_unusable(FAULT_SILENT, "the circuit is open")};
    if (!circuit_allows(&line->circuit, clock_ticks_ms())) {
        line_count_spared(line);
        *out = status;
        return IDP_OK;
    }
    struct flight *flight = begin_flight(asking, about);
    if (flight == NULL)
        return IDP_FAULT;
    (void)pthread_mutex_unlock(&asking->lock);
    enum idp_err err = ask(asking, arena, about, &status);
    (void)pthread_mutex_lock(&asking->lock);
    if (err == IDP_OK)
        verdicts_keep(&about->view->refused, about->leaf->hash, &status.answer, clock_ticks_ms());
    land(asking, flight, err, &status);
    leave(flight);
    if (err == IDP_OK)
        *out = status;
    return err;
}

/* One who waits for another's question. Called and left with the lock held. */
static enum idp_err ride_along(struct asking *asking, struct arena *arena, struct flight *flight,
                               const struct leaf *leaf, struct status *out)
{
    const struct revocation *revocation = &leaf->authority->rules->revocation;
    struct timespec until = time_in(revocation->deadline_ms + ASKING_RIDE_EXTRA_MS);
    int waited = 0;
    flight->people++;
    while (!flight->landed && waited == 0)
        waited = pthread_cond_timedwait(&asking->changed, &asking->lock, &until);
    enum idp_err err = flight->landed ? flight->err : IDP_OK;
    struct status status = {.answer =
                                ocsp_unusable(FAULT_SILENT, "the question is still in flight")};
    if (flight->landed && err == IDP_OK) {
        status.answer = flight->answer;
        status.response_len = flight->response_len;
        status.response = arena_copy(arena, flight->response, flight->response_len);
    }
    if (status.response_len > 0 && status.response == NULL)
        err = IDP_FAULT;
    leave(flight);
    if (err == IDP_OK)
        *out = status;
    return err;
}

/* Asks or waits, within the authority's share. Called and left with the lock held. */
static enum idp_err ask_or_wait(struct asking *asking, struct arena *arena,
                                const struct asking_about *about, struct status *out)
{
    struct line *line = view_line(about->view, about->leaf);
    if (line->people >= asking->waiters) {
        line_count_spared(line);
        *out = (struct status){
            .answer = ocsp_unusable(FAULT_NOT_ASKED, "too many wait for this authority")};
        return IDP_OK;
    }
    line->people++;
    struct flight *flight = find_flight(asking, about);
    enum idp_err err = flight != NULL ? ride_along(asking, arena, flight, about->leaf, out)
                                      : fly(asking, arena, about, out);
    line->people--;
    return err;
}

enum idp_err asking_ask(struct asking *asking, struct arena *arena,
                        const struct asking_about *about, struct status *out)
{
    enum idp_err err = IDP_OK;
    (void)pthread_mutex_lock(&asking->lock);
    const struct ocsp_answer *known =
        verdicts_find(&about->view->refused, about->leaf->hash, clock_ticks_ms());
    if (known != NULL) {
        line_count_known(view_line(about->view, about->leaf));
        *out = (struct status){.answer = *known};
    } else {
        err = ask_or_wait(asking, arena, about, out);
    }
    (void)pthread_mutex_unlock(&asking->lock);
    return err;
}
