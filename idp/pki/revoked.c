/*
 * The set is a table with open addressing, at most half full, under a lock that readers share;
 * while it is empty, which is the usual case, nobody takes the lock.
 */
#include "pki/revoked.h"

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

static enum idp_err remember(struct revoked *revoked, const unsigned char *hash,
                             const struct revoked_fact *fact)
{
    (void)pthread_rwlock_wrlock(&revoked->lock);
    enum idp_err err = add(revoked, hash, fact);
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

enum idp_err revoked_look(struct revoked *revoked, const unsigned char hash[DIGEST_SIZE],
                          bool *known, struct revoked_fact *out)
{
    char text[HASH_TEXT];
    struct sql_rows rows;
    *known = false;
    if (revoked->db == NULL)
        return IDP_OK;
    base64url_encode(hash, DIGEST_SIZE, text);
    const struct sql_value value = sql_text(text);
    const struct sql_call call = {
        .text = "SELECT revoked_at, reason FROM revoked WHERE certificate = $1",
        .params = &value,
        .count = 1};
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? sql_read(revoked->db, arena, &call, &rows) : IDP_FAULT;
    if (err == IDP_OK && rows.rows > 0) {
        *known = true;
        *out = (struct revoked_fact){.revoked_at = sql_cell_int(&rows, 0, 0),
                                     .reason = (int)sql_cell_int(&rows, 0, 1)};
        err = remember(revoked, hash, out);
    }
    arena_free(arena);
    return err;
}

static enum idp_err take_rows(struct revoked *revoked, const struct sql_rows *rows)
{
    enum idp_err err = IDP_OK;
    for (size_t i = 0; err == IDP_OK && i < rows->rows; i++) {
        unsigned char hash[DIGEST_SIZE];
        const struct revoked_fact fact = {.revoked_at = sql_cell_int(rows, i, 2),
                                          .reason = (int)sql_cell_int(rows, i, 3)};
        if (read_hash(sql_cell_text(rows, i, 1), hash))
            err = remember(revoked, hash, &fact);
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
        .text = "SELECT number, certificate, revoked_at, reason FROM revoked WHERE number > $1 "
                "ORDER BY number LIMIT $2",
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

static enum idp_err insert(struct sql_tx *tx, const struct revoked_news *news, int64_t *changed)
{
    char hash[HASH_TEXT];
    base64url_encode(news->hash, DIGEST_SIZE, hash);
    const struct sql_value params[] = {
        sql_text(hash),
        sql_text(news->authority),
        sql_text(news->serial),
        sql_int(news->fact.revoked_at),
        sql_int(news->fact.reason),
        sql_text(news->source == VERDICT_BY_CRL ? "crl" : "ocsp"),
        sql_int(news->learned),
    };
    /* The number is the order of commits: transactions are as if one after the other. */
    const struct sql_call call = {
        .text = "INSERT INTO revoked (number, certificate, authority, serial, revoked_at, reason, "
                "source, learned) SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3, $4, $5, $6, $7 "
                "FROM revoked WHERE 1 = 1 ON CONFLICT (certificate) DO NOTHING",
        .params = params,
        .count = 7};
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
    enum idp_err err = remember(revoked, news->hash, &news->fact);
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
    struct revoked_figures figures = {.known = atomic_load(&revoked->count),
                                      .unwritten = revoked->unwritten_count};
    (void)pthread_rwlock_unlock(&revoked->lock);
    return figures;
}
