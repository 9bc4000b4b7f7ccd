/* The front of the key-value store: limits, the same for every driver, and the choice of one. */
#include "store/kv.h"

#include <stdbool.h>
#include <string.h>

#include "store/memory.h"

enum idp_err kv_open(const char *where, const size_t quotas[KV_KINDS], struct kv **out)
{
    if (strcmp(where, "memory:") == 0)
        return kv_memory_open(quotas, NULL, out);
    return IDP_BAD_REQUEST;
}

void kv_close(struct kv *kv)
{
    if (kv != NULL)
        kv->driver->close(kv);
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

enum idp_err kv_get(struct kv *kv, enum kv_kind kind, struct kv_bytes key, struct arena *arena,
                    struct kv_bytes *out)
{
    if (!is_key(kind, key))
        return IDP_BAD_REQUEST;
    return kv->driver->get(kv, kind, key, arena, out);
}

enum idp_err kv_take(struct kv *kv, enum kv_kind kind, struct kv_bytes key, struct arena *arena,
                     struct kv_bytes *out)
{
    if (!is_key(kind, key))
        return IDP_BAD_REQUEST;
    return kv->driver->take(kv, kind, key, arena, out);
}

enum idp_err kv_put(struct kv *kv, enum kv_kind kind, struct kv_bytes key, struct kv_bytes value,
                    int64_t ttl_ms)
{
    if (!is_key(kind, key) || !is_value(value))
        return IDP_BAD_REQUEST;
    return kv->driver->put(kv, kind, key, value, bounded(ttl_ms));
}

enum idp_err kv_add(struct kv *kv, enum kv_kind kind, struct kv_bytes key, struct kv_bytes value,
                    int64_t ttl_ms)
{
    if (!is_key(kind, key) || !is_value(value))
        return IDP_BAD_REQUEST;
    return kv->driver->add(kv, kind, key, value, bounded(ttl_ms));
}

enum idp_err kv_swap(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                     struct kv_bytes expected, struct kv_bytes value, int64_t ttl_ms)
{
    if (!is_key(kind, key) || !is_value(expected) || !is_value(value))
        return IDP_BAD_REQUEST;
    return kv->driver->swap(kv, kind, key, expected, value, bounded(ttl_ms));
}

enum idp_err kv_count(struct kv *kv, enum kv_kind kind, struct kv_bytes key, int64_t by,
                      int64_t ttl_ms, int64_t *out)
{
    if (!is_key(kind, key))
        return IDP_BAD_REQUEST;
    return kv->driver->count(kv, kind, key, by, bounded(ttl_ms), out);
}

struct kv_bytes kv_text(const char *text)
{
    return (struct kv_bytes){.bytes = text, .len = strlen(text)};
}
