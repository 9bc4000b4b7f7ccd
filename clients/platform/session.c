#include "platform/session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/base64.h"
#include "base/random.h"
#include "base/text.h"

enum { BUCKETS = 256, STRANGER_S = 1200, IDLE_S = 1800, LONGEST_S = 8 * 3600 };

struct entry {
    struct entry *next;
    struct session seen;
    int64_t begun, used;
    struct session_pending pending[SESSION_PENDING_MAX];
    unsigned next_pending;
};

struct sessions {
    pthread_mutex_t lock;
    struct entry *buckets[BUCKETS];
    size_t strangers, visitors;
};

struct sessions *sessions_new(void)
{
    struct sessions *sessions = calloc(1, sizeof(*sessions));
    if (sessions != NULL && pthread_mutex_init(&sessions->lock, NULL) != 0) {
        free(sessions);
        return NULL;
    }
    return sessions;
}

static void wipe(struct entry *entry)
{
    OPENSSL_cleanse(entry, sizeof(*entry));
    free(entry);
}

void sessions_free(struct sessions *sessions)
{
    if (sessions == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (sessions->buckets[i] != NULL) {
            struct entry *entry = sessions->buckets[i];
            sessions->buckets[i] = entry->next;
            wipe(entry);
        }
    }
    (void)pthread_mutex_destroy(&sessions->lock);
    free(sessions);
}

/* Ids are random text, so their first characters spread well. */
static struct entry **bucket(struct sessions *sessions, const char *id)
{
    return &sessions->buckets[((unsigned char)id[0] * 37U + (unsigned char)id[1]) % BUCKETS];
}

static bool is_over(const struct entry *entry, int64_t now)
{
    if (!entry->seen.signed_in)
        return now - entry->begun > STRANGER_S;
    return now - entry->used > IDLE_S || now - entry->begun > LONGEST_S;
}

static size_t *quota(struct sessions *sessions, const struct entry *entry)
{
    return entry->seen.signed_in ? &sessions->visitors : &sessions->strangers;
}

/* Takes the entry out of its list and forgets it. */
static void drop(struct sessions *sessions, struct entry **at)
{
    struct entry *entry = *at;
    *at = entry->next;
    --*quota(sessions, entry);
    wipe(entry);
}

/* The place of the session in its list, or NULL. */
static struct entry **look(struct sessions *sessions, const char *id)
{
    if (id == NULL || strlen(id) != SESSION_ID_LEN)
        return NULL;
    for (struct entry **at = bucket(sessions, id); *at != NULL; at = &(*at)->next)
        if (text_same_secret((*at)->seen.id, id, SESSION_ID_LEN))
            return at;
    return NULL;
}

static void drop_old(struct sessions *sessions, int64_t now)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        struct entry **at = &sessions->buckets[i];
        while (*at != NULL) {
            if (is_over(*at, now))
                drop(sessions, at);
            else
                at = &(*at)->next;
        }
    }
}

static bool make_id(char out[SESSION_ID_LEN + 1])
{
    unsigned char bytes[32];
    if (random_bytes(bytes, sizeof(bytes)) != IDP_OK)
        return false;
    base64url_encode(bytes, sizeof(bytes), out);
    return true;
}

static bool is_full(struct sessions *sessions, const struct entry *entry)
{
    size_t most = entry->seen.signed_in ? SESSION_VISITORS_MAX : SESSION_STRANGERS_MAX;
    return *quota(sessions, entry) >= most;
}

/*
 * Drops the stranger who began longest ago: anybody can begin a session, so a full house must not
 * be what keeps the next one out.
 */
static void drop_oldest_stranger(struct sessions *sessions)
{
    struct entry **oldest = NULL;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct entry **at = &sessions->buckets[i]; *at != NULL; at = &(*at)->next)
            if (!(*at)->seen.signed_in && (oldest == NULL || (*at)->begun < (*oldest)->begun))
                oldest = at;
    if (oldest != NULL)
        drop(sessions, oldest);
}

static void make_room(struct sessions *sessions, const struct entry *entry, int64_t now)
{
    if (is_full(sessions, entry))
        drop_old(sessions, now);
    if (!entry->seen.signed_in && is_full(sessions, entry))
        drop_oldest_stranger(sessions);
}

/* Gives the entry an id and puts it in; takes it over, also on failure. The lock is held. */
static enum idp_err put_in(struct sessions *sessions, struct entry *entry, int64_t now,
                           struct session *out)
{
    enum idp_err err = IDP_OK;
    if (!make_id(entry->seen.id) || !make_id(entry->seen.token))
        err = IDP_FAULT;
    if (err == IDP_OK)
        make_room(sessions, entry, now);
    if (err == IDP_OK && is_full(sessions, entry))
        err = IDP_FULL;
    if (err != IDP_OK) {
        wipe(entry);
        return err;
    }
    struct entry **at = bucket(sessions, entry->seen.id);
    entry->begun = entry->used = now;
    entry->next = *at;
    *at = entry;
    ++*quota(sessions, entry);
    *out = entry->seen;
    return IDP_OK;
}

enum idp_err sessions_find(struct sessions *sessions, const char *id, int64_t now,
                           struct session *out)
{
    enum idp_err err = IDP_NOT_FOUND;
    (void)pthread_mutex_lock(&sessions->lock);
    struct entry **at = look(sessions, id);
    if (at != NULL && is_over(*at, now)) {
        drop(sessions, at);
    } else if (at != NULL) {
        (*at)->used = now;
        *out = (*at)->seen;
        err = IDP_OK;
    }
    (void)pthread_mutex_unlock(&sessions->lock);
    return err;
}

enum idp_err sessions_begin(struct sessions *sessions, int64_t now, struct session *out)
{
    struct entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return IDP_FAULT;
    (void)pthread_mutex_lock(&sessions->lock);
    enum idp_err err = put_in(sessions, entry, now, out);
    (void)pthread_mutex_unlock(&sessions->lock);
    return err;
}

enum idp_err sessions_remember(struct sessions *sessions, const char *id,
                               const struct session_pending *pending)
{
    (void)pthread_mutex_lock(&sessions->lock);
    struct entry **at = look(sessions, id);
    if (at != NULL) {
        (*at)->pending[(*at)->next_pending] = *pending;
        (*at)->next_pending = ((*at)->next_pending + 1) % SESSION_PENDING_MAX;
    }
    (void)pthread_mutex_unlock(&sessions->lock);
    return at != NULL ? IDP_OK : IDP_NOT_FOUND;
}

/* The sign-in with this state, or NULL. */
static struct session_pending *with_state(struct entry *entry, const char *state)
{
    for (size_t i = 0; i < SESSION_PENDING_MAX; i++)
        if (entry->pending[i].state[0] != '\0' &&
            text_same_secret_string(entry->pending[i].state, state))
            return &entry->pending[i];
    return NULL;
}

enum idp_err sessions_take(struct sessions *sessions, const char *id, const char *state,
                           struct session_pending *out)
{
    enum idp_err err = IDP_NOT_FOUND;
    (void)pthread_mutex_lock(&sessions->lock);
    struct entry **at = look(sessions, id);
    struct session_pending *found = at != NULL ? with_state(*at, state) : NULL;
    if (found != NULL) {
        *out = *found;
        OPENSSL_cleanse(found, sizeof(*found));
        err = IDP_OK;
    }
    (void)pthread_mutex_unlock(&sessions->lock);
    return err;
}

enum idp_err sessions_sign_in(struct sessions *sessions, const char *old,
                              const struct session *visit, int64_t now, struct session *out)
{
    struct entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return IDP_FAULT;
    entry->seen = *visit;
    entry->seen.signed_in = true;
    (void)pthread_mutex_lock(&sessions->lock);
    struct entry **at = look(sessions, old);
    if (at != NULL)
        drop(sessions, at);
    enum idp_err err = put_in(sessions, entry, now, out);
    (void)pthread_mutex_unlock(&sessions->lock);
    return err;
}

enum idp_err sessions_confirm(struct sessions *sessions, const char *id)
{
    (void)pthread_mutex_lock(&sessions->lock);
    struct entry **at = look(sessions, id);
    bool may = at != NULL && (*at)->seen.signed_in;
    if (may)
        (*at)->seen.confirmed = true;
    (void)pthread_mutex_unlock(&sessions->lock);
    return may ? IDP_OK : IDP_NOT_FOUND;
}

void sessions_end(struct sessions *sessions, const char *id)
{
    (void)pthread_mutex_lock(&sessions->lock);
    struct entry **at = look(sessions, id);
    if (at != NULL)
        drop(sessions, at);
    (void)pthread_mutex_unlock(&sessions->lock);
}
