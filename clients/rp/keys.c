/*
 * The cache of the provider's keys (OpenID Connect Core section 10.1.1: an unknown kid is how one
 * learns of a rotation).
 *
 * Two locks: `lock` guards the list and is held for a look only; `fetching` lets one thread at a
 * time ask the provider, while the others go on with the keys there are.
 */
#include "rp/keys.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "rp/note.h"

enum { KEYS_MAX = 32 };

struct rp_keys {
    struct rp_keys_settings settings;
    pthread_mutex_t fetching, lock;
    int64_t fetched, tried; /* seconds; INT64_MIN: never */
    struct arena *arena;    /* of the list; NULL: none yet */
    struct rp_key list[KEYS_MAX];
    size_t count;
};

struct rp_keys *rp_keys_new(const struct rp_keys_settings *settings)
{
    struct rp_keys *keys = calloc(1, sizeof(*keys));
    if (keys == NULL)
        return NULL;
    keys->settings = *settings;
    keys->fetched = keys->tried = INT64_MIN;
    if (pthread_mutex_init(&keys->lock, NULL) != 0) {
        free(keys);
        return NULL;
    }
    if (pthread_mutex_init(&keys->fetching, NULL) != 0) {
        (void)pthread_mutex_destroy(&keys->lock);
        free(keys);
        return NULL;
    }
    return keys;
}

void rp_keys_free(struct rp_keys *keys)
{
    if (keys == NULL)
        return;
    arena_free(keys->arena);
    (void)pthread_mutex_destroy(&keys->fetching);
    (void)pthread_mutex_destroy(&keys->lock);
    free(keys);
}

static bool is_old(int64_t since, int64_t now, unsigned age)
{
    return since == INT64_MIN || now < since || now - since >= age;
}

static const struct rp_key *with_kid(const struct rp_key *list, size_t count, const char *kid)
{
    if (kid == NULL)
        return count == 1 ? &list[0] : NULL;
    for (size_t i = 0; i < count; i++)
        if (list[i].kid != NULL && strcmp(list[i].kid, kid) == 0)
            return &list[i];
    return NULL;
}

/* Looks under the lock. RP_BAD_TOKEN: not there, or the keys are too old to say. */
static enum rp_err look(struct rp_keys *keys, const char *kid, int64_t now, struct arena *arena,
                        struct rp_key *out)
{
    enum rp_err err = RP_BAD_TOKEN;
    (void)pthread_mutex_lock(&keys->lock);
    const struct rp_key *found = NULL;
    if (!is_old(keys->fetched, now, keys->settings.age_s))
        found = with_kid(keys->list, keys->count, kid);
    if (found != NULL) {
        *out = (struct rp_key){.kid = arena_strdup(arena, found->kid),
                               .alg = found->alg,
                               .pem = arena_strdup(arena, found->pem)};
        err = out->pem != NULL ? RP_OK : RP_FAULT;
    }
    (void)pthread_mutex_unlock(&keys->lock);
    return err;
}

/* Reads the set's usable keys; others are skipped (RFC 7517 section 5). */
static enum rp_err read_set(struct arena *arena, const json_t *set, struct rp_note *note,
                            struct rp_keys *fresh)
{
    size_t i;
    const json_t *jwk;
    const json_t *list = json_object_get(set, "keys");
    if (!json_is_array(list) || json_array_size(list) > KEYS_MAX)
        return rp_note_set(note, RP_BAD_PROVIDER, "the key set has no list of keys, or too many");
    json_array_foreach(list, i, jwk)
    {
        struct rp_key key = {0};
        if (!rp_jwk_read(arena, jwk, &key))
            continue;
        if (key.kid != NULL && with_kid(fresh->list, fresh->count, key.kid) != NULL)
            return rp_note_set(note, RP_BAD_PROVIDER, "two keys have the kid %s", key.kid);
        fresh->list[fresh->count++] = key;
    }
    return RP_OK;
}

/* Puts a fetched set in place of the one there is; takes the arena over. */
static void replace(struct rp_keys *keys, struct arena *arena, const struct rp_keys *fresh,
                    int64_t now)
{
    (void)pthread_mutex_lock(&keys->lock);
    arena_free(keys->arena);
    keys->arena = arena;
    memcpy(keys->list, fresh->list, sizeof(keys->list));
    keys->count = fresh->count;
    keys->fetched = now;
    (void)pthread_mutex_unlock(&keys->lock);
}

/* Asks the provider. Called with `fetching` held. */
static enum rp_err fetch(struct rp_keys *keys, int64_t now, struct arena *arena,
                         struct rp_note *note)
{
    struct rp_reply reply = {0};
    struct rp_keys fresh = {0};
    const struct rp_call call = {.url = keys->settings.url};
    keys->tried = now;
    enum rp_err err = rp_fetch(arena, keys->settings.limits, &call, note, &reply);
    if (err != RP_OK)
        return err;
    if (reply.status != 200 || reply.json == NULL)
        return rp_note_set(note, RP_BAD_PROVIDER, "%s answers %ld, or no JSON", call.url,
                           reply.status);
    struct arena *kept = arena_new();
    if (kept == NULL)
        return rp_note_set(note, RP_FAULT, "out of memory");
    err = read_set(kept, reply.json, note, &fresh);
    if (err != RP_OK)
        arena_free(kept);
    else
        replace(keys, kept, &fresh, now);
    return err;
}

enum rp_err rp_keys_find(struct rp_keys *keys, const char *kid, int64_t now, struct arena *arena,
                         struct rp_note *note, struct rp_key *out)
{
    enum rp_err err = look(keys, kid, now, arena, out);
    if (err != RP_BAD_TOKEN)
        return err;
    (void)pthread_mutex_lock(&keys->fetching);
    err = look(keys, kid, now, arena, out); /* somebody else may have fetched meanwhile */
    if (err == RP_BAD_TOKEN && is_old(keys->tried, now, keys->settings.interval_s)) {
        err = fetch(keys, now, arena, note);
        if (err == RP_OK)
            err = look(keys, kid, now, arena, out);
    }
    (void)pthread_mutex_unlock(&keys->fetching);
    if (err == RP_BAD_TOKEN)
        return rp_note_set(note, err, "the provider has no key with the kid %s",
                           kid != NULL ? kid : "(none)");
    return err;
}
