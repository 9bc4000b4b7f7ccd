/*
 * A key set may be kept by clients for cache_s, and a node serves one for at most
 * GENERATION_LEASE_MS after it read the rows. So a key that is published at P is in every set that
 * is still kept at P + lease + cache_s; it signs from P + 2 * cache_s + margin_s on, by the clock
 * of whichever node. Nothing has to be done at that moment: each node knows it from the row, and
 * the row of the key before it says that it stops then.
 */
#include "jose/rotation.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "jose/key_work.h"
#include "jose/signing_keys.h"
#include "store/generation.h"
#include "store/sql.h"

/* One change, in its transaction. */
struct change {
    const struct key_work *work;
    struct arena *arena;
    enum jose_alg alg;
    struct fresh_key fresh;   /* publishing */
    const char *kid;          /* forcing */
    struct signing_keys keys; /* as the transaction found them */
    struct rotated done;
};

/* --- looking ------------------------------------------------------------------------------- */

/* The newest key of the algorithm that no other one has been chosen to follow, or NULL. */
static const struct signing_key *last_of(const struct signing_keys *keys, enum jose_alg alg)
{
    for (size_t i = 0; i < keys->count; i++)
        if (keys->keys[i].alg == alg && keys->keys[i].retired == 0)
            return &keys->keys[i];
    return NULL;
}

static size_t count_of(const struct signing_keys *keys, enum jose_alg alg)
{
    size_t n = 0;
    for (size_t i = 0; i < keys->count; i++)
        if (keys->keys[i].alg == alg)
            n++;
    return n;
}

/* How long a key is published before it signs: by the longest that any node let sets be kept. */
static int64_t lead_of(const struct signing_keys *keys, const struct key_policy *policy)
{
    int64_t cache_s = policy->cache_s;
    for (size_t i = 0; i < keys->count; i++)
        if (keys->keys[i].cache_s > cache_s)
            cache_s = keys->keys[i].cache_s;
    return 2 * cache_s + policy->margin_s;
}

static bool is_due(const struct signing_keys *keys, enum jose_alg alg, const struct key_work *work)
{
    const struct key_policy *policy = work->policy;
    const struct signing_key *last = last_of(keys, alg);
    return policy->rotate_s > 0 && last != NULL && last->active_from <= work->now &&
           work->now >= last->active_from + policy->rotate_s - lead_of(keys, policy);
}

/* Whether the last thing that the key signed has expired, whichever clock was read for it. */
static bool is_over(const struct signing_key *key, const struct key_work *work)
{
    return key->retired != 0 && work->now >= key->retired + key->longest_s + work->policy->margin_s;
}

/* --- publishing ---------------------------------------------------------------------------- */

static enum idp_err retire(struct sql_tx *tx, const struct change *change)
{
    const struct sql_value params[] = {sql_int(change->done.active_from),
                                       sql_text(jose_alg_name(change->alg)),
                                       sql_text(change->done.kid)};
    const struct sql_call call = {.text = "UPDATE signing_keys SET retired = $1 WHERE algorithm = "
                                          "$2 AND kid <> $3 AND retired IS NULL",
                                  .params = params,
                                  .count = 3};
    return sql_run(tx, change->arena, &call, NULL, NULL);
}

static struct rotated describe(const struct signing_key *key)
{
    if (key == NULL)
        return (struct rotated){.kid = NULL};
    return (struct rotated){
        .kid = key->kid, .published = key->published, .active_from = key->active_from};
}

static enum idp_err check_publish(const struct change *change, const struct signing_key *last)
{
    if (last != NULL && last->active_from > change->work->now)
        return IDP_CONFLICT;
    return count_of(&change->keys, change->alg) < SIGNING_KEYS_MAX ? IDP_OK : IDP_FULL;
}

static enum idp_err publish(struct sql_tx *tx, void *with)
{
    struct change *change = with;
    const struct key_work *work = change->work;
    enum idp_err err = signing_keys_read_in(tx, change->arena, &change->keys);
    if (err != IDP_OK)
        return err;
    const struct signing_key *last = last_of(&change->keys, change->alg);
    change->done = describe(last);
    err = check_publish(change, last);
    if (err != IDP_OK)
        return err;
    struct signing_key *row = &change->fresh.row;
    row->published = work->now;
    row->active_from = last != NULL ? work->now + lead_of(&change->keys, work->policy)
                                    : work->now - SIGNING_KEY_SLACK_S; /* nothing to follow */
    row->cache_s = work->policy->cache_s;
    row->longest_s = work->policy->longest_s;
    change->done = (struct rotated){.kid = row->kid,
                                    .replaces = last != NULL ? last->kid : NULL,
                                    .published = row->published,
                                    .active_from = row->active_from};
    err = signing_key_insert(tx, work->master, change->arena, &change->fresh);
    if (err == IDP_OK)
        err = retire(tx, change);
    if (err == IDP_OK)
        err = key_work_note(work, tx, change->arena, "signing_key_published", row->kid);
    return err == IDP_OK ? generation_bump(tx, &change->done.generation) : err;
}

static void tell(const char *event, const char *kid, enum jose_alg alg)
{
    struct log_line line;
    log_begin(&line, LOG_INFO, event);
    log_text(&line, "kid", kid);
    log_text(&line, "algorithm", jose_alg_name(alg));
    log_end(&line);
}

enum idp_err rotation_publish(const struct key_work *work, enum jose_alg alg, struct arena *arena,
                              struct rotated *out)
{
    struct change change = {.work = work, .arena = arena, .alg = alg};
    enum idp_err err = signing_key_make(arena, alg, &change.fresh);
    if (err == IDP_OK)
        err = sql_transact(work->db, publish, &change);
    if (err == IDP_OK)
        tell("signing_key_published", change.done.kid, alg);
    if (err == IDP_OK || err == IDP_CONFLICT)
        *out = change.done;
    return err;
}

/* --- removing ------------------------------------------------------------------------------ */

static enum idp_err remove_key(struct sql_tx *tx, struct change *change, const char *kid)
{
    const struct sql_value params[] = {sql_text(kid)};
    const struct sql_call call = {
        .text = "DELETE FROM signing_keys WHERE kid = $1", .params = params, .count = 1};
    change->done.removed++;
    enum idp_err err = key_work_note(change->work, tx, change->arena, "signing_key_removed", kid);
    return err == IDP_OK ? sql_run(tx, change->arena, &call, NULL, NULL) : err;
}

static enum idp_err activate(struct sql_tx *tx, const struct change *change)
{
    const struct sql_value params[] = {sql_int(change->done.active_from),
                                       sql_text(change->done.kid)};
    const struct sql_call call = {.text = "UPDATE signing_keys SET active_from = $1 WHERE kid = $2",
                                  .params = params,
                                  .count = 2};
    return sql_run(tx, change->arena, &call, NULL, NULL);
}

static const struct signing_key *find(const struct signing_keys *keys, const char *kid)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->keys[i].kid, kid) == 0)
            return &keys->keys[i];
    return NULL;
}

/* Removes all other keys of its algorithm. */
static enum idp_err remove_others(struct sql_tx *tx, struct change *change,
                                  const struct signing_key *key)
{
    enum idp_err err = IDP_OK;
    for (size_t i = 0; err == IDP_OK && i < change->keys.count; i++) {
        const struct signing_key *other = &change->keys.keys[i];
        if (other->alg != key->alg || other == key)
            continue;
        if (change->done.replaces == NULL)
            change->done.replaces = other->kid;
        err = remove_key(tx, change, other->kid);
    }
    return err;
}

static enum idp_err force(struct sql_tx *tx, void *with)
{
    struct change *change = with;
    enum idp_err err = signing_keys_read_in(tx, change->arena, &change->keys);
    if (err != IDP_OK)
        return err;
    const struct signing_key *key = find(&change->keys, change->kid);
    if (key == NULL || key->retired != 0)
        return IDP_NOT_FOUND;
    change->alg = key->alg;
    change->done = describe(key);
    change->done.active_from = change->work->now - SIGNING_KEY_SLACK_S;
    err = activate(tx, change);
    if (err == IDP_OK)
        err = key_work_note(change->work, tx, change->arena, "signing_key_forced", change->kid);
    if (err == IDP_OK)
        err = remove_others(tx, change, key);
    return err == IDP_OK ? generation_bump(tx, &change->done.generation) : err;
}

enum idp_err rotation_force(const struct key_work *work, const char *kid, struct arena *arena,
                            struct rotated *out)
{
    struct change change = {.work = work, .arena = arena, .kid = kid};
    enum idp_err err = sql_transact(work->db, force, &change);
    if (err != IDP_OK)
        return err;
    tell("signing_key_forced", kid, change.alg);
    *out = change.done;
    return IDP_OK;
}

static enum idp_err remove_over(struct sql_tx *tx, void *with)
{
    struct change *change = with;
    change->done = (struct rotated){.kid = NULL};
    enum idp_err err = signing_keys_read_in(tx, change->arena, &change->keys);
    for (size_t i = 0; err == IDP_OK && i < change->keys.count; i++)
        if (is_over(&change->keys.keys[i], change->work))
            err = remove_key(tx, change, change->keys.keys[i].kid);
    if (err != IDP_OK || change->done.removed == 0)
        return err;
    return generation_bump(tx, &change->done.generation);
}

/* --- the periodic task --------------------------------------------------------------------- */

static enum idp_err publish_due(const struct key_work *work, const struct signing_keys *keys,
                                struct arena *arena)
{
    enum idp_err err = IDP_OK;
    for (int alg = 0; alg < JOSE_ALGS && err == IDP_OK; alg++) {
        struct rotated done;
        if (is_due(keys, (enum jose_alg)alg, work))
            err = rotation_publish(work, (enum jose_alg)alg, arena, &done);
        if (err == IDP_CONFLICT) /* somebody else was first */
            err = IDP_OK;
    }
    return err;
}

static enum idp_err remove_what_is_over(const struct key_work *work,
                                        const struct signing_keys *keys, struct arena *arena)
{
    struct change change = {.work = work, .arena = arena};
    bool any = false;
    for (size_t i = 0; i < keys->count; i++)
        any = any || is_over(&keys->keys[i], work);
    enum idp_err err = any ? sql_transact(work->db, remove_over, &change) : IDP_OK;
    for (size_t i = 0; any && err == IDP_OK && i < change.keys.count; i++)
        if (is_over(&change.keys.keys[i], work))
            tell("signing_key_removed", change.keys.keys[i].kid, change.keys.keys[i].alg);
    return err;
}

enum idp_err rotation_run(const struct key_work *work)
{
    struct signing_keys keys;
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? signing_keys_read(work->db, arena, &keys) : IDP_FAULT;
    if (err == IDP_OK)
        err = remove_what_is_over(work, &keys, arena);
    if (err == IDP_OK)
        err = publish_due(work, &keys, arena);
    arena_free(arena);
    return err;
}
