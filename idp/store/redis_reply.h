/*
 * Reads the replies of a Redis server (RESP 2) from what a link receives. Bounded: a reply is one
 * text, number or error, never a list, and as long as a value may be.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/kv.h"

struct arena;
struct redis_reader;

enum redis_reply_kind { REDIS_NIL, REDIS_STATUS, REDIS_ERROR, REDIS_NUMBER, REDIS_VALUE };

enum { REDIS_LINE_MAX = 200, REDIS_REPLY_MAX = KV_VALUE_MAX + 64 };

struct redis_reply {
    enum redis_reply_kind kind;
    int64_t number;
    char line[REDIS_LINE_MAX]; /* the beginning of a status, an error, or a value without an arena;
                                  NUL-terminated */
    struct kv_bytes value;     /* in the arena, with a NUL behind it */
    struct arena *arena;       /* set by the caller; NULL: values go into line */
};

/* Returns NULL when there is no memory. */
struct redis_reader *redis_reader_new(void);

/* NULL is allowed. */
void redis_reader_free(struct redis_reader *reader);

/* Begins a new reply, which is going to be put into *reply. */
void redis_reader_begin(struct redis_reader *reader, struct redis_reply *reply);

/*
 * Takes in what came next; *whole says whether the reply is there. Returns IDP_UNAVAILABLE for
 * what is no reply, too long a one, or something behind one, and IDP_FAULT without memory: then
 * the reader, and the stream it read, are good for nothing.
 */
enum idp_err redis_reader_take(struct redis_reader *reader, const void *bytes, size_t len,
                               bool *whole);
