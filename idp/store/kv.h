/*
 * What expires or can be rebuilt: challenges, interactions, sessions, codes, counters, copies of
 * grants. Keys are typed: a code can never be read as a session.
 *
 * A driver must: run each call as one step, so that of two takers one gets the value; never give
 * out an expired value; never evict a value to make room for another (IDP_FULL instead); keep each
 * kind's quota apart, so that what strangers can create never crowds out a session. It may lose
 * everything at once, as a Redis does that restarts empty. docs/decisions/two-stores.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct circuit;
struct figures;
struct kv;

enum kv_kind {
    KV_SESSION,     /* browser sessions, signed in; a visitor's needs no storage */
    KV_BINDING,     /* locks that proved themselves and wait for the form of their enterprise */
    KV_INTERACTION, /* authorization requests waiting for the bidder */
    KV_CHALLENGE,
    KV_CODE,
    KV_GRANT,  /* copies of SQL rows, and tombstones over them */
    KV_HOLDER, /* copies of SQL rows: an enterprise with the lock it signed in with */
    KV_REPLAY,
    KV_COUNTER,
    KV_STATUS, /* good answers about revocation */
    KV_LAUNCH, /* a platform was launched from the portal */
    KV_KINDS,  /* how many there are */
};

enum { KV_KEY_MAX = 128, KV_VALUE_MAX = 64 * 1024 };
#define KV_TTL_MAX_MS INT64_C(315360000000) /* ten years */

struct kv_bytes {
    const void *bytes;
    size_t len;
};

/* What a driver provides; memory.c and redis.c each end with such a record. */
struct kv_driver {
    const char *name;
    bool remote; /* its calls wait, and it notes its round trips itself (store/figures.h) */
    enum idp_err (*get)(struct kv *kv, enum kv_kind kind, struct kv_bytes key, struct arena *arena,
                        struct kv_bytes *out);
    enum idp_err (*take)(struct kv *kv, enum kv_kind kind, struct kv_bytes key, struct arena *arena,
                         struct kv_bytes *out);
    enum idp_err (*put)(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                        struct kv_bytes value, int64_t ttl_ms);
    enum idp_err (*add)(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                        struct kv_bytes value, int64_t ttl_ms);
    enum idp_err (*swap)(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                         struct kv_bytes expected, struct kv_bytes value, int64_t ttl_ms);
    enum idp_err (*count)(struct kv *kv, enum kv_kind kind, struct kv_bytes key, int64_t by,
                          int64_t ttl_ms, int64_t *out);
    void (*close)(struct kv *kv);
};

/* A driver's own struct begins with this. */
struct kv {
    const struct kv_driver *driver;
    struct figures *figures;       /* of the front; NULL: nothing is counted */
    const struct circuit *circuit; /* of the driver; NULL: it has none */
};

/* Which store, and how it is spoken to. Members that are NULL or 0 have a default. */
struct kv_settings {
    /* "memory:", the store in this process; redis://[USER@]HOST[:PORT][/DATABASE], rediss:// of the
     * same form, redis+unix:[USER@]/PATH */
    const char *where;
    const size_t *quotas;      /* the most values of each kind: KV_KINDS numbers */
    const char *password_file; /* NULL: no password */
    const char *ca_file;       /* whose servers are believed; NULL: the system's authorities */
    int64_t deadline_ms;       /* for each call, with connecting and all; 0: 1000 */
};

/*
 * Opens a store. Returns IDP_BAD_REQUEST for settings that cannot be right, IDP_UNAVAILABLE when
 * the store cannot be had, IDP_FAULT without memory; then *why may be a line for a person, which
 * names the setting and which the caller frees.
 */
enum idp_err kv_open(const struct kv_settings *settings, char **why, struct kv **out);

/* NULL is allowed. */
void kv_close(struct kv *kv);

/*
 * All of these return IDP_UNAVAILABLE when the store does not answer (never "not found"),
 * IDP_WAIT when it would have to be waited for on a thread that may not, IDP_FULL when the kind's
 * quota is used up, IDP_FAULT for no memory, IDP_BAD_REQUEST when a length is out of bounds: keys
 * are 1 to KV_KEY_MAX bytes, values up to KV_VALUE_MAX. A ttl_ms below 1 counts as 1, one above
 * KV_TTL_MAX_MS as that. Results are copied into the arena, with a NUL behind len bytes.
 */

/* The value, or IDP_NOT_FOUND. */
enum idp_err kv_get(struct kv *kv, enum kv_kind kind, struct kv_bytes key, struct arena *arena,
                    struct kv_bytes *out);

/* The value, which is deleted in the same step, or IDP_NOT_FOUND. The arena may be NULL, and so
 * may out: then it only deletes. */
enum idp_err kv_take(struct kv *kv, enum kv_kind kind, struct kv_bytes key, struct arena *arena,
                     struct kv_bytes *out);

/* Sets the value for ttl_ms milliseconds, whether or not one stood there. */
enum idp_err kv_put(struct kv *kv, enum kv_kind kind, struct kv_bytes key, struct kv_bytes value,
                    int64_t ttl_ms);

/* Sets the value only where none stands; IDP_CONFLICT otherwise. */
enum idp_err kv_add(struct kv *kv, enum kv_kind kind, struct kv_bytes key, struct kv_bytes value,
                    int64_t ttl_ms);

/* Replaces the value when it is expected; IDP_CONFLICT when it is another, IDP_NOT_FOUND when
 * there is none. */
enum idp_err kv_swap(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                     struct kv_bytes expected, struct kv_bytes value, int64_t ttl_ms);

/* Adds to a counter, which begins at 0 and is gone ttl_ms after it began; *out is the new sum.
 * kv_get() gives a counter out as decimal digits. Returns IDP_FAULT where something else stands. */
enum idp_err kv_count(struct kv *kv, enum kv_kind kind, struct kv_bytes key, int64_t by,
                      int64_t ttl_ms, int64_t *out);

/* A key or value from NUL-terminated text. */
struct kv_bytes kv_text(const char *text);
