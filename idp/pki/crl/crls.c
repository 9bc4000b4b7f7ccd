/*
 * What readers see is a shelf: a place for each issuer, with lists that are counted. A change makes
 * another shelf and exchanges the two (base/turns.h); readers never wait for it. Whoever changes
 * something holds one lock; mapping, reading and indexing a list happens before it is taken.
 */
#include "pki/crl/crls.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "base/turns.h"
#include "pki/crl/crl_files.h"
#include "pki/crl/crl_held.h"
#include "pki/crl/crl_issuers.h"

struct place {
    unsigned char issuer[DIGEST_SIZE];
    struct crl_held *full, *delta; /* NULL: none; a delta stands over a full list only */
    bool marked;                   /* the issuer was found revoked once */
    bool revoked;                  /* that, or it is on hold now */
};

struct shelf {
    size_t count;
    struct place places[];
};

struct crls {
    char *wanted; /* the folder's name; NULL: there is none */
    struct turns *shelves;
    pthread_mutex_t changing; /* guards what is below, and that the shelf is exchanged */
    const char *folder;       /* the same name, once it can be written */
    struct crl_issuers *issuers;
};

/* --- the shelf -------------------------------------------------------------------------------- */

static struct place *find_place(struct shelf *shelf, const unsigned char *issuer)
{
    for (size_t i = 0; i < shelf->count; i++)
        if (memcmp(shelf->places[i].issuer, issuer, DIGEST_SIZE) == 0)
            return &shelf->places[i];
    return NULL;
}

static void drop_shelf(void *with)
{
    struct shelf *shelf = with;
    for (size_t i = 0; shelf != NULL && i < shelf->count; i++) {
        crl_held_release(shelf->places[i].full);
        crl_held_release(shelf->places[i].delta);
    }
    free(shelf);
}

static struct shelf *new_shelf(size_t room)
{
    return calloc(1, sizeof(struct shelf) + room * sizeof(struct place));
}

/* The place of an issuer on a shelf that is being made; the room is there. */
static struct place *add_place(struct shelf *shelf, const struct place *from)
{
    struct place *place = &shelf->places[shelf->count++];
    *place = *from;
    (void)crl_held_take(place->full);
    (void)crl_held_take(place->delta);
    return place;
}

/* The shelf that counts, for whoever holds the lock: nobody exchanges it meanwhile. */
static struct shelf *present(struct crls *crls)
{
    struct turns_place *place = turns_take(crls->shelves);
    struct shelf *shelf = turns_of(place);
    turns_leave(place);
    return shelf;
}

static struct shelf *copy_shelf(struct crls *crls)
{
    const struct shelf *before = present(crls);
    struct shelf *shelf = new_shelf(before->count);
    for (size_t i = 0; shelf != NULL && i < before->count; i++)
        (void)add_place(shelf, &before->places[i]);
    return shelf;
}

/* Readers hold a shelf for a microsecond, so that there is room for another very soon. */
static void exchange(struct crls *crls, struct shelf *shelf)
{
    static const struct timespec moment = {.tv_nsec = 1000000};
    while (turns_turn(crls->shelves, shelf) != IDP_OK)
        (void)nanosleep(&moment, NULL);
}

/* --- looking up ------------------------------------------------------------------------------- */

static void look_in(const struct place *place, const struct crl_part *serial,
                    struct crl_finding *out)
{
    *out = (struct crl_finding){.reason = CRL_REASON_UNSAID};
    if (place == NULL || place->full == NULL)
        return;
    const struct crl_index *delta = place->delta != NULL ? place->delta->index : NULL;
    const struct crl_word word = crl_look(place->full->index, delta, serial->at, serial->len);
    out->present = true;
    out->entry = word.entry;
    out->revoked_at = word.revoked_at;
    out->reason = word.reason;
    out->full = place->full->name;
    if (place->delta != NULL)
        out->delta = place->delta->name;
}

void crls_find(struct crls *crls, const unsigned char issuer[DIGEST_SIZE],
               const unsigned char *serial, size_t serial_len, struct crl_finding *out)
{
    const struct crl_part wanted = {.at = serial, .len = serial_len};
    struct turns_place *held = turns_take(crls->shelves);
    look_in(find_place(turns_of(held), issuer), &wanted, out);
    turns_leave(held);
}

bool crls_anchor_revoked(struct crls *crls, const unsigned char anchor[DIGEST_SIZE])
{
    struct turns_place *held = turns_take(crls->shelves);
    const struct place *place = find_place(turns_of(held), anchor);
    bool revoked = place != NULL && place->revoked;
    turns_leave(held);
    return revoked;
}

/* --- anchors ---------------------------------------------------------------------------------- */

static void log_anchor(const struct crl_issuer *anchor)
{
    char hash[2 * DIGEST_SIZE + 1];
    struct log_line line;
    text_to_hex(anchor->hash, DIGEST_SIZE, hash);
    log_begin(&line, LOG_ERROR, "anchor_revoked");
    log_text(&line, "authority", anchor->authority);
    log_text(&line, "anchor", hash);
    log_end(&line);
}

static void judge_anchor(const struct crls *crls, struct shelf *shelf,
                         const struct crl_issuer *anchor)
{
    struct crl_finding finding;
    const struct crl_part serial = {.at = anchor->serial, .len = anchor->serial_len};
    struct place *place = find_place(shelf, anchor->hash);
    if (place == NULL)
        return;
    look_in(find_place(shelf, anchor->root->hash), &serial, &finding);
    bool was_revoked = place->revoked;
    if (finding.entry == CRL_LISTED && !place->marked) {
        place->marked = true;
        (void)crl_file_mark(crls->folder, anchor->hash); /* the list is in the folder, too */
    }
    place->revoked = place->marked || finding.entry != CRL_NOT_LISTED;
    if (place->revoked && !was_revoked)
        log_anchor(anchor);
}

/* What the roots' lists say of the anchors. */
static void judge_anchors(const struct crls *crls, const struct crl_issuers *issuers,
                          struct shelf *shelf)
{
    for (size_t i = 0; i < issuers->count; i++)
        if (issuers->list[i].root != NULL)
            judge_anchor(crls, shelf, &issuers->list[i]);
}

/* --- whether a list may come ------------------------------------------------------------------ */

/* A list as it is offered to one issuer. */
struct offered {
    const struct crl_issuer *issuer;
    struct crl_held *held;
    int64_t now;
};

static int compare_numbers(const struct crl_number *a, const struct crl_number *b)
{
    return memcmp(a->octets, b->octets, CRL_NUMBER_OCTETS);
}

/*
 * Whether a list goes on where the one in use is: its number is higher, or it is a later one of the
 * same number, as some authorities write them. Neither goes back (SECURITY row 38; an old list is
 * signed as well as a new one).
 */
static enum crls_outcome follows(const struct crl_held *now, const struct crl_held *next,
                                 const char **why)
{
    if (now == NULL)
        return CRLS_TAKEN;
    int higher = compare_numbers(&next->is.list.number, &now->is.list.number);
    *why = higher < 0                                             ? "number_lower"
           : next->is.list.this_update < now->is.list.this_update ? "this_update_earlier"
           : higher == 0 && next->is.list.this_update == now->is.list.this_update ? "number_same"
                                                                                  : NULL;
    return *why == NULL ? CRLS_TAKEN : CRLS_REFUSED;
}

/* Whether the delta may stand over this full list. One that comes first waits for it. */
static enum crls_outcome stands_over(const struct crl_held *full, const struct crl_held *delta,
                                     const char **why)
{
    enum crl_objection objection =
        full != NULL ? crl_judge_delta(&full->is.list, &delta->is.list) : CRL_BASE_TOO_OLD;
    if (objection == CRL_SPEAKS)
        return CRLS_TAKEN;
    if (objection == CRL_BASE_TOO_OLD)
        return CRLS_NO_BASE;
    *why = crl_objection_name(objection);
    return objection == CRL_DELTA_TOO_OLD ? CRLS_SAME : CRLS_REFUSED;
}

/* Whether a list covers all that this issuer issues. Which part of it a certificate belongs to is
 * not looked at, so what a list of a part leaves out would look as if it were not revoked. */
static enum crl_objection misses(const struct crl_issuer *issuer, const struct crl_held *held)
{
    struct crl_list list = held->is.list;
    list.is_delta = false; /* its scope has to be its full list's */
    enum crl_objection objection = crl_judge_scope(&list, issuer->kinds);
    return objection == CRL_SPEAKS ? crl_judge_point(&list, NULL) : objection;
}

static bool covers(const struct crl_issuer *issuer, const struct crl_held *held)
{
    return misses(issuer, held) == CRL_SPEAKS;
}

/* What speaks against a list, whatever is in use. What one that is over lists is revoked all the
 * same: who asks minds the dates. */
static enum crl_objection objection_to(const struct offered *offered)
{
    const struct crl_held *held = offered->held;
    enum crl_objection objection = crl_judge_issuer(&held->is, offered->issuer->certificate, NULL);
    if (objection == CRL_SPEAKS)
        objection = misses(offered->issuer, held);
    if (objection == CRL_SPEAKS)
        objection = crl_judge_dates(&held->is.list, offered->now, 0);
    return objection == CRL_STALE ? CRL_SPEAKS : objection;
}

static bool is_here(const struct place *place, const struct crl_held *held)
{
    const struct crl_held *here = held->is.list.is_delta ? place->delta : place->full;
    return here != NULL && memcmp(here->name.hash, held->name.hash, DIGEST_SIZE) == 0;
}

static enum crls_outcome judge(const struct place *place, const struct offered *offered,
                               const char **why)
{
    const struct crl_held *held = offered->held;
    if (is_here(place, held))
        return CRLS_SAME;
    enum crl_objection objection = objection_to(offered);
    if (objection != CRL_SPEAKS) {
        *why = crl_objection_name(objection);
        return CRLS_REFUSED;
    }
    if (!held->is.list.is_delta)
        return follows(place->full, held, why);
    enum crls_outcome outcome = stands_over(place->full, held, why);
    return outcome == CRLS_TAKEN ? follows(place->delta, held, why) : outcome;
}

/* --- putting a list on the shelf -------------------------------------------------------------- */

static void put(struct place *place, struct crl_held *held)
{
    const char *why = NULL;
    struct crl_held **slot = held->is.list.is_delta ? &place->delta : &place->full;
    crl_held_release(*slot);
    *slot = crl_held_take(held);
    if (place->delta == NULL || stands_over(place->full, place->delta, &why) == CRLS_TAKEN)
        return;
    crl_held_release(place->delta); /* the full list has what was in it */
    place->delta = NULL;
}

static void log_list(enum log_level level, const char *event, const struct offered *offered)
{
    char hash[2 * DIGEST_SIZE + 1];
    struct log_line line;
    const struct crl_held *held = offered->held;
    text_to_hex(offered->issuer->hash, DIGEST_SIZE, hash);
    log_begin(&line, level, event);
    log_text(&line, "authority", offered->issuer->authority);
    log_text(&line, "issuer", hash);
    log_text(&line, "kind", held->is.list.is_delta ? "delta" : "full");
    log_text(&line, "number", held->name.number);
    log_number(&line, "entries", (int64_t)held->is.list.count);
    log_number(&line, "this_update", held->is.list.this_update);
    log_number(&line, "next_update", held->is.list.next_update);
    log_end(&line);
}

static enum crl_file kind_of(const struct crl_held *held)
{
    return held->is.list.is_delta ? CRL_FILE_DELTA : CRL_FILE_FULL;
}

/* With the lock held: puts the list into the issuer's place, on disk and on another shelf. */
static enum crls_outcome take(struct crls *crls, const struct crl_draft *draft,
                              const struct offered *offered)
{
    struct shelf *shelf = copy_shelf(crls);
    struct place *place = shelf != NULL ? find_place(shelf, offered->issuer->hash) : NULL;
    if (place == NULL ||
        crl_draft_keep(draft, crls->folder, place->issuer, kind_of(offered->held)) != IDP_OK) {
        drop_shelf(shelf);
        return CRLS_FAILED;
    }
    put(place, offered->held);
    if (place->delta == NULL)
        crl_file_remove(crls->folder, place->issuer, CRL_FILE_DELTA);
    judge_anchors(crls, crls->issuers, shelf);
    exchange(crls, shelf);
    log_list(LOG_INFO, "list_taken", offered);
    return CRLS_TAKEN;
}

/* With the lock held: offers the list to one issuer. */
static enum crls_outcome offer_to(struct crls *crls, const struct crl_draft *draft,
                                  const struct offered *offered, const char **why)
{
    const struct place *place = find_place(present(crls), offered->issuer->hash);
    enum crls_outcome outcome = place != NULL ? judge(place, offered, why) : CRLS_FAILED;
    return outcome == CRLS_TAKEN ? take(crls, draft, offered) : outcome;
}

/* With the lock held: offers it to all of the authority's issuers, of whom it names one as a rule.
 */
static void offer_to_all(struct crls *crls, const struct crl_draft *draft, const char *authority,
                         struct offered *offered, struct crls_result *result)
{
    const struct crl_issuers *issuers = crls->issuers;
    const char *nobody = crl_objection_name(CRL_OTHER_ISSUER);
    result->outcome = CRLS_REFUSED;
    result->why = nobody;
    for (size_t i = 0; issuers != NULL && i < issuers->count; i++) {
        const char *why = NULL;
        offered->issuer = &issuers->list[i];
        if (strcmp(offered->issuer->authority, authority) != 0)
            continue;
        enum crls_outcome outcome = offer_to(crls, draft, offered, &why);
        if (why == nobody || result->outcome == CRLS_TAKEN)
            continue;
        result->outcome = outcome;
        result->why = why;
    }
}

struct crls_result crls_offer(struct crls *crls, const struct crl_draft *draft,
                              const char *authority, int64_t now)
{
    struct crls_result result = {.outcome = CRLS_FAILED};
    struct offered offered = {.now = now};
    enum idp_err err = crl_held_open(draft->fd, &result.why, &offered.held);
    if (err != IDP_OK) {
        result.outcome = err == IDP_REFUSED ? CRLS_REFUSED : CRLS_FAILED;
        return result;
    }
    memcpy(result.hash, offered.held->name.hash, DIGEST_SIZE);
    result.this_update = offered.held->is.list.this_update;
    result.next_update = offered.held->is.list.next_update;
    result.entries = offered.held->is.list.count;
    (void)pthread_mutex_lock(&crls->changing);
    offer_to_all(crls, draft, authority, &offered, &result);
    (void)pthread_mutex_unlock(&crls->changing);
    crl_held_release(offered.held);
    return result;
}

const char *crls_folder(struct crls *crls)
{
    (void)pthread_mutex_lock(&crls->changing);
    const char *folder = crls->folder;
    (void)pthread_mutex_unlock(&crls->changing);
    return folder;
}

enum idp_err crls_draft(struct crls *crls, struct crl_draft *out)
{
    const char *folder = crls_folder(crls);
    return folder != NULL ? crl_draft_begin(folder, out) : IDP_UNAVAILABLE;
}

bool crls_hold(struct crls *crls, const unsigned char hash[DIGEST_SIZE], struct crl_name *out)
{
    bool found = false;
    struct turns_place *held = turns_take(crls->shelves);
    const struct shelf *shelf = turns_of(held);
    for (size_t i = 0; i < 2 * shelf->count && !found; i++) {
        const struct place *place = &shelf->places[i / 2];
        const struct crl_held *list = i % 2 == 0 ? place->full : place->delta;
        found = list != NULL && memcmp(list->name.hash, hash, DIGEST_SIZE) == 0;
        if (found)
            *out = list->name;
    }
    turns_leave(held);
    return found;
}

/* --- the folder ------------------------------------------------------------------------------- */

/* With the lock held. */
static enum idp_err begin_folder(struct crls *crls, char **why)
{
    *why = NULL;
    if (crls->wanted == NULL || crls->folder != NULL)
        return IDP_OK;
    enum idp_err err = crl_files_begin(crls->wanted, why);
    if (err == IDP_OK)
        crls->folder = crls->wanted;
    return err;
}

enum idp_err crls_begin_folder(struct crls *crls, char **why)
{
    (void)pthread_mutex_lock(&crls->changing);
    enum idp_err err = begin_folder(crls, why);
    (void)pthread_mutex_unlock(&crls->changing);
    return err;
}

/* With the lock held: before the first list is looked for. */
static void need_folder(struct crls *crls)
{
    char *why = NULL;
    if (crls->wanted == NULL)
        log_event(LOG_ERROR, "lists_without_folder", "setting", "crl_folder");
    else if (begin_folder(crls, &why) != IDP_OK)
        log_event(LOG_ERROR, "lists_without_folder", "why", why);
    free(why);
}

/* --- following the trust list ----------------------------------------------------------------- */

static void log_dropped(const struct crl_issuer *issuer, enum crl_file kind, const char *why)
{
    char hash[2 * DIGEST_SIZE + 1];
    struct log_line line;
    text_to_hex(issuer->hash, DIGEST_SIZE, hash);
    log_begin(&line, LOG_WARN, "list_file_dropped");
    log_text(&line, "authority", issuer->authority);
    log_text(&line, "issuer", hash);
    log_text(&line, "kind", kind == CRL_FILE_DELTA ? "delta" : "full");
    log_text(&line, "why", why);
    log_end(&line);
}

/* Puts what the folder has of an issuer into its place. What cannot be used is removed: it will be
 * fetched again. */
static void restore(const struct crls *crls, struct place *place, const struct crl_issuer *issuer,
                    enum crl_file kind)
{
    const char *why = NULL;
    /* It was taken once, so that its date is none of the future, whatever the clock says now. */
    struct offered offered = {.issuer = issuer, .now = INT64_MAX - CRL_SKEW_S};
    int fd = crl_file_copy(crls->folder, issuer->hash, kind);
    if (fd < 0)
        return;
    enum idp_err err = crl_held_open(fd, &why, &offered.held);
    (void)close(fd);
    enum crls_outcome outcome = CRLS_REFUSED;
    if (err == IDP_OK && kind_of(offered.held) != kind)
        why = "another_kind";
    else if (err == IDP_OK)
        outcome = judge(place, &offered, &why);
    if (outcome == CRLS_TAKEN) {
        put(place, offered.held);
    } else if (err == IDP_OK || err == IDP_REFUSED) {
        log_dropped(issuer, kind, why != NULL ? why : "superseded");
        crl_file_remove(crls->folder, issuer->hash, kind);
    }
    crl_held_release(offered.held);
}

static bool has_mark(const struct crls *crls, const unsigned char *issuer)
{
    int fd = crl_file_open(crls->folder, issuer, CRL_FILE_REVOKED);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static void begin_place(const struct crls *crls, struct shelf *shelf,
                        const struct crl_issuer *issuer)
{
    struct place empty = {.full = NULL};
    memcpy(empty.issuer, issuer->hash, DIGEST_SIZE);
    struct place *place = add_place(shelf, &empty);
    if (crls->folder == NULL)
        return;
    place->marked = has_mark(crls, issuer->hash);
    place->revoked = place->marked;
    restore(crls, place, issuer, CRL_FILE_FULL);
    restore(crls, place, issuer, CRL_FILE_DELTA);
}

static bool is_known(const void *with, const unsigned char issuer[DIGEST_SIZE])
{
    const struct crl_issuers *issuers = with;
    for (size_t i = 0; i < issuers->count; i++)
        if (memcmp(issuers->list[i].hash, issuer, DIGEST_SIZE) == 0)
            return true;
    return false;
}

/*
 * With the lock held: a shelf for these issuers. What stays is put to the question again, since a
 * certificate that was an anchor only may now be a root as well, and then needs a wider list.
 */
static struct shelf *make_shelf(struct crls *crls, const struct crl_issuers *issuers)
{
    struct shelf *before = present(crls);
    struct shelf *shelf = new_shelf(issuers->count);
    for (size_t i = 0; shelf != NULL && i < issuers->count; i++) {
        const struct crl_issuer *issuer = &issuers->list[i];
        const struct place *old = find_place(before, issuer->hash);
        bool fits = old != NULL && (old->full == NULL || covers(issuer, old->full));
        if (find_place(shelf, issuer->hash) != NULL)
            continue;
        if (fits)
            (void)add_place(shelf, old);
        else
            begin_place(crls, shelf, issuer);
    }
    if (shelf != NULL)
        judge_anchors(crls, issuers, shelf);
    return shelf;
}

enum idp_err crls_follow(struct crls *crls, const struct trust *trust)
{
    struct crl_issuers *issuers = NULL;
    enum idp_err err = crl_issuers_new(trust, &issuers);
    if (err != IDP_OK)
        return err;
    (void)pthread_mutex_lock(&crls->changing);
    if (issuers->count > 0)
        need_folder(crls);
    struct shelf *shelf = make_shelf(crls, issuers);
    if (shelf != NULL) {
        struct crl_issuers *before = crls->issuers;
        crls->issuers = issuers;
        issuers = before;
        exchange(crls, shelf);
        if (crls->folder != NULL)
            crl_files_tidy(crls->folder, is_known, crls->issuers);
    }
    (void)pthread_mutex_unlock(&crls->changing);
    crl_issuers_free(issuers);
    return shelf != NULL ? IDP_OK : IDP_FAULT;
}

/* --- figures ---------------------------------------------------------------------------------- */

static void describe(const struct place *place, const struct crl_issuer *issuer,
                     struct crls_figure *out)
{
    *out = (struct crls_figure){.is_root = (issuer->kinds & CRL_OF_AUTHORITIES) != 0};
    text_to_hex(issuer->hash, DIGEST_SIZE, out->issuer);
    if (place == NULL)
        return;
    out->revoked = place->revoked;
    out->present = place->full != NULL;
    if (place->full != NULL) {
        out->full = place->full->name;
        out->entries = place->full->is.list.count;
    }
    if (place->delta != NULL) {
        out->delta = place->delta->name;
        out->delta_entries = place->delta->is.list.count;
    }
}

size_t crls_figures(struct crls *crls, const char *authority, struct crls_figure *out, size_t max)
{
    size_t n = 0;
    (void)pthread_mutex_lock(&crls->changing);
    const struct crl_issuers *issuers = crls->issuers;
    for (size_t i = 0; issuers != NULL && i < issuers->count && n < max; i++)
        if (strcmp(issuers->list[i].authority, authority) == 0)
            describe(find_place(present(crls), issuers->list[i].hash), &issuers->list[i],
                     &out[n++]);
    (void)pthread_mutex_unlock(&crls->changing);
    return n;
}

/* --- its life --------------------------------------------------------------------------------- */

enum idp_err crls_new(const char *folder, struct crls **out)
{
    struct crls *crls = calloc(1, sizeof(*crls));
    struct shelf *shelf = new_shelf(0);
    char *wanted = folder != NULL ? strdup(folder) : NULL;
    bool good = crls != NULL && shelf != NULL && (wanted != NULL || folder == NULL);
    if (good)
        crls->shelves = turns_new(shelf, drop_shelf);
    if (!good || crls->shelves == NULL) {
        free(wanted);
        free(shelf);
        free(crls);
        return IDP_FAULT;
    }
    crls->wanted = wanted;
    (void)pthread_mutex_init(&crls->changing, NULL);
    *out = crls;
    return IDP_OK;
}

void crls_free(struct crls *crls)
{
    if (crls == NULL)
        return;
    turns_free(crls->shelves);
    crl_issuers_free(crls->issuers);
    (void)pthread_mutex_destroy(&crls->changing);
    free(crls->wanted);
    free(crls);
}
