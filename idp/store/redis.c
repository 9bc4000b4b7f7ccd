/*
 * Redis as a driver of kv.h: each call is one command or one script about one key, and one round
 * trip. Single keys only, so that a cluster can take the place of a server.
 */
#include "store/redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/kv_kinds.h"
#include "store/redis_client.h"
#include "store/redis_quota.h"
#include "store/redis_setup.h"

enum { KEY_ROOM = KV_KEY_MAX + 64, NUMBER_SIZE = 24, USUAL_DEADLINE_MS = 1000 };

/* All keys begin with it: a server may be shared, and an ACL can name them. */
#define PREFIX "tamga:"

struct redis {
    struct kv kv;
    struct redis_setup setup;
    struct redis_client *client;
    struct redis_quota *quota;
};

/* --- keys and numbers as Redis takes them ---------------------------------------------------- */

/* A key with its kind before it: a code can never be read as a session. */
struct typed_key {
    char room[KEY_ROOM];
    struct kv_bytes bytes;
};

static void type_key(struct typed_key *out, const char *kind, struct kv_bytes key)
{
    int n = snprintf(out->room, sizeof(out->room), PREFIX "%s:", kind);
    memcpy(out->room + n, key.bytes, key.len);
    out->bytes = (struct kv_bytes){out->room, (size_t)n + key.len};
}

struct digits {
    char room[NUMBER_SIZE];
};

static struct kv_bytes write_number(struct digits *digits, int64_t number)
{
    (void)snprintf(digits->room, sizeof(digits->room), "%" PRId64, number);
    return kv_text(digits->room);
}

/* --- reading --------------------------------------------------------------------------------- */

/* GET or GETDEL. */
static enum idp_err read_value(struct redis *redis, const struct redis_question *question,
                               struct arena *arena, struct kv_bytes *out)
{
    struct redis_reply reply = {.arena = arena};
    enum idp_err err = redis_client_ask(redis->client, question, &reply);
    if (err != IDP_OK)
        return err;
    if (reply.kind == REDIS_NIL)
        return IDP_NOT_FOUND;
    if (reply.kind != REDIS_VALUE)
        return IDP_UNAVAILABLE; /* no Redis answers so */
    if (out != NULL && arena != NULL)
        *out = reply.value;
    return IDP_OK;
}

static enum idp_err redis_get(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                              struct arena *arena, struct kv_bytes *out)
{
    struct typed_key typed;
    type_key(&typed, kv_kinds[kind].name, key);
    const struct redis_command get = {.count = 2, .words = {kv_text("GET"), typed.bytes}};
    return read_value((struct redis *)kv, &(struct redis_question){&get, NULL, true}, arena, out);
}

static enum idp_err redis_take(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                               struct arena *arena, struct kv_bytes *out)
{
    struct typed_key typed;
    struct redis *redis = (struct redis *)kv;
    type_key(&typed, kv_kinds[kind].name, key);
    const struct redis_command take = {.count = 2, .words = {kv_text("GETDEL"), typed.bytes}};
    enum idp_err err = read_value(redis, &(struct redis_question){&take, NULL, false}, arena, out);
    if (err == IDP_OK)
        redis_quota_give(redis->quota, kind);
    return err;
}

/* --- writing --------------------------------------------------------------------------------- */

/*
 * SET key value PX ttl, with NX, or with GET, which tells whether a value stood there. The reply is
 * nil in the one case when NX did not set, in the other when nothing stood there.
 */
static enum idp_err set(struct redis *redis, enum kv_kind kind, const struct redis_command *command,
                        bool *is_nil)
{
    struct redis_reply reply = {.arena = NULL};
    enum idp_err err = redis_quota_take(redis->quota, kind);
    if (err != IDP_OK)
        return err;
    err = redis_client_ask(redis->client, &(struct redis_question){command, NULL, false}, &reply);
    if (err == IDP_FULL || err == IDP_FAULT)
        redis_quota_give(redis->quota, kind);
    *is_nil = reply.kind == REDIS_NIL;
    return err;
}

static enum idp_err redis_put(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                              struct kv_bytes value, int64_t ttl_ms)
{
    bool is_new = false;
    struct digits ttl;
    struct typed_key typed;
    struct redis *redis = (struct redis *)kv;
    type_key(&typed, kv_kinds[kind].name, key);
    const bool counted = kv_kinds[kind].window_ms > 0;
    const struct redis_command put = {.count = counted ? 6 : 5,
                                      .words = {kv_text("SET"), typed.bytes, value, kv_text("PX"),
                                                write_number(&ttl, ttl_ms), kv_text("GET")}};
    enum idp_err err = set(redis, kind, &put, &is_new);
    if (err == IDP_OK && !is_new)
        redis_quota_give(redis->quota, kind);
    return err;
}

static enum idp_err redis_add(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                              struct kv_bytes value, int64_t ttl_ms)
{
    bool stood_there = false;
    struct digits ttl;
    struct typed_key typed;
    struct redis *redis = (struct redis *)kv;
    type_key(&typed, kv_kinds[kind].name, key);
    const struct redis_command add = {.count = 6,
                                      .words = {kv_text("SET"), typed.bytes, value, kv_text("PX"),
                                                write_number(&ttl, ttl_ms), kv_text("NX")}};
    enum idp_err err = set(redis, kind, &add, &stood_there);
    if (err != IDP_OK || !stood_there)
        return err;
    redis_quota_give(redis->quota, kind);
    return IDP_CONFLICT;
}

static enum idp_err redis_swap(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                               struct kv_bytes expected, struct kv_bytes value, int64_t ttl_ms)
{
    struct digits ttl;
    struct typed_key typed;
    struct redis_reply reply = {.arena = NULL};
    type_key(&typed, kv_kinds[kind].name, key);
    const struct redis_run run = {
        .script = &redis_swap_script,
        .key = typed.bytes,
        .count = 3,
        .arguments = {expected, value, write_number(&ttl, ttl_ms)},
    };
    enum idp_err err = redis_client_ask(((struct redis *)kv)->client,
                                        &(struct redis_question){NULL, &run, false}, &reply);
    if (err != IDP_OK)
        return err;
    if (reply.kind == REDIS_NIL)
        return IDP_NOT_FOUND;
    return reply.kind == REDIS_NUMBER && reply.number == 1 ? IDP_OK : IDP_CONFLICT;
}

/* --- counting -------------------------------------------------------------------------------- */

/* How a counter is counted, by whatever name. */
struct counting {
    struct kv_bytes key;
    int64_t by, ttl_ms;
    bool may_begin; /* it may come into being */
};

/* Reads the script's reply; *began says that the counter came into being. */
static enum idp_err read_sum(const struct redis_reply *reply, bool *began, int64_t *out)
{
    if (reply->kind == REDIS_NIL)
        return IDP_FULL;
    if (reply->kind != REDIS_VALUE)
        return IDP_UNAVAILABLE;
    *began = *reply->line != '+';
    *out = strtoimax(reply->line + !*began, NULL, 10);
    return IDP_OK;
}

static enum idp_err count_up(struct redis *redis, const struct counting *counting, bool *began,
                             int64_t *out)
{
    struct digits by;
    struct digits ttl;
    struct redis_reply reply = {.arena = NULL};
    const struct redis_run run = {
        .script = &redis_count_script,
        .key = counting->key,
        .count = 3,
        .arguments = {write_number(&by, counting->by), write_number(&ttl, counting->ttl_ms),
                      kv_text(counting->may_begin ? "1" : "0")},
    };
    enum idp_err err =
        redis_client_ask(redis->client, &(struct redis_question){NULL, &run, false}, &reply);
    return err == IDP_OK ? read_sum(&reply, began, out) : err;
}

/* A place is needed for a counter that begins only; where none is left the others go on. */
static enum idp_err redis_count(struct kv *kv, enum kv_kind kind, struct kv_bytes key, int64_t by,
                                int64_t ttl_ms, int64_t *out)
{
    bool began = false;
    struct typed_key typed;
    struct redis *redis = (struct redis *)kv;
    enum idp_err place = redis_quota_take(redis->quota, kind);
    if (place != IDP_OK && place != IDP_FULL)
        return place;
    type_key(&typed, kv_kinds[kind].name, key);
    const struct counting counting = {typed.bytes, by, ttl_ms, place == IDP_OK};
    enum idp_err err = count_up(redis, &counting, &began, out);
    if (place == IDP_OK && !began && err != IDP_UNAVAILABLE)
        redis_quota_give(redis->quota, kind);
    return err;
}

/* What quotas are counted with: counters that need no place of their own. */
static enum idp_err count_quota(void *with, struct kv_bytes name, int64_t by, int64_t ttl_ms,
                                int64_t *out)
{
    bool began = false;
    struct typed_key typed;
    type_key(&typed, "quota", name);
    return count_up(with, &(struct counting){typed.bytes, by, ttl_ms, true}, &began, out);
}

/* --- opening and closing --------------------------------------------------------------------- */

static void redis_close(struct kv *kv)
{
    struct redis *redis = (struct redis *)kv;
    redis_client_free(redis->client);
    redis_quota_free(redis->quota);
    redis_setup_drop(&redis->setup);
    free(redis);
}

static const struct kv_driver redis_driver = {
    .name = "redis",
    .remote = true,
    .get = redis_get,
    .take = redis_take,
    .put = redis_put,
    .add = redis_add,
    .swap = redis_swap,
    .count = redis_count,
    .close = redis_close,
};

static enum idp_err open_all(struct redis *redis, const struct kv_settings *settings,
                             struct figures *figures, char **why)
{
    const int64_t deadline = settings->deadline_ms > 0 ? settings->deadline_ms : USUAL_DEADLINE_MS;
    const struct redis_counting counting = {.with = redis, .count = count_quota};
    enum idp_err err = redis_scripts_prepare();
    if (err == IDP_OK)
        err = redis_setup_make(settings, why, &redis->setup);
    if (err == IDP_OK)
        err = redis_setup_check(&redis->setup, clock_ticks_ms() + deadline, why);
    if (err != IDP_OK)
        return err;
    redis->setup.server.figures = figures;
    redis->quota = redis_quota_new(settings->quotas, &counting);
    err = redis_client_new(&redis->setup.server, deadline, &redis->client);
    return redis->quota != NULL ? err : IDP_FAULT;
}

enum idp_err redis_open(const struct kv_settings *settings, struct figures *figures, char **why,
                        struct kv **out)
{
    struct redis *redis = calloc(1, sizeof(*redis));
    if (redis == NULL)
        return IDP_FAULT;
    redis->kv.driver = &redis_driver;
    enum idp_err err = open_all(redis, settings, figures, why);
    if (err != IDP_OK) {
        redis_close(&redis->kv);
        return err;
    }
    redis->kv.circuit = redis_client_circuit(redis->client);
    *out = &redis->kv;
    return IDP_OK;
}
