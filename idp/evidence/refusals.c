#include "evidence/refusals.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/refusal.h"
#include "evidence/seen.h"
#include "pki/lock/verify.h"
#include "pki/trust/trust.h"
#include "store/sql.h"

enum {
    HASH_TEXT = BASE64URL_LEN(DIGEST_SIZE) + 1,
    SERIAL_SIZE = 64,
    USCC_SIZE = 64,
    NAMED_MAX = REFUSALS_WAITING_MAX / 2, /* certificates that wait; the rest is for counts */
    CHUNK = 64,                           /* rows of a transaction */
};

/* A refused certificate that waits to be kept. */
struct certificate {
    unsigned char hash[DIGEST_SIZE], issuer[DIGEST_SIZE];
    char serial[SERIAL_SIZE], uscc[USCC_SIZE];
    int64_t not_after;
    size_t len;
    unsigned char der[];
};

/* A row that waits: so much more of it. */
struct line {
    int64_t day;
    char authority[REFUSALS_AUTHORITY_SIZE];
    const char *reason;
    struct certificate *certificate; /* owned; NULL: only counted */
    int64_t count, last;
};

struct lines {
    size_t count, named;
    struct line list[REFUSALS_WAITING_MAX];
};

struct refusals {
    pthread_mutex_t lock;
    struct lines *waiting;
    struct lines *writing; /* of the thread that flushes */
    struct seen *seen;
    size_t figures_count;
    struct refusal_figure figures[REFUSALS_FIGURES_MAX + 1]; /* one place for the rest */
};

int64_t refusals_day(int64_t seconds)
{
    return (seconds + REFUSALS_CHINA_S) / REFUSALS_DAY_S;
}

static void clear(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->list[i].certificate);
    *lines = (struct lines){.count = 0};
}

struct refusals *refusals_new(struct seen *seen)
{
    struct refusals *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return NULL;
    r->seen = seen;
    r->waiting = calloc(1, sizeof(*r->waiting));
    r->writing = calloc(1, sizeof(*r->writing));
    if (r->waiting != NULL && r->writing != NULL && pthread_mutex_init(&r->lock, NULL) == 0)
        return r;
    free(r->waiting);
    free(r->writing);
    free(r);
    return NULL;
}

void refusals_free(struct refusals *refusals)
{
    if (refusals == NULL)
        return;
    clear(refusals->waiting);
    clear(refusals->writing);
    free(refusals->waiting);
    free(refusals->writing);
    (void)pthread_mutex_destroy(&refusals->lock);
    free(refusals);
}

/* --- counting ------------------------------------------------------------------------------- */

/* Finds the place for a figure; the last one when there is no other. */
static struct refusal_figure *find_figure(struct refusals *r, const char *authority,
                                          const char *reason)
{
    for (size_t i = 0; i < r->figures_count; i++)
        if (strcmp(r->figures[i].reason, reason) == 0 &&
            strcmp(r->figures[i].authority, authority) == 0)
            return &r->figures[i];
    struct refusal_figure *new = &r->figures[r->figures_count];
    if (r->figures_count > REFUSALS_FIGURES_MAX)
        return &r->figures[REFUSALS_FIGURES_MAX];
    r->figures_count++;
    bool rest = r->figures_count > REFUSALS_FIGURES_MAX;
    (void)snprintf(new->authority, sizeof(new->authority), "%s", rest ? "" : authority);
    new->reason = rest ? "other" : reason;
    return new;
}

static bool same_certificate(const struct line *line, const struct certificate *certificate)
{
    if (line->certificate == NULL || certificate == NULL)
        return line->certificate == certificate;
    return memcmp(line->certificate->hash, certificate->hash, DIGEST_SIZE) == 0;
}

static struct line *find_line(struct lines *lines, const struct line *wanted)
{
    for (size_t i = 0; i < lines->count; i++) {
        struct line *line = &lines->list[i];
        if (line->day == wanted->day && strcmp(line->reason, wanted->reason) == 0 &&
            same_certificate(line, wanted->certificate) &&
            strcmp(line->authority, wanted->authority) == 0)
            return line;
    }
    return NULL;
}

/* Adds to the row that waits, or lets another one wait; takes the certificate over. When too many
 * certificates wait, this one only counts. */
static void add(struct lines *lines, struct line what)
{
    struct line *line = find_line(lines, &what);
    if (line == NULL && what.certificate != NULL && lines->named == NAMED_MAX) {
        free(what.certificate);
        what.certificate = NULL;
        line = find_line(lines, &what);
    }
    if (line != NULL || lines->count == REFUSALS_WAITING_MAX) {
        free(what.certificate);
        what.certificate = NULL;
    }
    if (line != NULL) {
        line->count += what.count;
        line->last = line->last > what.last ? line->last : what.last;
    } else if (lines->count < REFUSALS_WAITING_MAX) {
        lines->named += what.certificate != NULL;
        lines->list[lines->count++] = what;
    }
}

/* Returns NULL where nothing is to be kept of it, or without memory: then it only counts. */
static struct certificate *copy_certificate(const struct lock_identity *who)
{
    if (who == NULL || who->certificate == NULL)
        return NULL;
    struct certificate *copy = calloc(1, sizeof(*copy) + who->certificate_len);
    if (copy == NULL)
        return NULL;
    memcpy(copy->hash, who->certificate_hash, DIGEST_SIZE);
    memcpy(copy->issuer, who->anchor->hash, DIGEST_SIZE);
    (void)snprintf(copy->serial, sizeof(copy->serial), "%s", who->serial);
    (void)snprintf(copy->uscc, sizeof(copy->uscc), "%s",
                   strlen(who->uscc) < sizeof(copy->uscc) ? who->uscc : "");
    copy->not_after = who->not_after;
    copy->len = who->certificate_len;
    memcpy(copy->der, who->certificate, who->certificate_len);
    return copy;
}

static const char *authority_of(const struct refusal *why, const struct lock_identity *who)
{
    if (who != NULL && who->authority != NULL)
        return who->authority->id;
    const char *named = refusal_find(why, "authority");
    return named != NULL ? named : "";
}

void refusals_add(struct refusals *refusals, const struct refusal *why,
                  const struct lock_identity *who, int64_t now)
{
    if (refusals == NULL || why->reason == NULL)
        return;
    struct line line = {.day = refusals_day(now),
                        .reason = why->reason->code,
                        .certificate = copy_certificate(who),
                        .count = 1,
                        .last = now};
    (void)snprintf(line.authority, sizeof(line.authority), "%s", authority_of(why, who));
    if (line.certificate != NULL)
        seen_refused(refusals->seen, line.certificate->hash);
    (void)pthread_mutex_lock(&refusals->lock);
    find_figure(refusals, line.authority, line.reason)->count++;
    add(refusals->waiting, line);
    (void)pthread_mutex_unlock(&refusals->lock);
}

size_t refusals_waiting(struct refusals *refusals)
{
    if (refusals == NULL)
        return 0;
    (void)pthread_mutex_lock(&refusals->lock);
    size_t count = refusals->waiting->count;
    (void)pthread_mutex_unlock(&refusals->lock);
    return count;
}

size_t refusals_figures(struct refusals *refusals, struct refusal_figure *out, size_t max)
{
    if (refusals == NULL)
        return 0;
    (void)pthread_mutex_lock(&refusals->lock);
    size_t count = refusals->figures_count < max ? refusals->figures_count : max;
    memcpy(out, refusals->figures, count * sizeof(*out));
    (void)pthread_mutex_unlock(&refusals->lock);
    return count;
}

enum idp_err refusals_first_today(struct sql_tx *tx, const struct refusal_name *name, int64_t now,
                                  bool *out)
{
    int64_t changed = 0;
    const struct sql_value params[] = {sql_int(refusals_day(now)), sql_text(name->authority),
                                       sql_text(name->reason), sql_text(name->certificate),
                                       sql_int(now)};
    enum idp_err err =
        sql_run(tx, NULL,
                &(struct sql_call){"INSERT INTO refusals (day, authority, reason, certificate, "
                                   "count, last) VALUES ($1, $2, $3, $4, 0, $5) "
                                   "ON CONFLICT (day, authority, reason, certificate) DO NOTHING",
                                   params, 5},
                NULL, &changed);
    *out = changed > 0;
    return err;
}

/* --- writing -------------------------------------------------------------------------------- */

/* The rows of one transaction. */
struct chunk {
    const struct line *lines;
    size_t count;
    struct arena *arena;
    int64_t day, rows; /* how many rows the day has; looked up when it is needed */
};

static enum idp_err run(struct sql_tx *tx, const char *text, const struct line *line,
                        const char *hash, int64_t *changed)
{
    const struct sql_value params[] = {
        sql_int(line->day), sql_text(line->authority), sql_text(line->reason),
        sql_text(hash),     sql_int(line->count),      sql_int(line->last),
    };
    return sql_run(tx, NULL, &(struct sql_call){text, params, 6}, NULL, changed);
}

static enum idp_err count_more(struct sql_tx *tx, const struct line *line, const char *hash,
                               bool *there)
{
    int64_t changed = 0;
    enum idp_err err =
        run(tx,
            "UPDATE refusals SET count = count + $5, last = CASE WHEN last > $6 THEN last ELSE $6 "
            "END WHERE day = $1 AND authority = $2 AND reason = $3 AND certificate = $4",
            line, hash, &changed);
    *there = changed > 0;
    return err;
}

static enum idp_err add_row(struct sql_tx *tx, const struct line *line, const char *hash)
{
    return run(tx,
               "INSERT INTO refusals (day, authority, reason, certificate, count, last) "
               "VALUES ($1, $2, $3, $4, $5, $6) "
               "ON CONFLICT (day, authority, reason, certificate) DO UPDATE SET "
               "count = refusals.count + excluded.count, last = excluded.last",
               line, hash, NULL);
}

/* Says whether the day has as many rows as it may have. */
static enum idp_err is_full(struct sql_tx *tx, struct chunk *chunk, int64_t day, bool *out)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_int(day)};
    if (chunk->day != day) {
        const struct sql_call call = {"SELECT COUNT(*) FROM refusals WHERE day = $1", params, 1};
        enum idp_err err = sql_run(tx, chunk->arena, &call, &rows, NULL);
        if (err != IDP_OK)
            return err;
        chunk->day = day;
        chunk->rows = sql_cell_int(&rows, 0, 0);
    }
    *out = chunk->rows++ >= REFUSALS_DAY_MAX;
    return IDP_OK;
}

/* The certificate as an object that no proof names, so that it can be forgotten (over.h). */
static enum idp_err keep_object(struct sql_tx *tx, const struct certificate *c, const char *hash,
                                int64_t now)
{
    const struct sql_value params[] = {sql_text(hash), sql_blob(c->der, c->len), sql_int(now)};
    return sql_run(
        tx, NULL,
        &(struct sql_call){"INSERT INTO evidence_objects (hash, kind, bytes, created) "
                           "VALUES ($1, 'refused', $2, $3) ON CONFLICT (hash) DO NOTHING",
                           params, 3},
        NULL, NULL);
}

static enum idp_err keep_certificate(struct sql_tx *tx, const struct line *line, const char *hash)
{
    char issuer[HASH_TEXT];
    const struct certificate *c = line->certificate;
    base64url_encode(c->issuer, DIGEST_SIZE, issuer);
    enum idp_err err = keep_object(tx, c, hash, line->last);
    if (err != IDP_OK)
        return err;
    return seen_row_write(tx, &(struct seen_row){.hash = hash,
                                                 .authority = line->authority,
                                                 .issuer = issuer,
                                                 .serial = c->serial,
                                                 .uscc = c->uscc,
                                                 .not_after = c->not_after,
                                                 .reason = line->reason,
                                                 .at = line->last});
}

static enum idp_err write_named(struct sql_tx *tx, struct chunk *chunk, const struct line *line)
{
    char hash[HASH_TEXT];
    bool there = false;
    bool full = false;
    base64url_encode(line->certificate->hash, DIGEST_SIZE, hash);
    enum idp_err err = count_more(tx, line, hash, &there);
    if (err == IDP_OK && !there)
        err = is_full(tx, chunk, line->day, &full);
    if (err == IDP_OK && full)
        return add_row(tx, line, "");
    if (err == IDP_OK && !there)
        err = add_row(tx, line, hash);
    return err == IDP_OK ? keep_certificate(tx, line, hash) : err;
}

static enum idp_err write_chunk(struct sql_tx *tx, void *with)
{
    struct chunk *chunk = with;
    enum idp_err err = IDP_OK;
    chunk->day = -1;
    for (size_t i = 0; err == IDP_OK && i < chunk->count; i++) {
        const struct line *line = &chunk->lines[i];
        err = line->certificate != NULL ? write_named(tx, chunk, line) : add_row(tx, line, "");
    }
    return err;
}

static enum idp_err write_lines(struct sql *db, const struct line *lines, size_t count)
{
    struct chunk chunk = {.lines = lines, .count = count, .arena = arena_new()};
    enum idp_err err = chunk.arena != NULL ? sql_transact(db, write_chunk, &chunk) : IDP_FAULT;
    arena_free(chunk.arena);
    return err;
}

/* What has been written may have crossed a sign-in that noted the certificate as accepted. */
static void forget_accepted(const struct refusals *r, const struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (lines[i].certificate != NULL)
            seen_refused(r->seen, lines[i].certificate->hash);
}

static struct lines *take_waiting(struct refusals *r)
{
    (void)pthread_mutex_lock(&r->lock);
    struct lines *taken = r->waiting;
    r->waiting = r->writing;
    r->writing = taken;
    (void)pthread_mutex_unlock(&r->lock);
    return taken;
}

/* Lets the rows behind the first so many wait again. */
static void put_back(struct refusals *r, struct lines *lines, size_t written)
{
    (void)pthread_mutex_lock(&r->lock);
    for (size_t i = written; i < lines->count; i++) {
        add(r->waiting, lines->list[i]);
        lines->list[i].certificate = NULL; /* taken over */
    }
    (void)pthread_mutex_unlock(&r->lock);
}

enum idp_err refusals_flush(struct refusals *refusals, struct sql *db)
{
    size_t written = 0;
    enum idp_err err = IDP_OK;
    struct lines *lines = take_waiting(refusals);
    while (err == IDP_OK && written < lines->count) {
        size_t count = lines->count - written < CHUNK ? lines->count - written : CHUNK;
        err = write_lines(db, &lines->list[written], count);
        if (err == IDP_OK) {
            forget_accepted(refusals, &lines->list[written], count);
            written += count;
        }
    }
    put_back(refusals, lines, written);
    clear(lines);
    return err;
}
