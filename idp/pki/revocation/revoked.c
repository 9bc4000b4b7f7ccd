/*
 * The set is a table with open addressing, at most half full, under a lock that readers share;
 * while it is empty, which is the usual case, nobody takes the lock.
 */
#include "pki/revocation/revoked.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "store/generation.h"
#include "store/sql.h"

enum { ROOM_LEAST = 64, ROWS_MOST = 5000, HASH_TEXT = BASE64URL_LEN(DIGEST_SIZE) + 1 };

struct slot {
    bool taken;
    unsigned char hash[DIGEST_SIZE];
    struct revoked_fact fact;
};

/* What could not be written yet. */
struct unwritten {
    struct unwritten *next;
    struct revoked_news news; /* its texts are behind it */
    char texts[];
};

struct revoked {
    struct sql *db;
    pthread_rwlock_t lock; /* guards what is below */
    struct slot *slots;
    size_t room; /* a power of two */
    atomic_size_t count;
    size_t known; /* certificates: most have two slots, by their hash and by their name */
    struct unwritten *unwritten;
    size_t unwritten_count;
    pthread_mutex_t renewing; /* one reads at a time; guards `number` */
    int64_t number;           /* of the last row that was read */
};

struct revoked *revoked_new(struct sql *db)
{
    struct revoked *revoked = calloc(1, sizeof(*revoked));
    if (revoked == NULL)
        return NULL;
    revoked->slots = calloc(ROOM_LEAST, sizeof(*revoked->slots));
    if (revoked->slots == NULL) {
        free(revoked);
        return NULL;
    }
    revoked->room = ROOM_LEAST;
    revoked->db = db;
    (void)pthread_rwlock_init(&revoked->lock, NULL);
    (void)pthread_mutex_init(&revoked->renewing, NULL);
    return revoked;
}

static void free_unwritten(struct unwritten *list)
{
    while (list != NULL) {
        struct unwritten *next = list->next;
        free(list);
        list = next;
    }
}

void revoked_free(struct revoked *revoked)
{
    if (revoked == NULL)
        return;
    free_unwritten(revoked->unwritten);
    (void)pthread_rwlock_destroy(&revoked->lock);
    (void)pthread_mutex_destroy(&revoked->renewing);
    free(revoked->slots);
    free(revoked);
}

/* --- the set --------------------------------------------------------------------------------- */

/* The slot of a hash, or the free one where it belongs. The hash is one already. */
static struct slot *slot_of(struct slot *slots, size_t room, const unsigned char *hash)
{
    size_t at = 0;
    memcpy(&at, hash, sizeof(at));
    at &= room - 1;
    while (slots[at].taken && memcmp(slots[at].hash, hash, DIGEST_SIZE) != 0)
        at = (at + 1) & (room - 1);
    return &slots[at];
}

bool revoked_find(struct revoked *revoked, const unsigned char hash[DIGEST_SIZE],
                  struct revoked_fact *out)
{
    if (atomic_load_explicit(&revoked->count, memory_order_acquire) == 0)
        return false;
    (void)pthread_rwlock_rdlock(&revoked->lock);
    const struct slot *slot = slot_of(revoked->slots, revoked->room, hash);
    bool known = slot->taken;
    if (known)
        *out = slot->fact;
    (void)pthread_rwlock_unlock(&revoked->lock);
    return known;
}

/* With the lock held. */
static enum idp_err make_room(struct revoked *revoked)
{
    size_t room = revoked->room * 2;
    struct slot *slots = calloc(room, sizeof(*slots));
    if (slots == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < revoked->room; i++)
        if (revoked->slots[i].taken)
            *slot_of(slots, room, revoked->slots[i].hash) = revoked->slots[i];
    free(revoked->slots);
    revoked->slots = slots;
    revoked->room = room;
    return IDP_OK;
}

/* With the lock held. What is known stays as it was learned. */
static enum idp_err add(struct revoked *revoked, const unsigned char *hash,
                        const struct revoked_fact *fact)
{
    size_t count = atomic_load_explicit(&revoked->count, memory_order_relaxed);
    if ((count + 1) * 2 > revoked->room && make_room(revoked) != IDP_OK)
        return IDP_FAULT;
    struct slot *slot = slot_of(revoked->slots, revoked->room, hash);
    if (slot->taken)
        return IDP_OK;
    slot->taken = true;
    memcpy(slot->hash, hash, DIGEST_SIZE);
    slot->fact = *fact;
    atomic_store_explicit(&revoked->count, count + 1, memory_order_release);
    return IDP_OK;
}

/* The slot's key of an issuer's certificate of that number. */
static enum idp_err name_it(const unsigned char issuer[DIGEST_SIZE], const char *serial,
                            unsigned char out[DIGEST_SIZE])
{
    const struct digest_piece pieces[] = {{issuer, DIGEST_SIZE}, {serial, strlen(serial)}, {0}};
    return digest_pieces(DIGEST_SHA256, pieces, out);
}

bool revoked_find_named(struct revoked *revoked, const unsigned char issuer[DIGEST_SIZE],
                        const char *serial, struct revoked_fact *out)
{
    unsigned char name[DIGEST_SIZE];
    if (atomic_load_explicit(&revoked->count, memory_order_acquire) == 0)
        return false;
    return name_it(issuer, serial, name) == IDP_OK && revoked_find(revoked, name, out);
}

static enum idp_err remember(struct revoked *revoked, const struct revoked_subject *subject,
                             const struct revoked_fact *fact)
{
    unsigned char name[DIGEST_SIZE];
    if (name_it(subject->issuer, subject->serial, name) != IDP_OK)
        return IDP_FAULT;
    (void)pthread_rwlock_wrlock(&revoked->lock);
    size_t before = atomic_load_explicit(&revoked->count, memory_order_relaxed);
    enum idp_err err = add(revoked, subject->hash, fact);
    revoked->known += atomic_load_explicit(&revoked->count, memory_order_relaxed) - before;
    if (err == IDP_OK)
        err = add(revoked, name, fact);
    (void)pthread_rwlock_unlock(&revoked->lock);
    return err;
}

/* --- rows ------------------------------------------------------------------------------------ */

/* Of another length: somebody wrote to the table who should not. */
static bool read_hash(const char *text, unsigned char hash[DIGEST_SIZE])
{
    size_t n = 0;
    return text != NULL && base64url_decode(text, strlen(text), hash, DIGEST_SIZE, &n) == IDP_OK &&
           n == DIGEST_SIZE;
}

/* A row that begins {certificate, issuer, serial, revoked_at, reason} in this column. */
static enum idp_err take_row(struct revoked *revoked, const struct sql_rows *rows, size_t row,
                             size_t column, struct revoked_fact *out)
{
    unsigned char hash[DIGEST_SIZE];
    unsigned char issuer[DIGEST_SIZE] = {0};
    const char *serial = sql_cell_text(rows, row, column + 2);
    *out = (struct revoked_fact){.revoked_at = sql_cell_int(rows, row, column + 3),
                                 .reason = (int)sql_cell_int(rows, row, column + 4)};
    if (serial == NULL || !read_hash(sql_cell_text(rows, row, column), hash))
        return IDP_OK;
    (void)read_hash(sql_cell_text(rows, row, column + 1), issuer); /* else the hash alone counts */
    const struct revoked_subject subject = {.hash = hash, .issuer = issuer, .serial = serial};
    return remember(revoked, &subject, out);
}

enum idp_err revoked_look(struct revoked *revoked, const struct revoked_subject *subject,
                          bool *known, struct revoked_fact *out)
{
    char hash[HASH_TEXT];
    char issuer[HASH_TEXT];
    struct sql_rows rows;
    *known = false;
    if (revoked->db == NULL)
        return IDP_OK;
    base64url_encode(subject->hash, DIGEST_SIZE, hash);
    base64url_encode(subject->issuer, DIGEST_SIZE, issuer);
    const struct sql_value params[] = {sql_text(hash), sql_text(issuer), sql_text(subject->serial)};
    const struct sql_call call = {
        .text = "SELECT certificate, issuer, serial, revoked_at, reason FROM revoked "
                "WHERE certificate = $1 OR (issuer = $2 AND serial = $3) ORDER BY number LIMIT 1",
        .params = params,
        .count = 3};
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? sql_read(revoked->db, arena, &call, &rows) : IDP_FAULT;
    if (err == IDP_OK && rows.rows > 0) {
        *known = true;
        err = take_row(revoked, &rows, 0, 0, out);
    }
    arena_free(arena);
    return err;
}

static enum idp_err take_rows(struct revoked *revoked, const struct sql_rows *rows)
{
    enum idp_err err = IDP_OK;
    struct revoked_fact fact;
    for (size_t i = 0; err == IDP_OK && i < rows->rows; i++) {
        err = take_row(revoked, rows, i, 1, &fact);
        if (err == IDP_OK)
            revoked->number = sql_cell_int(rows, i, 0);
    }
    return err;
}

static enum idp_err read_rows(struct revoked *revoked, size_t *found)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_int(revoked->number), sql_int(ROWS_MOST)};
    const struct sql_call call = {
        .text = "SELECT number, certificate, issuer, serial, revoked_at, reason FROM revoked "
                "WHERE number > $1 ORDER BY number LIMIT $2",
        .params = params,
        .count = 2};
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? sql_read(revoked->db, arena, &call, &rows) : IDP_FAULT;
    *found = err == IDP_OK ? rows.rows : 0;
    if (err == IDP_OK)
        err = take_rows(revoked, &rows);
    arena_free(arena);
    return err;
}

enum idp_err revoked_renew(struct revoked *revoked)
{
    enum idp_err err = IDP_OK;
    if (revoked->db == NULL)
        return IDP_OK;
    (void)pthread_mutex_lock(&revoked->renewing);
    for (size_t found = ROWS_MOST; err == IDP_OK && found == ROWS_MOST;)
        err = read_rows(revoked, &found);
    (void)pthread_mutex_unlock(&revoked->renewing);
    return err;
}

/* --- what is learned ------------------------------------------------------------------------- */

static const char *name_of(enum verdict_source source)
{
    if (source == VERDICT_BY_RECORD)
        return "record";
    return source == VERDICT_BY_CRL ? "crl" : "ocsp";
}

static enum idp_err insert(struct sql_tx *tx, const struct revoked_news *news, int64_t *changed)
{
    char hash[HASH_TEXT];
    char issuer[HASH_TEXT];
    base64url_encode(news->hash, DIGEST_SIZE, hash);
    base64url_encode(news->issuer, DIGEST_SIZE, issuer);
    const struct sql_value params[] = {
        sql_text(hash),
        sql_text(news->authority),
        sql_text(issuer),
        sql_text(news->serial),
        sql_int(news->fact.revoked_at),
        sql_int(news->fact.reason),
        sql_text(name_of(news->source)),
        sql_int(news->learned),
    };
    /* The number is the order of commits: transactions are as if one after the other. */
    const struct sql_call call = {
        .text = "INSERT INTO revoked (number, certificate, authority, issuer, serial, revoked_at, "
                "reason, source, learned) SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3, $4, $5, "
                "$6, $7, $8 FROM revoked WHERE 1 = 1 ON CONFLICT (certificate) DO NOTHING",
        .params = params,
        .count = 8};
    return sql_run(tx, NULL, &call, NULL, changed);
}

static enum idp_err write_rows(struct sql_tx *tx, void *with)
{
    int64_t written = 0;
    enum idp_err err = IDP_OK;
    for (const struct unwritten *u = with; err == IDP_OK && u != NULL; u = u->next) {
        int64_t changed = 0;
        err = insert(tx, &u->news, &changed);
        written += changed;
    }
    return err == IDP_OK && written > 0 ? generation_bump(tx, NULL) : err;
}

static struct unwritten *copy_news(const struct revoked_news *news)
{
    size_t authority = strlen(news->authority) + 1;
    size_t serial = strlen(news->serial) + 1;
    struct unwritten *copy = malloc(sizeof(*copy) + authority + serial);
    if (copy == NULL)
        return NULL;
    *copy = (struct unwritten){.news = *news};
    memcpy(copy->texts, news->authority, authority);
    memcpy(copy->texts + authority, news->serial, serial);
    copy->news.authority = copy->texts;
    copy->news.serial = copy->texts + authority;
    return copy;
}

/* Takes over all that waits to be written. */
static struct unwritten *take_unwritten(struct revoked *revoked)
{
    (void)pthread_rwlock_wrlock(&revoked->lock);
    struct unwritten *list = revoked->unwritten;
    revoked->unwritten = NULL;
    revoked->unwritten_count = 0;
    (void)pthread_rwlock_unlock(&revoked->lock);
    return list;
}

static void put_back(struct revoked *revoked, struct unwritten *list)
{
    (void)pthread_rwlock_wrlock(&revoked->lock);
    while (list != NULL) {
        struct unwritten *next = list->next;
        list->next = revoked->unwritten;
        revoked->unwritten = list;
        revoked->unwritten_count++;
        list = next;
    }
    (void)pthread_rwlock_unlock(&revoked->lock);
}

/* Two nodes may learn the same at once: of two equal numbers one is refused, and tried again. */
enum idp_err revoked_write(struct revoked *revoked)
{
    struct unwritten *list = take_unwritten(revoked);
    enum idp_err err = list != NULL ? IDP_CONFLICT : IDP_OK;
    for (int i = 0; i < 3 && err == IDP_CONFLICT; i++)
        err = sql_transact(revoked->db, write_rows, list);
    if (err == IDP_OK)
        free_unwritten(list);
    else
        put_back(revoked, list);
    return err;
}

enum idp_err revoked_learn(struct revoked *revoked, const struct revoked_news *news)
{
    struct revoked_fact known;
    if (revoked_find(revoked, news->hash, &known))
        return IDP_OK; /* there is a row, or it waits to be written */
    const struct revoked_subject subject = {
        .hash = news->hash, .issuer = news->issuer, .serial = news->serial};
    enum idp_err err = remember(revoked, &subject, &news->fact);
    if (err != IDP_OK || revoked->db == NULL)
        return err;
    struct unwritten *copy = copy_news(news);
    if (copy == NULL)
        return IDP_FAULT;
    put_back(revoked, copy);
    return revoked_write(revoked);
}

struct revoked_figures revoked_count(struct revoked *revoked)
{
    (void)pthread_rwlock_rdlock(&revoked->lock);
    struct revoked_figures figures = {.known = revoked->known,
                                      .unwritten = revoked->unwritten_count};
    (void)pthread_rwlock_unlock(&revoked->lock);
    return figures;
}
