/* The front of the key-value store: limits and figures, the same for every driver, who may wait,
 * and the choice of a driver. */
#include "store/kv.h"

#include <string.h>

#include "base/clock.h"
#include "base/lane.h"
#include "store/explain.h"
#include "store/figures.h"
#include "store/memory.h"
#include "store/redis.h"

static enum idp_err open_driver(const struct kv_settings *settings, struct figures *figures,
                                char **why, struct kv **out)
{
    if (strcmp(settings->where, "memory:") != 0)
        return redis_open(settings, figures, why, out);
    if (settings->password_file != NULL || settings->ca_file != NULL) {
        (void)store_explain(IDP_BAD_REQUEST, why,
                            "store.kv_%s: expected only with a Redis in store.kv",
                            settings->ca_file != NULL ? "ca_file" : "password_file");
        return IDP_BAD_REQUEST;
    }
    return kv_memory_open(settings->quotas, NULL, out);
}

enum idp_err kv_open(const struct kv_settings *settings, char **why, struct kv **out)
{
    struct kv *kv = NULL;
    struct figures *figures = figures_new(FIGURES_KV);
    if (why != NULL)
        *why = NULL;
    enum idp_err err = figures != NULL ? open_driver(settings, figures, why, &kv) : IDP_FAULT;
    if (err != IDP_OK) {
        figures_free(figures);
        return err;
    }
    kv->figures = figures;
    *out = kv;
    return IDP_OK;
}

void kv_close(struct kv *kv)
{
    if (kv == NULL)
        return;
    struct figures *figures = kv->figures;
    kv->driver->close(kv);
    figures_free(figures);
}

static bool is_key(enum kv_kind kind, struct kv_bytes key)
{
    return (unsigned)kind < KV_KINDS && key.bytes != NULL && key.len > 0 && key.len <= KV_KEY_MAX;
}

static bool is_value(struct kv_bytes value)
{
    return value.len <= KV_VALUE_MAX && (value.bytes != NULL || value.len == 0);
}

/* Brings a time to live into 1 ms to KV_TTL_MAX_MS: callers subtract clock readings, and what is
 * over at the moment it is written must not stand for ever. */
static int64_t bounded(int64_t ttl_ms)
{
    if (ttl_ms < 1)
        return 1;
    return ttl_ms < KV_TTL_MAX_MS ? ttl_ms : KV_TTL_MAX_MS;
}

/* --- who may wait, and what is counted ------------------------------------------------------- */

/* What a call begins with; arguments that are not within bounds end it. A store in this process is
 * so fast that its calls are not timed: *began is -1 then. */
static enum idp_err begin(const struct kv *kv, bool within_bounds, int64_t *began)
{
    if (!within_bounds)
        return IDP_BAD_REQUEST;
    if (kv->driver->remote && !lane_may_wait())
        return IDP_WAIT;
    *began = kv->driver->remote ? clock_ticks_us() : -1;
    return IDP_OK;
}

static enum idp_err end(const struct kv *kv, int64_t began, enum idp_err err)
{
    if (!kv->driver->remote)
        figures_trip(kv->figures);
    figures_call(kv->figures, err, began < 0 ? -1 : clock_ticks_us() - began);
    return err;
}

/* --- the calls ------------------------------------------------------------------------------- */

enum idp_err kv_get(struct kv *kv, enum kv_kind kind, struct kv_bytes key, struct arena *arena,
                    struct kv_bytes *out)
{
    int64_t began = 0;
    enum idp_err err = begin(kv, is_key(kind, key), &began);
    return err != IDP_OK ? err : end(kv, began, kv->driver->get(kv, kind, key, arena, out));
}

enum idp_err kv_take(struct kv *kv, enum kv_kind kind, struct kv_bytes key, struct arena *arena,
                     struct kv_bytes *out)
{
    int64_t began = 0;
    enum idp_err err = begin(kv, is_key(kind, key), &began);
    return err != IDP_OK ? err : end(kv, began, kv->driver->take(kv, kind, key, arena, out));
}

enum idp_err kv_put(struct kv *kv, enum kv_kind kind, struct kv_bytes key, struct kv_bytes value,
                    int64_t ttl_ms)
{
    int64_t began = 0;
    enum idp_err err = begin(kv, is_key(kind, key) && is_value(value), &began);
    return err != IDP_OK ? err
                         : end(kv, began, kv->driver->put(kv, kind, key, value, bounded(ttl_ms)));
}

enum idp_err kv_add(struct kv *kv, enum kv_kind kind, struct kv_bytes key, struct kv_bytes value,
                    int64_t ttl_ms)
{
    int64_t began = 0;
    enum idp_err err = begin(kv, is_key(kind, key) && is_value(value), &began);
    return err != IDP_OK ? err
                         : end(kv, began, kv->driver->add(kv, kind, key, value, bounded(ttl_ms)));
}

enum idp_err kv_swap(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                     struct kv_bytes expected, struct kv_bytes value, int64_t ttl_ms)
{
    int64_t began = 0;
    enum idp_err err =
        begin(kv, is_key(kind, key) && is_value(expected) && is_value(value), &began);
    return err != IDP_OK
               ? err
               : end(kv, began, kv->driver->swap(kv, kind, key, expected, value, bounded(ttl_ms)));
}

enum idp_err kv_count(struct kv *kv, enum kv_kind kind, struct kv_bytes key, int64_t by,
                      int64_t ttl_ms, int64_t *out)
{
    int64_t began = 0;
    enum idp_err err = begin(kv, is_key(kind, key), &began);
    return err != IDP_OK
               ? err
               : end(kv, began, kv->driver->count(kv, kind, key, by, bounded(ttl_ms), out));
}

struct kv_bytes kv_text(const char *text)
{
    return (struct kv_bytes){.bytes = text, .len = strlen(text)};
}
